"""Rows of the arrays that a parsed page is made of, as they are written.

Belongs here: how an element, block or segment is added, and the bounds of their numbers. Does not
belong here: when one begins or ends (tree.py), counting text (runs.py), the columns (columns.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.extraction.html.columns import (
    B_CHARS,
    B_CLOSED,
    B_ELEMENT,
    B_FIRST,
    B_HASH,
    B_LAST,
    B_LINKED,
    B_SPLIT,
    B_TOKENS,
    B_WORD,
    B_WORDS,
    C_BLOCKS,
    E_DEPTH,
    E_KIND,
    E_OWN,
    E_PARENT,
    E_PATH,
    E_START,
    NUM_BLOCK_COLUMNS,
    NUM_OPEN_COLUMNS,
)
from pipelines.extraction.html.runs import end_word, read_text
from pipelines.extraction.html.tags import DT, FNV, HEADING, PRIME
from pipelines.kernels.compiled import Array, kernel, leaf

MAX_ELEMENTS = 60_000  # block-level elements that are opened; what follows is left out
MAX_BLOCKS = 20_000  # blocks that are kept; what follows is left out
MAX_SEGMENTS = 120_000  # runs of text between any two tags
FORMULA_CHARS, FORMULA_WORDS = 6, 2  # what a formula counts for in its block


@kernel
def doubled(rows: Array) -> Array:
    """The rows, and as many empty ones behind them."""
    wider = np.zeros((2 * rows.shape[0], rows.shape[1]), np.int64)
    wider[: rows.shape[0]] = rows
    return wider


@leaf
def open_block(block: Array, first_segment: int, split: bool) -> None:
    """The open block is a new one that holds nothing."""
    for k in range(NUM_OPEN_COLUMNS):
        block[k] = 0
    block[B_FIRST], block[B_SPLIT] = first_segment, split
    block[B_WORD] = block[B_HASH] = np.int64(FNV)


@leaf
def close_block(
    block: Array, element: int, last_segment: int, title_words: Array, blocks: Array, counts: Array
) -> None:
    """The open block is written behind `blocks` (where there is room for one), if it holds anything
    and the bound allows it."""
    end_word(block, title_words)
    if block[B_CHARS]:
        block[B_ELEMENT], block[B_LAST] = element, last_segment
        if counts[C_BLOCKS] < MAX_BLOCKS:
            for k in range(NUM_BLOCK_COLUMNS):
                blocks[counts[C_BLOCKS], k] = block[k]
        counts[C_BLOCKS] += 1


@leaf
def count_formula(block: Array, linked: bool, data: Array, start: int, end: int, title_words: Array) -> None:
    """The open block counts a formula, the markup from start to end, as a few words that are in no
    title."""
    end_word(block, title_words)
    block[B_CHARS] += FORMULA_CHARS
    block[B_WORDS] += FORMULA_WORDS
    block[B_TOKENS] += FORMULA_WORDS
    if linked:
        block[B_LINKED] += FORMULA_CHARS
    block[B_CLOSED] = 0
    hashed = np.uint64(block[B_HASH])
    for i in range(start, end):
        hashed = (hashed ^ np.uint64(data[i])) * PRIME
    block[B_HASH] = np.int64(hashed)


@leaf
def add_segment(segments: Array, number: int, start: int, end: int, flags: int) -> int:
    """How many segments there are with this one, which is written if the bound allows it."""
    if number >= MAX_SEGMENTS:
        return number
    segments[number, 0], segments[number, 1], segments[number, 2] = start, end, flags
    return number + 1


@leaf
def heads(elements: Array, element: int) -> bool:
    """Whether an element is a heading or a term, or lies right in one."""
    for _ in range(2):
        if element < 0:
            return False
        kind = elements[element, E_KIND]
        if kind == HEADING or kind == DT:  # noqa: SIM109 (compiled code compares faster one by one)
            return True
        element = elements[element, E_PARENT]
    return False


@leaf
def add_element(
    elements: Array, number: int, owner: int, kind: int, path: np.uint64, groups: int, start: int
) -> None:
    """Write an element within `owner` at its number; `path` is the hash of its tag and class names
    below the owner's."""
    elements[number, E_PATH], elements[number, E_KIND] = np.int64(path), kind
    elements[number, E_DEPTH] = elements[owner, E_DEPTH] + 1
    elements[number, E_PARENT], elements[number, E_OWN] = owner, groups
    elements[number, E_START] = start


@leaf
def read_raw(data: Array, at: int, end: int, title_words: Array, block: Array) -> None:
    """The open block counts text in which nothing is a tag."""
    raw = data[:end]
    while at < end:
        at, _ = read_text(raw, at, False, title_words, block)
        at += 1
