"""Blocks of text that hold formulas, and those that begin with one.

Belongs here: by what a block is told to be one. Does not belong here: the TeX that it holds
(markdown/formulas.py), which blocks are main text (blocks/, markdown/whole.py).
"""

# ruff: noqa: SIM110 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html.markup import character, is_blank
from pipelines.kernels.compiled import Array, kernel, leaf

NO_FORMULA, HOLDS, BEGINS = range(3)  # what a block is told to be
_BEGIN = np.frombuffer(b"\\begin{", np.uint8)


@leaf
def _opens(data: Array, at: int, end: int) -> bool:
    r"""Whether TeX of a formula begins at a byte: behind `$$`, `\[`, `\(` or `\begin{`."""
    if at + 1 >= end:
        return False
    c, following = data[at], data[at + 1]
    if c == 36:
        return following == 36
    if c != 92:
        return False
    if following == 91 or following == 40:
        return True
    if at + _BEGIN.size > end:
        return False
    for k in range(_BEGIN.size):
        if data[at + k] != _BEGIN[k]:
            return False
    return True


@kernel
def formulas_in(data: Array, blocks: Array, segments: Array, holding: bool) -> Array:
    r"""What each block is: int64 [n] of NO_FORMULA, HOLDS and BEGINS. A formula is an element that shows
    one, or TeX behind `$$`, `\[`, `\(` or `\begin{` outside of code; such TeX within a block is looked
    for only with `holding`. Arguments as tree.parse gives them."""
    found = np.zeros(blocks.shape[0], np.int64)
    for i in range(blocks.shape[0]):
        first = True  # nothing was seen yet
        for s in range(blocks[i, col.B_FIRST], blocks[i, col.B_LAST]):
            at, end, flags = segments[s, 0], segments[s, 1], segments[s, 2]
            if flags & col.S_FORMULA:
                found[i] = max(found[i], BEGINS if first else HOLDS)
                first = False
                continue
            if flags & (col.S_PRE | col.S_CODE):
                first = False
                continue
            while first and at < end:
                size, point = character(data, at)
                if not is_blank(point):
                    first = False
                    if _opens(data, at, end):
                        found[i] = BEGINS
                    break
                at += size
            while holding and at < end and found[i] == NO_FORMULA:
                if (data[at] == 92 or data[at] == 36) and _opens(data, at, end):
                    found[i] = HOLDS
                at += 1
    return found
