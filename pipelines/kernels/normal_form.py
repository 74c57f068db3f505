"""The normal form of text, compiled: folding of characters, content and block hashes over Arrow
string buffers.

Belongs here: what reads text character by character. Does not belong here: shingles and MinHash
(shingles.py), tables, parameters, who is a duplicate.

Normal form: every code point is folded (lower case, full width to ASCII, compatibility forms of one
character) and is a separator, a letter, a digit, or a character that stands alone (Han, kana, and
other scripts without spaces). A run of letters, a run of digits and a character that stands alone
are tokens.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

SEPARATOR, LETTER, DIGIT, ALONE = 0, 1, 2, 3
# scripts written without spaces: Thai and Lao, Burmese, Khmer, radicals, kana, Han
_ALONE_RANGES = (
    *((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x2E80, 0x2FDF), (0x3005, 0x3007)),
    *((0x3040, 0x30FF), (0x31F0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF)),
)

U64, U32 = np.uint64, np.uint32
SEED = U64(0x9E3779B97F4A7C15)
PRIME = U64(0x100000001B3)
MIX = U64(0xBF58476D1CE4E5B9)
STEP = U64(0xD6E8FEB86659FD93)

UintArray = np.ndarray[Any, Any]


@cache
def fold_table() -> UintArray:
    """For each code point of the first plane: folded code point << 2 | class; uint32 [65536].

    A character that folds to several keeps itself, lower-cased where that is one character.
    """
    table = np.zeros(65536, np.uint32)
    for point in range(65536):
        if 0xD800 <= point < 0xE000:
            continue
        char = chr(point)
        folded = unicodedata.normalize("NFKC", char).lower()
        if len(folded) != 1 or ord(folded) > 0xFFFF:
            folded = char.lower() if len(char.lower()) == 1 else char
        value, kind = ord(folded), unicodedata.category(folded)
        if any(low <= value <= high for low, high in _ALONE_RANGES):
            group = ALONE if kind[0] in "LNM" else SEPARATOR
        elif kind == "Nd":
            group, value = DIGIT, ord("0") + unicodedata.decimal(folded)
        else:
            group = LETTER if kind[0] in "LM" else SEPARATOR
        table[point] = value << 2 | group
    return table


def text_buffers(texts: pa.Array | pa.ChunkedArray) -> tuple[UintArray, UintArray]:
    """(bytes uint8, offsets int64 [n + 1]) of a string array, without a copy where it is already
    large; null is empty."""
    if isinstance(texts, pa.ChunkedArray):
        texts = texts.combine_chunks()
    if texts.null_count:
        texts = texts.fill_null("")
    wide = texts.cast(pa.large_string())
    _, offsets, data = wide.buffers()
    if offsets is None or not len(wide):
        return np.zeros(0, np.uint8), np.zeros(len(wide) + 1, np.int64)
    ends = np.frombuffer(offsets, np.int64)[wide.offset : wide.offset + len(wide) + 1]
    return np.frombuffer(data, np.uint8) if data is not None else np.zeros(0, np.uint8), ends


@njit(cache=True, inline="always")
def decode(data, i, end):  # type: ignore[no-untyped-def]
    """(code point uint32, width) at byte i. Arrow strings are valid UTF-8; a cut sequence reads as
    one byte."""
    at = U64(i)
    c = U32(data[at])
    if c < 0x80:
        return c, 1
    if c < 0xE0 and i + 1 < end:
        return U32((c & U32(0x1F)) << U32(6) | U32(data[at + U64(1)] & 0x3F)), 2
    if c < 0xF0 and i + 2 < end:
        low = U32(data[at + U64(1)] & 0x3F) << U32(6) | U32(data[at + U64(2)] & 0x3F)
        return U32((c & U32(0x0F)) << U32(12) | low), 3
    if i + 3 < end:
        low = U32(data[at + U64(2)] & 0x3F) << U32(6) | U32(data[at + U64(3)] & 0x3F)
        return U32((c & U32(0x07)) << U32(18) | U32(data[at + U64(1)] & 0x3F) << U32(12) | low), 4
    return c, 1


@njit(cache=True, inline="always")
def fold(table, point):  # type: ignore[no-untyped-def]
    """folded << 2 | class, uint32. Beyond the first plane, the ideographic planes stand alone and
    the rest separates."""
    if point < 65536:
        return table[point]
    if 0x20000 <= point < 0x40000:
        return U32(point << U32(2) | U32(3))
    return U32(point << U32(2))


@njit(cache=True, inline="always")
def avalanche(h):  # type: ignore[no-untyped-def]
    h = (h ^ (h >> U64(32))) * MIX
    return h ^ (h >> U64(29))


@njit(cache=True)
def _content(data, offsets, table, out):  # type: ignore[no-untyped-def]
    """Two 64-bit lanes over folded code points, runs of white space as one, none at the ends."""
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        one, two, length, gap = SEED, MIX, U64(0), False
        while i < end:
            point, width = decode(data, i, end)
            i += width
            folded = fold(table, point) >> 2
            if folded <= 32 or folded == 0xA0 or folded == 0x3000 or folded == 0x200B or folded == 0xFEFF:
                gap = bool(length > U64(0))
                continue
            if gap:
                one = (one ^ U64(32)) * STEP
                two = avalanche(two + U64(32) * PRIME)
                gap = False
            one = (one ^ U64(folded)) * STEP
            one ^= one >> U64(31)
            two = (two + U64(folded) * PRIME) * MIX
            two ^= two >> U64(33)
            length += U64(1)
        out[doc, 0] = avalanche(one ^ length)
        out[doc, 1] = avalanche(two + length * STEP)


@njit(cache=True)
def _blocks(data, offsets, table, hashes, starts, ends, counts):  # type: ignore[no-untyped-def]
    """One hash for each line that has a letter or digit: tokens without punctuation, each run of
    digits as 0."""
    used = 0
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        first = i
        while i < end:
            line = i
            h, seen, previous = SEED, False, 0
            while i < end and data[i] != 10:
                point, width = decode(data, i, end)
                folded = fold(table, point)
                group = folded & 3
                if group != 0:
                    seen = True
                    if group == 2:
                        if previous != 2:
                            h = (h ^ U64(48)) * PRIME
                    else:
                        h = (h ^ U64(folded >> 2)) * PRIME
                        h ^= h >> U64(32)
                previous = group
                i += width
            if seen:
                hashes[used] = avalanche(h * STEP)
                starts[used] = line - first
                ends[used] = i - first
                used += 1
            i += 1
        counts[doc] = used
    return used


def content_hashes(texts: pa.Array) -> pa.Array:
    """128 bits of the folded text with white space squeezed, fixed_size_binary(16): equal texts,
    equal hashes."""
    data, offsets = text_buffers(texts)
    out = np.zeros((len(offsets) - 1, 2), np.uint64)
    _content(data, offsets, fold_table(), out)
    return pa.Array.from_buffers(pa.binary(16), len(out), [None, pa.py_buffer(out.astype("<u8").tobytes())])


def blocks(texts: pa.Array) -> tuple[UintArray, UintArray, UintArray, UintArray]:
    """(hash uint64, start int32, end int32 in bytes of its text) for each non-empty line, and
    offsets int32 [n + 1] per text."""
    data, offsets = text_buffers(texts)
    lines = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == 10)) + len(offsets)
    hashes, starts, ends = np.empty(lines, np.uint64), np.empty(lines, np.int32), np.empty(lines, np.int32)
    counts = np.zeros(len(offsets), np.int32)
    used = _blocks(data, offsets, fold_table(), hashes, starts, ends, counts[1:])
    return hashes[:used], starts[:used], ends[:used], counts
