"""Arrow strings as buffers, and the code points in them."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.utf8 import decode, decode_valid, text_buffers
from tests.support.texts import MIXED


@kernel
def points_of(data: Array, out: Array) -> int:
    """Code points of a buffer by both decoders, uint32 [n, 2]; returns how many."""
    count, i = 0, 0
    while i < len(data):
        point, width = decode(data, i, len(data))
        out[count, 0] = point
        out[count, 1], other_width = decode_valid(data, i)
        if width != other_width:
            return -1
        i += width
        count += 1
    return count


@settings(max_examples=100, deadline=None)
@given(MIXED)
def test_both_decoders_give_the_code_points_of_python(text: str) -> None:
    data, out = np.frombuffer(text.encode(), np.uint8), np.zeros((len(text), 2), np.uint32)
    assert points_of(data, out) == len(text)
    assert out.tolist() == [[ord(c), ord(c)] for c in text]


def test_a_sequence_that_the_end_cuts_reads_as_one_byte() -> None:
    data = np.frombuffer("é中𠀀".encode(), np.uint8)
    for start, size in ((0, 2), (2, 3), (5, 4)):
        for end in range(start + 1, start + size):
            assert decode(data, start, end) == (data[start], 1)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.one_of(st.none(), MIXED), min_size=1, max_size=6), st.integers(0, 3))
def test_buffers_hold_the_texts_of_any_slice(texts: list[str | None], start: int) -> None:
    for kind in (pa.string(), pa.large_string()):
        data, offsets = text_buffers(pa.array(texts, kind).slice(start))
        assert offsets.dtype == np.int64
        read = [bytes(data[a:b]).decode() for a, b in pairwise(offsets.tolist())]
        assert read == [text or "" for text in texts[start:]]


def test_no_texts_are_no_bytes() -> None:
    data, offsets = text_buffers(pa.array([], pa.string()))
    assert len(data) == 0 and offsets.tolist() == [0]
