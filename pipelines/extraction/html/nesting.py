"""Open elements: which of them a tag closes.

Belongs here: the end tags that HTML lets authors leave out, and those that name nothing or the
wrong thing. Does not belong here: reading tags (markup.py), what becomes of the elements (tree.py).

The stack of open elements is given as arrays by depth: kinds (int64, tags.py), names (uint64
hashes), flags (int64, columns.py). Place 0 is the body, which nothing closes.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

import numpy as np

from pipelines.extraction.html.columns import S_LINK
from pipelines.extraction.html.tags import (
    ARTICLE,
    BASE,
    DIV,
    DL,
    DT,
    HEADING,
    LI,
    LIST,
    PRE,
    READING,
    SECTION,
    SKIP,
    TABLE,
    TBODY,
    TD,
    TR,
    A,
    P,
    is_block,
)
from pipelines.kernels.compiled import Array, leaf


@leaf
def depth_after_end(kinds: Array, names: Array, flags: Array, depth: int, kind: int, name: np.uint64) -> int:
    """How many elements stay open after an end tag: it closes up to the element that it names, if
    it can reach that.

    A block-level end tag does not reach out of a table cell, and an inline one not out of a
    block-level element. Where an anchor's end tag cannot reach the anchor, what lies between is no
    link any more (`flags` changes).
    """
    block_level = is_block(kind)
    of_table = kind == TD or kind == TR or kind == TBODY or kind == TABLE
    k = depth - 1
    while k > 0 and names[k] != name:
        if block_level:
            if not of_table and (kinds[k] == TD or kinds[k] == TABLE):
                return depth
        elif kind != SKIP and is_block(kinds[k]):
            if kind == A:
                for m in range(k, depth):
                    flags[m] &= ~S_LINK
            return depth
        k -= 1
    return k if k > 0 else depth


@leaf
def _depth_before_part(kinds: Array, depth: int, kind: int) -> int:
    """As depth_before_start, for an item of a list or a part of a table: it closes the one before
    it in the same list or table."""
    k = depth - 1
    while k > 0:
        other = kinds[k]
        if other == kind:
            return k
        if other == TABLE or other == LIST or other == DL:
            break
        if other == SKIP:
            break
        if (kind == LI or kind == DT) and (
            other == TD or other == DIV or other == SECTION or other == ARTICLE or other == PRE
        ):
            break
        if (kind == TD and (other == TR or other == TBODY)) or (kind == TR and other == TBODY):
            break
        k -= 1
    return depth


@leaf
def depth_before_start(kinds: Array, depth: int, kind: int) -> int:
    """How many elements stay open before a start tag: a paragraph, heading, item, cell or anchor
    may end without an end tag. None outside a button, an SVG picture or the like ends in it."""
    if is_block(kind):
        if kind == LI or kind == DT or kind == TD or kind == TR or kind == TBODY:
            depth = _depth_before_part(kinds, depth, kind)
        k = depth - 1
        while k > 0 and not is_block(kinds[k]) and kinds[k] != SKIP:
            k -= 1
        if k > 0 and (kinds[k] == P or (kind == HEADING and kinds[k] == HEADING)):
            return k
    elif kind == READING or kind == BASE:  # in ruby, what came before it
        k = depth - 1
        while k > 0 and not is_block(kinds[k]):
            if kinds[k] == READING or kinds[k] == BASE:
                return k
            k -= 1
    elif kind == A:  # no anchor lies in another
        k = depth - 1
        while k > 0 and not is_block(kinds[k]):
            if kinds[k] == A:
                return k
            k -= 1
    return depth
