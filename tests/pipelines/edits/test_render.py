"""Rendering: spans become their masks or nothing, by bytes; what does not fit is refused."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.edits.render import REPLACED, render
from pipelines.lake import LakeError
from tests.support.personal_data import SPANS


@st.composite
def edited(draw: st.DrawFn) -> tuple[str, list[dict[str, object]], str]:
    """(text, its spans in UTF-8 bytes, the text with every span replaced)."""
    text, spans, wanted = "", [], ""
    for piece, kind in draw(
        st.lists(st.tuples(st.text("a中😀\n", max_size=4), st.sampled_from([None, *REPLACED])))
    ):
        start = len(text.encode())
        text += piece
        if kind is None:
            wanted += piece
        else:
            spans.append({"start": start, "end": len(text.encode()), "kind": kind})
            wanted += REPLACED[kind]
    return text, spans, wanted


@given(st.lists(edited(), max_size=5))
def test_every_span_is_replaced_and_the_rest_stays(
    rows: list[tuple[str, list[dict[str, object]], str]],
) -> None:
    texts, spans = pa.array([t for t, _, _ in rows], pa.string()), pa.array([s for _, s, _ in rows], SPANS)
    assert render(texts, spans).to_pylist() == [wanted for _, _, wanted in rows]


def test_a_null_text_stays_null() -> None:
    spans = pa.array([[{"start": 0, "end": 1, "kind": "line"}], None], SPANS)
    assert render(pa.array([None, "x"]), spans).to_pylist() == [None, "x"]


@pytest.mark.parametrize("ends", [[(0, 99)], [(3, 2)], [(0, 3), (2, 4)]])
def test_spans_that_do_not_fit_their_text_are_refused(ends: list[tuple[int, int]]) -> None:
    spans = [{"start": start, "end": end, "kind": "ip"} for start, end in ends]
    with pytest.raises(LakeError, match="does not fit a text of 5 bytes"):
        render(pa.array(["short"]), pa.array([spans], SPANS))


def test_tables_of_different_length_are_refused() -> None:
    with pytest.raises(LakeError, match="2 texts and 1 rows of spans"):
        render(pa.array(["a", "b"]), pa.array([[]], SPANS))
