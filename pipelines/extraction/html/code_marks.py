"""Marks by which markup that is no <pre> shows code, or holds what is read in its place.

Belongs here: what the bytes of a tag or behind it say about code. Does not belong here: class names
(classes.py), reading attributes (markup.py), what becomes of the element (tree.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, leaf

MAX_SPACE = 64  # bytes of spaces before the tag that is looked for


def _bytes(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


_PRE, _LINE, _BARE_LINE = _bytes("<pre"), _bytes('<div class="line"'), _bytes("<div class=line>")
_WHITE_SPACE, _PRE_VALUE = _bytes("white-space"), _bytes("pre")
_FONTS = (_bytes("monospace"), _bytes("consolas"), _bytes("courier"), _bytes("menlo"))
_MONOSPACE, _CONSOLAS, _COURIER, _MENLO = _FONTS


@leaf
def _stands(data: Array, at: int, end: int, text: Array) -> bool:
    """Whether a text (in small letters) stands at a byte, in any case."""
    if at + text.size > end:
        return False
    for k in range(text.size):
        c = data[at + k]
        if (c + 32 if 65 <= c <= 90 else c) != text[k]:
            return False
    return True


@leaf
def _after_space(data: Array, at: int) -> int:
    end = min(data.size, at + MAX_SPACE)
    while at < end and (data[at] == 32 or 9 <= data[at] <= 13):
        at += 1
    return at


@leaf
def begins_with_pre(data: Array, at: int) -> bool:
    """Whether a <pre> is the first that stands from a byte on: of a noscript element that shows a
    gist where its script does not run."""
    return _stands(data, _after_space(data, at), data.size, _PRE)


@leaf
def begins_with_line(data: Array, at: int) -> bool:
    """Whether a division of class `line` is the first that stands from a byte on (Doxygen)."""
    at = _after_space(data, at)
    return _stands(data, at, data.size, _LINE) or _stands(data, at, data.size, _BARE_LINE)


@leaf
def style_shows_code(data: Array, start: int, end: int) -> bool:
    """Whether a style keeps all spaces (`white-space: pre`) of a font of one width: what editors
    write when code is copied from them."""
    keeps, fixed = False, False
    for i in range(start, end):
        c = data[i] | 32
        if c == 119 and not keeps and _stands(data, i, end, _WHITE_SPACE):
            j = i + _WHITE_SPACE.size
            while j < end and (data[j] == 32 or data[j] == 58):
                j += 1
            behind = j + _PRE_VALUE.size
            if _stands(data, j, end, _PRE_VALUE) and (behind == end or data[behind] != 45):
                keeps = True
        elif c == 109 and not fixed:
            fixed = _stands(data, i, end, _MONOSPACE) or _stands(data, i, end, _MENLO)
        elif c == 99 and not fixed:
            fixed = _stands(data, i, end, _CONSOLAS) or _stands(data, i, end, _COURIER)
    return keeps and fixed
