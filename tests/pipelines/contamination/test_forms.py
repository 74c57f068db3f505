"""Tokens, skeletons and shapes of texts against their plain reading."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contamination import reference
from pipelines.contamination.forms import SHAPE, SKELETON, WHOLE, forms_of, tables
from pipelines.kernels.normal_form import ALONE
from pipelines.kernels.reference import avalanche, token_value
from pipelines.kernels.utf8 import text_buffers
from tests.support.texts import TEXTS

RUNS = st.lists(
    st.sampled_from(
        [
            "a",
            "bc",
            "X",
            "7",
            "07",
            "７",
            "é",
            "\u0301",
            " ",
            "-",
            "，",
            "中",
            "發",
            "か",
            "ก",
            "𠀀",
            "y" * 70,
        ]
    ),
    max_size=90,
).map("".join)


def forms(texts: list[str], which: int) -> tuple[list[list[int]], list[int], list[bool]]:
    """(ids of each text, characters of each that stand alone, whether each has a number)."""
    ids, bounds, alone, numbers = forms_of(*text_buffers(pa.array(texts, pa.string())), tables(), which)
    rows = [ids[bounds[k] : bounds[k + 1]].tolist() for k in range(len(texts))]
    return rows, alone.tolist(), numbers.tolist()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(TEXTS, RUNS), max_size=4))
def test_tokens_equal_their_plain_reading(texts: list[str]) -> None:
    found, alone, numbers = forms(texts, WHOLE)
    for row, text in enumerate(texts):
        expected = reference.tokens(text)
        assert found[row] == [avalanche(token_value(token.text)) for token in expected]
        assert alone[row] == sum(token.group == ALONE for token in expected)
        assert numbers[row] == reference.has_number(text, expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(TEXTS, RUNS), max_size=4))
def test_skeletons_equal_their_plain_reading(texts: list[str]) -> None:
    for row, text in zip(forms(texts, SKELETON)[0], texts, strict=True):
        expected = reference.skeleton(text, reference.tokens(text))
        assert row == [avalanche(token_value(token.text)) for token in expected]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(TEXTS, RUNS), max_size=4))
def test_equal_tokens_of_shapes_and_no_others_have_equal_ids(texts: list[str]) -> None:
    found: dict[str, set[int]] = {}
    for row, text in zip(forms(texts, SHAPE)[0], texts, strict=True):
        expected = [token.text for token in reference.shape(reference.tokens(text))]
        assert len(row) == len(expected)
        for own, token in zip(row, expected, strict=True):
            found.setdefault(token, set()).add(own)
    assert all(len(ids) == 1 for ids in found.values())
    assert len(set().union(*found.values())) == len(found)


@pytest.mark.parametrize(
    ("text", "shape"),
    [
        ("1/2 + 0.25 of 3,000", "0 of 0"),
        ("x1 + 24x_2 = ７", "x0 0x 0"),
        ("log_2 8 and log2 8", "log 0 and log0 0"),
        ("第3天卖出25个", "第 0 天 卖 出 0 个"),
    ],
)
def test_a_shape_has_zero_for_every_number(text: str, shape: str) -> None:
    assert forms([text], SHAPE)[0] == forms([shape], SHAPE)[0]
