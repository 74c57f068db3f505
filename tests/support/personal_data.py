"""Personal data made up for tests, what stands around it, and a text with its masks in place."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa

from pipelines.edits.edits import spans_of
from pipelines.edits.render import render
from pipelines.tables.schemas import EDITS

SPANS = EDITS.field("spans").type
ID_CARD = "11010519491231002X"


SECRETS = {
    "zhang.san@example.cn": "email",
    "a+b_c@mail.sub.example.com": "email",
    "13812345678": "mobile",
    "+86 138-1234-5678": "mobile",
    ID_CARD: "id_card",
    "8.8.8.8": "ip",
}


AROUND = ["", "联系", "，", "：", " ", "（", "）", "\n", "谢谢。", "😀", "—", '"']


STRINGS = Path(__file__).parents[1] / "pipelines" / "edits" / "personal_strings.txt"


def labelled_strings() -> list[tuple[str, list[tuple[str, bool]]]]:
    """(class, pieces of a string) of the labelled strings; each piece with whether it is personal
    data."""
    rows, name = [], ""
    for line in STRINGS.read_text(encoding="utf-8").split("\n"):
        if line.startswith("== "):
            name = line.removeprefix("== ")
        elif line and not line.startswith("# "):
            pieces = [(piece.strip("⟦⟧"), piece.startswith("⟦")) for piece in re.split("(⟦.*?⟧)", line)]
            rows.append((name, [piece for piece in pieces if piece[0]]))
    return rows


def mask(text: str, category: str = "") -> str:
    """The text as everything else reads it."""
    rendered_text: str = render(pa.array([text]), pa.array([spans_of(text, category)], SPANS))[0].as_py()
    return rendered_text
