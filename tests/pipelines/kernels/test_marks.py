"""Marks are held where a plain search finds them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.marks import SIZE, ByteMarks, has_controls

MARKS = ("<", "](", "\n#", "said:", "发表于", "dateCreated", "x" * 8, "~~~")
PIECES = (*MARKS, "SAID:", "DATECREA", "é", "a" * 61, "\n", "#", "]", "~", "x" * 7, "", " " * 63)


def plain(marks: tuple[str, ...], data: bytes, any_case: bool) -> int:
    """What `held` gives, by searching for each."""
    low = bytes.lower if any_case else bytes
    return sum((low(mark.encode()[:SIZE]) in low(data)) << k for k, mark in enumerate(marks))


@settings(max_examples=400, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(PIECES), max_size=12), st.booleans())
def test_held_is_what_a_search_for_each_finds(pieces: list[str], any_case: bool) -> None:
    data = "".join(pieces).encode()
    marks = ByteMarks(MARKS, any_case)
    assert marks.held(data) == plain(MARKS, data, any_case)
    assert marks.held(np.frombuffer(data, np.uint8)) == marks.held(data)


def test_a_mark_is_found_at_every_place_of_a_text() -> None:
    marks = ByteMarks(("dateCreated", "<"))
    for size in (0, 1, 8, 63, 64, 65, 72, 73, 74, 130):
        for at in range(size + 1):
            data = b"." * at + b"dateCrea" + b"." * (size - at)
            assert marks.held(data) == 1, (size, at)


def test_controls_are_those_that_no_text_holds() -> None:
    for byte in range(256):
        data = np.full(100, 65, np.uint8)
        data[70] = byte
        assert has_controls(data) == (byte < 9 or 14 <= byte < 32 or byte == 127), byte
    assert not has_controls(np.zeros(0, np.uint8))
