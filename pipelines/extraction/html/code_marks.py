"""Marks by which markup shows code or formulas without an element for them.

Belongs here: what the bytes of a tag's style, or those behind it, say. Does not belong here: class names
(classes.py), reading attributes (attributes.py), what becomes of the element (tree.py).
"""

from __future__ import annotations

import numpy as np

from pipelines.kernels.compiled import Array, leaf

MAX_SPACE = 64  # bytes of spaces before the tag that is looked for


def _bytes(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


_IMAGE, _DRAWN = _bytes("<img"), _bytes("mwe-math-fallback")
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
def noscript_is_read(data: Array, at: int) -> bool:
    """Whether the content of a noscript element, from a byte on, stands for what no script has drawn: a
    <pre> of a gist, or the image of a formula (MediaWiki)."""
    at = _after_space(data, at)
    if _stands(data, at, data.size, _PRE):
        return True
    if _stands(data, at, data.size, _IMAGE):
        while at < data.size and data[at] != 62:
            if data[at] == 109 and _stands(data, at, data.size, _DRAWN):
                return True
            at += 1
    return False


@leaf
def is_text_alone(data: Array, at: int) -> bool:
    """Whether text up to an end tag stands from a byte on."""
    start = at
    while at < data.size and data[at] != 60:
        at += 1
    return start < at < data.size - 1 and data[at + 1] == 47


@leaf
def begins_with_line(data: Array, at: int) -> bool:
    """Whether a division of class `line` is the first that stands from a byte on (Doxygen)."""
    at = _after_space(data, at)
    return _stands(data, at, data.size, _LINE) or _stands(data, at, data.size, _BARE_LINE)


@leaf
def style_shows_code(data: Array, start: int, end: int) -> bool:
    """Whether a style keeps all spaces (`white-space: pre`) of a font of one width: what editors
    write when code is copied from them."""
    keeps = False
    for i in range(start, end - _WHITE_SPACE.size):
        if data[i] | 32 == 119 and data[i + 1] | 32 == 104 and _stands(data, i, end, _WHITE_SPACE):
            j = i + _WHITE_SPACE.size
            while j < end and (data[j] == 32 or data[j] == 58):
                j += 1
            behind = j + _PRE_VALUE.size
            keeps |= _stands(data, j, end, _PRE_VALUE) and (behind == end or data[behind] != 45)
    if keeps:
        for i in range(start, end):
            if (
                _stands(data, i, end, _MONOSPACE)
                or _stands(data, i, end, _MENLO)
                or _stands(data, i, end, _CONSOLAS)
                or _stands(data, i, end, _COURIER)
            ):
                return True
    return False
