"""Texts in compatibility form (NFKC) and lower case, compiled for what most texts are made of.

Belongs here: `folded`, and the table of characters whose form does not depend on their neighbours. Does
not belong here: the normal form of tokens (normal_form.py), which is of single characters.

The form of a text is that of its characters one after the other, as long as none of them begins with a
mark that may join the character before it, and none is a capital sigma, whose small letter depends on
its place. Texts that hold such characters are left to Python. The plain definition is
`unicodedata.normalize("NFKC", text).lower()`; tests/pipelines/kernels/test_folding.py proves `folded`
equal to it for every code point, alone and beside others.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from functools import cache

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.utf8 import decode_valid, text_buffers

SIZE = 0x20000
"""Characters beyond keep their form, but those of COMPATIBILITY."""
COMPATIBILITY = (0x2F800, 0x2FA20)  # ideographs with another form; left to Python, they are so rare
LONGEST = 64  # bytes: no character becomes more
_SIGMA = "\N{GREEK CAPITAL LETTER SIGMA}"
_OTHER, _EQUAL = 0, 1  # entries: left to Python; keeps its form
_WIDTH_BITS = 8
_DIGITS = dict.fromkeys(map(ord, "0123456789"), "0")


@cache
def joining() -> frozenset[str]:
    """Characters that may join the character before them: marks with a class of combination, second
    characters of canonical pairs, vowels and finals of Hangul."""
    found = {chr(c) for c in (*range(0x1161, 0x1176), *range(0x11A8, 0x11C3))}
    for char in map(chr, range(SIZE)):
        if unicodedata.combining(char):
            found.add(char)
        parts = unicodedata.decomposition(char).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)


@cache
def _forms(zeros: bool) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """(entries uint32 [SIZE], bytes uint8): _OTHER, _EQUAL, or the place of a character's form among the
    bytes, plus one, << _WIDTH_BITS | how many they are. `zeros`: every digit is 0."""
    entries, data = np.zeros(SIZE, np.uint32), bytearray()
    for point in range(SIZE):
        if 0xD800 <= point < 0xE000:
            continue
        form = unicodedata.normalize("NFKC", chr(point))
        if form[0] in joining() or _SIGMA in form:
            continue
        low = _zeros(form.lower()) if zeros else form.lower()
        entries[point] = _EQUAL
        if low != chr(point):
            entries[point] = len(data) + 1 << _WIDTH_BITS | len(low.encode())
            data += low.encode()
    return entries, np.frombuffer(bytes(data), np.uint8)


@kernel
def _fold(
    data: Array, offsets: Array, zeros: bool, entries: Array, forms: Array, out: Array, ends: Array
) -> None:
    """Write the form of every text to `out`, one after the other, and where it ends to ends[text + 1];
    -1 less that place for a text that is left to Python, or for which no room is left."""
    filled = 0
    for text in range(len(offsets) - 1):
        i, end, first = offsets[text], offsets[text + 1], filled
        while i < end:
            byte = data[i]
            if filled + LONGEST > len(out):
                break
            if byte < 0x80:
                low = byte + 32 if 65 <= byte <= 90 else byte
                out[filled] = 48 if zeros and 48 <= byte <= 57 else low
                filled += 1
                i += 1
                continue
            point, width = decode_valid(data, i)
            entry = _EQUAL
            if point < SIZE:
                entry = int(entries[point])
            elif COMPATIBILITY[0] <= point < COMPATIBILITY[1]:
                entry = _OTHER
            if entry == _OTHER:
                break
            if entry == _EQUAL:
                for k in range(width):
                    out[filled + k] = data[i + k]
                filled += width
            else:
                start, count = (entry >> _WIDTH_BITS) - 1, entry & 0xFF
                for k in range(count):
                    out[filled + k] = forms[start + k]
                filled += count
            i += width
        if i < end:
            filled = first
            ends[text + 1] = -1 - filled
        else:
            ends[text + 1] = filled


def _zeros(text: str) -> str:
    return "".join("0" if char.isdigit() else char for char in text)


def folded(texts: Sequence[str], zeros: bool = False) -> list[str]:
    """Each text in compatibility form and lower case; with `zeros`, every digit of it as 0."""
    wide = [text for text in texts if not text.isascii()]
    forms = iter(_of_wide(wide, zeros)) if wide else iter(())
    return [_ascii(text, zeros) if text.isascii() else next(forms) for text in texts]


def _ascii(text: str, zeros: bool) -> str:
    return text.lower().translate(_DIGITS) if zeros else text.lower()


def _of_wide(texts: Sequence[str], zeros: bool) -> list[str]:
    data, offsets = text_buffers(pa.array(texts, pa.large_string()))
    out = np.empty(int(offsets[-1] - offsets[0]) * 3 // 2 + 2 * LONGEST, np.uint8)
    ends = np.zeros(len(texts) + 1, np.int64)
    _fold(data, offsets, zeros, *_forms(zeros), out, ends)
    left = np.flatnonzero(ends < 0)
    ends[left] = -1 - ends[left]
    found: list[str] = pa.LargeStringArray.from_buffers(
        len(texts), pa.py_buffer(ends), pa.py_buffer(out)
    ).to_pylist()
    for row in (left - 1).tolist():
        form = unicodedata.normalize("NFKC", texts[row]).lower()
        found[row] = _zeros(form) if zeros else form
    return found
