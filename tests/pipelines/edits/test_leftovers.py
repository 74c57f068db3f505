"""What rendering leaves is found without the finder's help."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from pipelines.edits import leftovers as module
from pipelines.edits.leftovers import leftovers
from pipelines.edits.personal_data import mask
from tests.support.personal_data import ID_CARD, labelled_strings
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("联系zhang.san@example.cn。", "email"),
        ("ｗａｎｇ＠ｅｘａｍｐｌｅ．ｃｏｍ", "email"),
        ("-a\u200bb@example.org", "email"),
        ("手机：13812345678", "mobile"),
        ("Tel 138\u200b12345678", "mobile"),
        (f"号码{ID_CARD}，", "id_card"),
        ("IP: 8.8.8.8", "ip"),
    ],
)
def test_what_is_left_is_counted(text: str, kind: str) -> None:
    assert leftovers(text) == {kind: 1}


def test_a_finder_that_finds_nothing_is_noticed() -> None:
    texts = ["".join(piece for piece, _ in line) for _, line in labelled_strings()]
    assert sum(leftovers(text).total() for text in texts) > 40


def test_nothing_is_left_in_masked_strings() -> None:
    for name, line in labelled_strings():
        text = "".join(piece for piece, _ in line)
        assert not leftovers(mask(text)), (name, text)


def test_no_pattern_is_shared() -> None:
    tree = ast.parse(Path(module.__file__).read_text())
    imported = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {name for name in imported if name and name.startswith("pipelines")}


@pytest.mark.parametrize("unit", ["a@", "@", "a", "1", "1.", "a@b.cn", "13812345678 ", "-", "\u200b1", "１"])
def test_time_is_linear_in_the_text(unit: str) -> None:
    assert_linear(leftovers, unit)
