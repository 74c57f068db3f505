from __future__ import annotations

import random
import re
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edits import personal_data
from pipelines.edits.edits import edits_stage, spans_of
from pipelines.edits.personal_data import MASKS, find_personal_data, id_card_valid
from pipelines.edits.render import render, rendered_texts
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError, Writer
from pipelines.tables.schemas import DOCUMENTS, EDITS, document_id
from pipelines.tables.stage import build

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


def mask(text: str, category: str = "") -> str:
    rendered_text: str = render(pa.array([text]), pa.array([spans_of(text, category)], SPANS))[0].as_py()
    return rendered_text


@pytest.mark.parametrize(("secret", "kind"), SECRETS.items())
def test_masks_are_whole_beside_any_neighbour(secret: str, kind: str) -> None:
    for before in AROUND:
        for after in AROUND:
            assert mask(f"前{before}{secret}{after}后") == f"前{before}{MASKS[kind]}{after}后"


@pytest.mark.parametrize(
    "text",
    [
        "版本8.8.8.8.1发布",
        "version 8.8.8.8-rc1",
        "v8.8.8.8",
        "1.8.8.8.8",
        "127.0.0.1 and 192.168.1.1",
        "256.1.1.1",
        "order 113812345678",
        "0.13812345678",
        "110105194912310021",
        "def f(a): return a@b",
        "x13812345678",
    ],
)
def test_what_is_no_personal_data_is_not_touched(text: str) -> None:
    assert mask(text) == text


def test_sentence_end_after_an_address_is_kept() -> None:
    assert mask("Ask 8.8.8.8. Or me@example.com.") == "Ask [IP]. Or [EMAIL]."


def test_checksum() -> None:
    assert id_card_valid(ID_CARD) and id_card_valid(ID_CARD.lower())
    assert not id_card_valid("110105194912310020")


PROSE = [
    "今天天气很好。",
    "The cookie policy of the city was discussed.",
    "版权所有的概念很重要，因为它保护作者。",
    "",
    "  ",
]
NOTICES = [
    "版权所有 某某公司",
    "Share on Facebook",
    "责任编辑：王某",
    "Please enable JavaScript to view the comments",
    "上一篇：旧文",
    "© 2020 x",
]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([*PROSE, *NOTICES, *SECRETS, "邮箱a@b.cn谢谢", "[EMAIL]", "Copyright 2020 a@b.cn"]),
        max_size=12,
    )
)
def test_rendering_with_lines_taken_out_is_idempotent(lines: list[str]) -> None:
    once = mask("\n".join(lines), "webpages")
    assert mask(once, "webpages") == once
    kept = [line for line in lines if line in PROSE]
    assert [line for line in once.split("\n") if line in PROSE and line] == [line for line in kept if line]
    assert not set(once.split("\n")) & set(NOTICES)


def test_lines_of_code_and_exercises_stay() -> None:
    text = "Copyright (c) 2020 x\nimport os"
    assert mask(text, "code") == text and mask(text, "webpages") == "import os"


def test_properties_on_random_texts() -> None:
    rng = random.Random(7)
    pieces = [
        *SECRETS,
        *AROUND,
        "汉字",
        "word ",
        "1",
        "@",
        ".",
        "-",
        "8.8.8.8.1",
        "+86",
        "x",
        "é",
        "[EMAIL]",
        "139",
    ]
    for _ in range(3000):
        text = "".join(rng.choices(pieces, k=rng.randint(0, 14)))
        spans = spans_of(text)
        assert all(a["end"] <= b["start"] for a, b in pairwise(spans))
        data = text.encode()
        for span in spans:
            data[span["start"] : span["end"]].decode("ascii")
        once = mask(text)
        assert mask(once) == once and not find_personal_data(once)


def test_looking_first_for_what_a_number_must_hold_finds_no_less(monkeypatch: pytest.MonkeyPatch) -> None:
    draw = random.Random(2)
    atoms = [
        *"139 0-._/xX中@",
        "138",
        "2023",
        "+86",
        "0086 ",
        "a.b",
        "1.2",
        "11010119900307109",
        "13800138000",
        "138 0013 8000",
        "8.8.8.8",
    ]
    texts = ["".join(draw.choice(atoms) for _ in range(draw.randrange(1, 30))) for _ in range(3000)]
    texts += ["11010519491231002X", "身份证11010519491231002x。"]
    looked = [find_personal_data(text) for text in texts]
    assert {kind for spans in looked for _, _, kind in spans} >= {"mobile", "ip", "id_card"}
    for name in ("_HAS_ID_CARD", "_HAS_MOBILE", "_HAS_IP"):
        monkeypatch.setattr(personal_data, name, re.compile(""))
    assert [find_personal_data(text) for text in texts] == looked


def test_stage_is_aligned_and_counts(lake: Lake, engine: InProcess) -> None:
    rows = [{f.name: "" for f in DOCUMENTS} for _ in range(3)]
    for i, (row, text) in enumerate(
        zip(rows, ["plain", "邮箱a@b.cn谢谢", "8.8.8.8和13812345678"], strict=True)
    ):
        row |= {"doc_id": document_id("d", "f", i), "offset": i, "text": text}

    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.Table.from_pylist(rows[:2], DOCUMENTS))
        writer.write_table("part-00001.parquet", pa.Table.from_pylist(rows[2:], DOCUMENTS))

    documents = lake.publish("documents", "d", version=1, write=write).dataset
    built = build(lake, engine, edits_stage(documents))
    leftovers = dict.fromkeys(MASKS, 0)
    spans = {"email": 1, "id_card": 0, "mobile": 1, "ip": 1, "line": 0}
    assert built.dataset.stats == {
        "documents": 3,
        "edited_documents": 2,
        "spans": spans,
        "leftovers": leftovers,
    }
    assert rendered_texts(documents, built.dataset, 0).to_pylist() == ["plain", "邮箱[EMAIL]谢谢"]
    assert rendered_texts(documents, built.dataset, 1).to_pylist() == ["[IP]和[PHONE]"]
    assert not build(lake, engine, edits_stage(documents)).fresh
    with pytest.raises(LakeError, match="does not fit"):
        render(pa.array(["short"]), pa.array([[{"start": 0, "end": 99, "kind": "ip"}]], SPANS))
