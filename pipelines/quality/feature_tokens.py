"""The tokens that classifiers read of a folded text, in one compiled pass.

Belongs here: where a token begins and ends, and how it is written. Does not belong here: folding, and
kinds of lines (features.py). The plain definition is in tests/support/plain_features.py.

A token is a Han character, a TeX command, a word, a number (as 0, or as 0.0 where it has a point or a
comma inside), a blank to fill in (as two low lines), or a run of one mark (once). A word of more than
LONG_WORD letters says only that it is long. A run of CODED signs and more is base64 or a query: one
token, the sign of a place of interest.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.utf8 import decode_valid

LONG_WORD, CODED = 20, 40
SIZE = 0x32400  # no letter, digit or white space beyond
HAN, WORD, DIGIT, SPACE = 1, 2, 4, 8
"""Classes of a character; a mark has none. WORD is a letter or number that goes on a word: Han beyond
the first plane does, and begins a token of its own."""
_FIRST_PLANE = ((0x3400, 0x9FFF), (0xF900, 0xFAFF))
_BEYOND = (0x20000, 0x323AF)
_BACKSLASH, _LOW_LINE, _BLANK, _ZERO = ord("\\"), ord("_"), ord(" "), ord("0")
_PLACE = np.frombuffer("\N{PLACE OF INTEREST SIGN}".encode(), np.uint8)
_LONG = np.frombuffer(b"<long>", np.uint8)


@cache
def _table() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """(classes of each code point uint8 [SIZE], whether a byte may stand in coded text bool [256])."""
    classes = np.zeros(SIZE, np.uint8)
    for point in range(SIZE):
        char = chr(point)
        if char.isdecimal():
            classes[point] = DIGIT
        elif char.isalnum():
            classes[point] = WORD
        elif char.isspace():
            classes[point] = SPACE
    for first, last in _FIRST_PLANE:
        classes[first : last + 1] = HAN
    classes[_BEYOND[0] : _BEYOND[1] + 1] |= np.uint8(HAN)
    coded = np.zeros(256, np.bool_)
    coded[list(b"abcdefghijklmnopqrstuvwxyz0123456789+/=_%&?.#-")] = True
    return classes, coded


@kernel
def _replace_coded(data: Array, coded: Array, out: Array) -> int:
    """Copy a text to `out`, each run of CODED coded signs and more as a token; returns its bytes."""
    i, filled, end = 0, 0, len(data)
    while i < end:
        j = i
        while j < end and coded[data[j]]:
            j += 1
        if j - i >= CODED:
            out[filled] = _BLANK
            out[filled + 1 : filled + 1 + len(_PLACE)] = _PLACE
            out[filled + 1 + len(_PLACE)] = _BLANK
            filled += len(_PLACE) + 2
            i = j
            continue
        for k in range(i, max(j, i + 1)):
            out[filled] = data[k]
            filled += 1
        i = max(j, i + 1)
    return filled


@inlined
def _class(data: Array, i: int, classes: Array) -> tuple[int, int, int]:
    """(code point, class, width in bytes) of the character at i."""
    point, width = decode_valid(data, i)
    return point, (int64(classes[point]) if point < SIZE else int64(0)), width


@kernel
def _behind(data: Array, i: int, end: int, classes: Array, group: int) -> tuple[int, int]:
    """(byte behind the characters of a class from i on, how many they are)."""
    chars = 0
    while i < end:
        _, found, width = _class(data, i, classes)
        if not found & group:
            break
        i += width
        chars += 1
    return i, chars


@kernel
def _behind_letters(data: Array, i: int, end: int) -> int:
    """The byte behind the letters a to z from i on."""
    while i < end and 97 <= data[i] <= 122:
        i += 1
    return i


@kernel
def _tokens(data: Array, end: int, classes: Array, out: Array) -> int:
    """Write the tokens of data[:end] to `out`, spaces between; returns their bytes."""
    i, filled = 0, 0
    while i < end:
        point, group, width = _class(data, i, classes)
        first, behind = i, i + width  # what is written of the text as it stands
        i = behind
        if group & SPACE:
            continue
        if filled:
            out[filled] = _BLANK
            filled += 1
        if group & HAN:
            pass
        elif group & DIGIT:
            i, _ = _behind(data, first, end, classes, DIGIT)
            decimal = False
            while i + 1 < end and (data[i] == 46 or data[i] == 44):
                digits, chars = _behind(data, i + 1, end, classes, DIGIT)
                if not chars:
                    break
                i, decimal = digits, True
            out[filled] = _ZERO
            filled += 1
            if decimal:
                out[filled], out[filled + 1] = 46, _ZERO
                filled += 2
            continue
        elif group & WORD:
            i, chars = _behind(data, first, end, classes, WORD)
            behind = i
            if chars > LONG_WORD:
                out[filled : filled + len(_LONG)] = _LONG
                filled += len(_LONG)
                continue
        elif point == _LOW_LINE:
            while i < end and data[i] == _LOW_LINE:
                i += 1
            if i - first < 2:
                filled -= filled > 0
                continue
            behind = first + 2
        elif point == _BACKSLASH and _behind_letters(data, i, end) > i:
            i = _behind_letters(data, i, end)
            behind = i
        else:
            while i < end and decode_valid(data, i)[0] == point:
                i += width
        for k in range(first, behind):
            out[filled] = data[k]
            filled += 1
    return filled


def tokens_of(form: str) -> str:
    """The tokens of a folded text with spaces between."""
    data = np.frombuffer(form.encode(), np.uint8)
    classes, coded = _table()
    plain, out = np.empty(len(data), np.uint8), np.empty(4 * len(data), np.uint8)
    end = _replace_coded(data, coded, plain)
    return out[: _tokens(plain, end, classes, out)].tobytes().decode()
