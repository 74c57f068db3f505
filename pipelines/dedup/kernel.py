"""Compiled loops over Arrow string buffers: shingles, MinHash, content and block hashes.

Belongs here: anything that reads text byte by byte. Does not belong here: tables, parameters, who is a duplicate.

Normal form: every code point is folded (lower case, full width to ASCII, compatibility forms of one character) and
is a separator, a letter, a digit, or a character that stands alone (Han, kana, and other scripts without spaces). A
run of letters, a run of digits and a character that stands alone are tokens. A shingle is 5 tokens; a text of fewer
tokens is one shingle; a text of none has none. MinHash follows datasketch 2.0 `affine32`: the 32-bit base hash of a
shingle passes MurmurHash3's finaliser once, then `a * h + b mod 2^32` for every permutation, and the minimum stays.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
from numba import njit

NGRAM = 5
BLOCK = 2048  # base hashes that wait for the permutations: 8 KiB, which stays in the first cache
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
STEP5 = U64(pow(0xD6E8FEB86659FD93, NGRAM, 1 << 64))

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
    """(bytes uint8, offsets int64 [n + 1]) of a string array, without a copy where it is already large; null is empty."""
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
def _decode(data, i, end):  # type: ignore[no-untyped-def]
    """(code point uint32, width) at byte i. Arrow strings are valid UTF-8; a cut sequence reads as one byte."""
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
def _fold(table, point):  # type: ignore[no-untyped-def]
    """folded << 2 | class, uint32. Beyond the first plane, the ideographic planes stand alone and the rest separates."""
    if point < 65536:
        return table[point]
    if 0x20000 <= point < 0x40000:
        return U32(point << U32(2) | U32(3))
    return U32(point << U32(2))


@njit(cache=True, inline="always")
def _avalanche(h):  # type: ignore[no-untyped-def]
    h = (h ^ (h >> U64(32))) * MIX
    return h ^ (h >> U64(29))


@njit(cache=True, inline="always")
def base32(h):  # type: ignore[no-untyped-def]
    """The base hash of a shingle: the low half of its 64-bit hash."""
    return U32(h & U64(0xFFFFFFFF))


@njit(cache=True)
def _permute(hashes, count, a, b, minima):  # type: ignore[no-untyped-def]
    """Lower `minima` by the first `count` base hashes. Permutations outside, hashes inside: the loop that vectorises."""
    for i in range(count):
        h = hashes[i]
        h = U32(h ^ (h >> U32(16)))
        h = U32(h * U32(0x85EBCA6B))
        h = U32(h ^ (h >> U32(13)))
        h = U32(h * U32(0xC2B2AE35))
        hashes[i] = U32(h ^ (h >> U32(16)))
    for k in range(len(a)):
        ak, bk, low = a[k], b[k], minima[k]
        for i in range(count):
            v = U32(U32(ak * hashes[i]) + bk)
            low = min(low, v)
        minima[k] = low


@njit(cache=True, inline="always")
def _next_token(data, i, end, table):  # type: ignore[no-untyped-def]
    """(hash, next byte) of the first token at or after i; next byte is -1 where there is none.

    ASCII is looked up by its byte. Indices into `table` and `data` are unsigned: a signed one is tested for < 0.
    """
    h, running = U64(0), U32(0)
    while i < end:
        c = data[U64(i)]
        width = 1
        if c < 0x80:
            folded = table[c]
        else:
            point, width = _decode(data, i, end)
            folded = _fold(table, point)
        group = U32(folded & U32(3))
        if running:
            if group != running:
                break
            h = (h ^ U64(folded)) * PRIME
        elif group:
            h = (SEED ^ U64(folded)) * PRIME
            if group == 3:
                return _avalanche(h * STEP), i + width
            running = group
        i += width
    if running:
        return _avalanche(h * STEP), i
    return U64(0), np.int64(-1)


@njit(cache=True)
def _minhash(data, offsets, table, a, b, minima, counts):  # type: ignore[no-untyped-def]
    ring = np.zeros(NGRAM, np.uint64)
    block = np.empty(BLOCK, np.uint32)
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        rolling, tokens, filled, total, slot = U64(0), 0, 0, 0, 0
        row = minima[doc]
        while True:
            token, i = _next_token(data, i, end, table)
            if i < 0:
                break
            rolling = rolling * STEP + token
            if tokens >= NGRAM:
                rolling -= ring[slot] * STEP5
            ring[slot] = token
            slot = slot + 1 if slot < NGRAM - 1 else 0
            tokens += 1
            if tokens >= NGRAM:
                block[filled] = base32(_avalanche(rolling))
                filled += 1
                total += 1
                if filled == BLOCK:
                    _permute(block, filled, a, b, row)
                    filled = 0
        if 0 < tokens < NGRAM:
            block[0] = base32(_avalanche(rolling))
            filled, total = 1, 1
        if filled:
            _permute(block, filled, a, b, row)
        counts[doc] = total


@njit(cache=True)
def _shingles(data, start, end, table, out):  # type: ignore[no-untyped-def]
    """64-bit hashes of the shingles of one text into `out`; returns how many."""
    ring = np.zeros(NGRAM, np.uint64)
    rolling, tokens, total, slot, i = U64(0), 0, 0, 0, start
    while True:
        token, i = _next_token(data, i, end, table)
        if i < 0:
            break
        rolling = rolling * STEP + token
        if tokens >= NGRAM:
            rolling -= ring[slot] * STEP5
        ring[slot] = token
        slot = slot + 1 if slot < NGRAM - 1 else 0
        tokens += 1
        if tokens >= NGRAM:
            out[total] = _avalanche(rolling)
            total += 1
    if 0 < tokens < NGRAM:
        out[0] = _avalanche(rolling)
        total = 1
    return total


@njit(cache=True)
def _content(data, offsets, table, out):  # type: ignore[no-untyped-def]
    """Two 64-bit lanes over folded code points, runs of white space as one, none at the ends."""
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        one, two, length, gap = SEED, MIX, U64(0), False
        while i < end:
            point, width = _decode(data, i, end)
            i += width
            folded = _fold(table, point) >> 2
            if folded <= 32 or folded == 0xA0 or folded == 0x3000 or folded == 0x200B or folded == 0xFEFF:
                gap = bool(length > U64(0))
                continue
            if gap:
                one = (one ^ U64(32)) * STEP
                two = _avalanche(two + U64(32) * PRIME)
                gap = False
            one = (one ^ U64(folded)) * STEP
            one ^= one >> U64(31)
            two = (two + U64(folded) * PRIME) * MIX
            two ^= two >> U64(33)
            length += U64(1)
        out[doc, 0] = _avalanche(one ^ length)
        out[doc, 1] = _avalanche(two + length * STEP)


@njit(cache=True)
def _blocks(data, offsets, table, hashes, starts, ends, counts):  # type: ignore[no-untyped-def]
    """One hash for each line that has a letter or digit: tokens without punctuation, each run of digits as 0."""
    used = 0
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        first = i
        while i < end:
            line = i
            h, seen, previous = SEED, False, 0
            while i < end and data[i] != 10:
                point, width = _decode(data, i, end)
                folded = _fold(table, point)
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
                hashes[used] = _avalanche(h * STEP)
                starts[used] = line - first
                ends[used] = i - first
                used += 1
            i += 1
        counts[doc] = used
    return used


def permutations(num_perm: int, seed: int) -> tuple[UintArray, UintArray]:
    """datasketch 2.0's (a, b) of scheme affine32: uint32 [num_perm] each, a odd."""
    gen = np.random.RandomState(seed)
    a = gen.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = gen.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return a, b


def minhash(texts: pa.Array, num_perm: int, seed: int) -> tuple[UintArray, UintArray]:
    """(minima uint32 [n, num_perm], number of shingles int32 [n]). Without shingles all minima are 2^32 - 1."""
    data, offsets = text_buffers(texts)
    a, b = permutations(num_perm, seed)
    minima = np.full((len(offsets) - 1, num_perm), 0xFFFFFFFF, np.uint32)
    counts = np.zeros(len(offsets) - 1, np.int32)
    _minhash(data, offsets, fold_table(), a, b, minima, counts)
    return minima, counts


def shingle_sets(texts: pa.Array) -> list[UintArray]:
    """The distinct 64-bit shingle hashes of each text, sorted; empty where it has no token."""
    data, offsets = text_buffers(texts)
    out = np.empty(int(np.diff(offsets).max(initial=0)) + 1, np.uint64)
    table = fold_table()
    return [np.unique(out[: _shingles(data, offsets[d], offsets[d + 1], table, out)]) for d in range(len(offsets) - 1)]


def content_hashes(texts: pa.Array) -> pa.Array:
    """128 bits of the folded text with white space squeezed, fixed_size_binary(16): equal texts, equal hashes."""
    data, offsets = text_buffers(texts)
    out = np.zeros((len(offsets) - 1, 2), np.uint64)
    _content(data, offsets, fold_table(), out)
    return pa.Array.from_buffers(pa.binary(16), len(out), [None, pa.py_buffer(out.astype("<u8").tobytes())])


def blocks(texts: pa.Array) -> tuple[UintArray, UintArray, UintArray, UintArray]:
    """(hash uint64, start int32, end int32 in bytes of its text) for each non-empty line, and offsets int32 [n + 1] per text."""
    data, offsets = text_buffers(texts)
    lines = int(np.count_nonzero(data[offsets[0] : offsets[-1]] == 10)) + len(offsets)
    hashes, starts, ends = np.empty(lines, np.uint64), np.empty(lines, np.int32), np.empty(lines, np.int32)
    counts = np.zeros(len(offsets), np.int32)
    used = _blocks(data, offsets, fold_table(), hashes, starts, ends, counts[1:])
    return hashes[:used], starts[:used], ends[:used], counts


@njit(cache=True)
def overlap(left, right):  # type: ignore[no-untyped-def]
    """Size of the intersection of two sorted sets of distinct uint64."""
    i, j, both = 0, 0, 0
    while i < len(left) and j < len(right):
        x, y = left[i], right[j]
        both += x == y
        i += x <= y
        j += y <= x
    return both
