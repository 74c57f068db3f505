from __future__ import annotations

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import rows, tags


def test_an_element_lies_below_its_owner() -> None:
    elements = np.zeros((2, col.NUM_ELEMENT_COLUMNS), np.int64)
    rows.add_element(elements, 1, 0, tags.PRE, np.uint64(7), 3, 40)
    assert elements[1].tolist() == [0, tags.PRE, 7, 1, 3, 40]


def test_a_block_that_holds_nothing_is_not_written() -> None:
    block, blocks = np.zeros(col.NUM_OPEN_COLUMNS, np.int64), np.zeros((1, col.NUM_BLOCK_COLUMNS), np.int64)
    counts, no_words = np.zeros(col.NUM_COUNTS, np.int64), np.zeros(0, np.uint64)
    rows.open_block(block, 0, False)
    rows.close_block(block, 0, 0, no_words, blocks, counts)
    assert counts[col.C_BLOCKS] == 0
    rows.read_raw(np.frombuffer(b"a <b> c", np.uint8), 0, 7, no_words, block)
    rows.close_block(block, 0, 1, no_words, blocks, counts)
    assert counts[col.C_BLOCKS] == 1 and blocks[0, col.B_WORDS] == 3


def test_segments_end_at_their_bound_and_arrays_double() -> None:
    segments = np.zeros((2, 3), np.int64)
    assert rows.add_segment(segments, 1, 2, 5, col.S_PRE) == 2 and segments[1].tolist() == [2, 5, col.S_PRE]
    assert rows.add_segment(segments, rows.MAX_SEGMENTS, 0, 1, 0) == rows.MAX_SEGMENTS
    assert rows.doubled(segments).shape == (4, 3)
