"""From text to shingles and MinHash values in one pass over Arrow string buffers.

Belongs here: tokens, shingles, permutations. Does not belong here: the normal form of a character
(kernel.py), tables, parameters.

A run of letters, a run of digits and a character that stands alone are tokens. The hash of a token
is over its folded UTF-8 bytes, eight at a time, little-endian and padded with zeros. A shingle is 5
tokens; a text of fewer tokens is one shingle; a text of none has none. MinHash follows datasketch
2.0 `affine32`: the 32-bit base hash of a shingle passes MurmurHash3's finaliser once, then `a * h +
b mod 2^32` for every permutation, and the minimum stays.

Why it is fast: a step of the tokeniser takes all ASCII tokens of 64 bytes from two bit masks, or
one Han character from one masked load; everything else goes through the fold table. What remains of
hashing (token finaliser, polynomial over 5 tokens, shingle finaliser) and the permutations are
loops over blocks in the first cache, which LLVM vectorises.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numba import njit

from pipelines.kernels.normal_form import (
    ALONE,
    DIGIT,
    LETTER,
    MIX,
    STEP,
    U32,
    U64,
    UintArray,
    avalanche,
    decode,
    fold,
    fold_table,
    text_buffers,
)
from pipelines.kernels.simd import BLOCK_BYTES, class_masks, leading_zeros, load_word, trailing_zeros

NGRAM = 5
TOKENS = 2048  # tokens that wait for the permutations: 16 KiB, which stay in the first cache
CARRY = NGRAM - 1
SLICE_BYTES = 4 << 20  # text whose shingles are taken at once
GROUP = 8  # base hashes that one turn over the permutations takes
LOWER = U64(0x2020202020202020)  # makes ASCII letters small and leaves digits as they are
ONES = U64(0xFFFFFFFFFFFFFFFF)
HAN_FIRST, HAN_LAST = (
    U64(0xE4B8),
    U64(0xE9BF),
)  # first two bytes of U+4E00 to U+9FFF, which fold to themselves


@njit(cache=True, inline="always")
def _word(data, i):  # type: ignore[no-untyped-def]
    """The 8 bytes from i on; zeros beyond the end of `data`."""
    if i + 8 <= len(data):
        return load_word(data, i)
    word = U64(0)
    for k in range(len(data) - i):
        word |= U64(data[i + k]) << U64(8 * k)
    return word


@njit(cache=True, inline="always")
def _masks(data, i):  # type: ignore[no-untyped-def]
    """`class_masks`, also where fewer than 64 bytes are left."""
    if i + BLOCK_BYTES <= len(data):
        return class_masks(data, i)
    letters, digits, high = U64(0), U64(0), U64(0)
    for k in range(len(data) - i):
        c, bit = data[i + k], U64(1) << U64(k)
        if c >= 0x80:
            high |= bit
        elif 48 <= c <= 57:
            digits |= bit
        elif 97 <= (c | 0x20) <= 122:
            letters |= bit
    return letters, digits, high


@njit(cache=True, inline="always")
def _chain(value, word):  # type: ignore[no-untyped-def]
    """The next 8 bytes of a token after `value`; of a token of at most 8 bytes, `word` itself."""
    return ((value ^ (value >> U64(32))) * MIX) ^ word


@njit(cache=True, inline="always")
def _ascii_token(data, start, length):  # type: ignore[no-untyped-def]
    value = (_word(data, start) | LOWER) & (ONES >> U64(64 - 8 * min(length, 8)))
    done = 8
    while done < length:
        value = _chain(
            value, (_word(data, start + done) | LOWER) & (ONES >> U64(64 - 8 * min(length - done, 8)))
        )
        done += 8
    return value


@njit(cache=True)
def any_token(data, i, end, table):  # type: ignore[no-untyped-def]
    """(value, next byte) of the token that starts at i, character by character through the fold
    table."""
    value, word, filled, running = U64(0), U64(0), 0, U32(0)
    while i < end:
        point, width = decode(data, i, end)
        folded = fold(table, point)
        group, point = U32(folded & U32(3)), U32(folded >> U32(2))
        if not group or (running and group != running):
            break
        size = 1 if point < 0x80 else 2 if point < 0x800 else 3 if point < 0x10000 else 4
        for k in range(size):
            byte = U64(point)
            if size > 1:
                byte = U64(0x80) | U64((point >> U32(6 * (size - 1 - k))) & U32(0x3F))
                if k == 0:
                    byte = U64((0xF00 >> size) & 0xFF) | U64(point >> U32(6 * (size - 1)))
            if filled == 8:
                value, word, filled = _chain(value, word), U64(0), 0
            word |= byte << U64(8 * filled)
            filled += 1
        i += width
        running = group
        if group == ALONE:
            break
    return _chain(value, word), i


@njit(cache=True, inline="always")
def _is_han(word):  # type: ignore[no-untyped-def]
    """Whether the first character of the 8 bytes is in U+4E00 to U+9FFF."""
    first = (word & U64(0xFF)) << U64(8) | (word >> U64(8)) & U64(0xFF)
    return U64(first - HAN_FIRST) <= HAN_LAST - HAN_FIRST


@njit(cache=True)
def _tokenize(data, i, end, table, tokens, filled):  # type: ignore[no-untyped-def]
    """(filled, next byte): token values into `tokens` from place `filled` on, until it is nearly
    full or the text ends."""
    room = len(tokens) - BLOCK_BYTES
    while i < end and filled < room:
        if data[i] >= 0x80:
            word = _word(data, i)
            if i + 3 <= end and _is_han(word):
                tokens[filled] = word & U64(0xFFFFFF)
                filled += 1
                i += 3
                continue
            point, width = decode(data, i, end)
            if fold(table, point) & U32(3):
                tokens[filled], i = any_token(data, i, end, table)
                filled += 1
            else:
                i += width
            continue
        letters, digits, high = _masks(data, i)
        stop = min(trailing_zeros(high), end - i)
        inside = ONES >> U64(64 - stop)
        letters &= inside
        digits &= inside
        starts = (letters & ~(letters << U64(1))) | (digits & ~(digits << U64(1)))
        ends = (~letters & (letters << U64(1))) | (~digits & (digits << U64(1)))
        following, mixed = i + stop, False
        if following < end and ((letters | digits) >> U64(stop - 1)) & U64(1):
            # the last token goes on behind the masks if the next character is of its class
            point, _ = decode(data, following, end)
            own = LETTER if (letters >> U64(stop - 1)) & U64(1) else DIGIT
            if fold(table, point) & U32(3) == own:
                last = 63 - leading_zeros(starts)
                starts ^= U64(1) << U64(last)
                mixed = stop < 64 or last == 0
                following = i + last
        while starts:
            start = trailing_zeros(starts)
            tokens[filled] = _ascii_token(data, i + start, trailing_zeros(ends) - start)
            filled += 1
            starts &= starts - U64(1)
            ends &= ends - U64(1)
        i = following
        if mixed:
            tokens[filled], i = any_token(data, i, end, table)
            filled += 1
    return filled, i


@njit(cache=True)
def _hash_tokens(tokens, first, filled):  # type: ignore[no-untyped-def]
    """Token values into token hashes, in place."""
    for k in range(first, filled):
        tokens[k] = avalanche(tokens[k] * STEP)


@njit(cache=True)
def _hash_shingles(tokens, filled, out):  # type: ignore[no-untyped-def]
    """64-bit hashes of the shingles of `filled` >= 5 token hashes; returns how many."""
    for k in range(filled - CARRY):
        h = tokens[k]
        for j in range(1, NGRAM):
            h = h * STEP + tokens[k + j]
        out[k] = avalanche(h)
    return filled - CARRY


@njit(cache=True)
def _hash_short(tokens, filled):  # type: ignore[no-untyped-def]
    """The one shingle of fewer than 5 token hashes."""
    h = U64(0)
    for k in range(filled):
        h = h * STEP + tokens[k]
    return avalanche(h)


@njit(cache=True, inline="always")
def _finalise(h):  # type: ignore[no-untyped-def]
    """MurmurHash3's finaliser over the base hash of a shingle, the low half of its 64 bits."""
    v = U32(h & U64(0xFFFFFFFF))
    v = U32(v ^ (v >> U32(16)))
    v = U32(v * U32(0x85EBCA6B))
    v = U32(v ^ (v >> U32(13)))
    v = U32(v * U32(0xC2B2AE35))
    return U32(v ^ (v >> U32(16)))


@njit(cache=True, inline="always")
def _least(minimum, a, b, h):  # type: ignore[no-untyped-def]
    return min(minimum, U32(U32(a * h) + b))


@njit(cache=True)
def _permute(hashes, count, a, b, minima):  # type: ignore[no-untyped-def]
    """Lower `minima` by the first `count` hashes, eight in registers at a time; the loop over
    permutations vectorises.

    The last group is filled up with its first hash, which lowers nothing twice.
    """
    for k in range(count, -(-count // GROUP) * GROUP):
        hashes[k] = hashes[count - 1]
    for start in range(0, count, GROUP):
        h0, h1, h2, h3 = hashes[start], hashes[start + 1], hashes[start + 2], hashes[start + 3]
        h4, h5, h6, h7 = hashes[start + 4], hashes[start + 5], hashes[start + 6], hashes[start + 7]
        for k in range(len(a)):
            ak, bk = a[k], b[k]
            left = _least(_least(_least(_least(minima[k], ak, bk, h0), ak, bk, h1), ak, bk, h2), ak, bk, h3)
            right = _least(_least(_least(U32(U32(ak * h4) + bk), ak, bk, h5), ak, bk, h6), ak, bk, h7)
            minima[k] = min(left, right)


@njit(cache=True)
def _minhash(data, offsets, table, a, b, minima, counts):  # type: ignore[no-untyped-def]
    tokens, shingles = np.empty(TOKENS, np.uint64), np.empty(TOKENS, np.uint64)
    hashes = np.empty(TOKENS + GROUP, np.uint32)
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        carried, total = 0, 0
        while True:
            filled, i = _tokenize(data, i, end, table, tokens, carried)
            _hash_tokens(tokens, carried, filled)
            if filled >= NGRAM:
                count = _hash_shingles(tokens, filled, shingles)
            elif filled > 0 and total == 0:
                shingles[0] = _hash_short(tokens, filled)
                count = 1
            else:
                break
            for k in range(count):
                hashes[k] = _finalise(shingles[k])
            _permute(hashes, count, a, b, minima[doc])
            total += count
            if i >= end:
                break
            tokens[:CARRY] = tokens[filled - CARRY : filled]
            carried = CARRY
        counts[doc] = total


@njit(cache=True)
def _shingles(data, i, end, table, tokens, out):  # type: ignore[no-untyped-def]
    """64-bit hashes of the shingles of one text into `out`; returns how many."""
    carried, total = 0, 0
    while True:
        filled, i = _tokenize(data, i, end, table, tokens, carried)
        _hash_tokens(tokens, carried, filled)
        if filled >= NGRAM:
            total += _hash_shingles(tokens, filled, out[total:])
        elif filled > 0 and total == 0:
            out[0] = _hash_short(tokens, filled)
            total = 1
        if i >= end:
            return total
        tokens[:CARRY] = tokens[filled - CARRY : filled]
        carried = CARRY


def permutations(num_perm: int, seed: int) -> tuple[UintArray, UintArray]:
    """datasketch 2.0's (a, b) of scheme affine32: uint32 [num_perm] each, a odd."""
    gen = np.random.RandomState(seed)
    a = gen.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = gen.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return a, b


def minhash(texts: pa.Array, num_perm: int, seed: int) -> tuple[UintArray, UintArray]:
    """(minima uint32 [n, num_perm], number of shingles int32 [n]). Without shingles all minima are
    2^32 - 1.

    The workspace does not grow with the texts: 2,048 tokens of 8 bytes, as many shingles, as many
    32-bit hashes.
    """
    data, offsets = text_buffers(texts)
    a, b = permutations(num_perm, seed)
    minima = np.full((len(offsets) - 1, num_perm), 0xFFFFFFFF, np.uint32)
    counts = np.zeros(len(offsets) - 1, np.int32)
    _minhash(data, offsets, fold_table(), a, b, minima, counts)
    return minima, counts


@njit(cache=True)
def _all_shingles(data, offsets, table, tokens, out, ends):  # type: ignore[no-untyped-def]
    total = 0
    for doc in range(len(offsets) - 1):
        total += _shingles(data, offsets[doc], offsets[doc + 1], table, tokens, out[total:])
        ends[doc] = total
    return total


@njit(cache=True)
def _distinct(sorted_rows, ends, sizes):  # type: ignore[no-untyped-def]
    """Squeeze repeats out of every sorted row, in place; returns how many values stay."""
    used, start = 0, 0
    for row in range(len(ends)):
        first = used
        for k in range(start, ends[row]):
            if used == first or sorted_rows[k] != sorted_rows[used - 1]:
                sorted_rows[used] = sorted_rows[k]
                used += 1
        sizes[row] = used - first
        start = ends[row]
    return used


def shingle_sets(texts: pa.Array) -> tuple[UintArray, UintArray]:
    """The distinct 64-bit shingle hashes of all texts, each text's sorted, one after the other; and
    offsets int64 [n + 1].

    Works through SLICE_BYTES of text at a time.
    """
    data, offsets = text_buffers(texts)
    table, tokens = fold_table(), np.empty(TOKENS, np.uint64)
    found, sizes, row = [], np.zeros(len(offsets) - 1, np.int64), 0
    while row < len(sizes):
        last = max(row + 1, int(np.searchsorted(offsets, offsets[row] + SLICE_BYTES, "right")) - 1)
        part = offsets[row : last + 1]
        # a shingle takes a token of one byte at least; pages that are not written to take no memory
        out, ends = np.empty(int(part[-1] - part[0]) + len(part), np.uint64), np.zeros(last - row, np.int64)
        _all_shingles(data, part, table, tokens, out, ends)
        for start, end in zip([0, *ends.tolist()], ends.tolist(), strict=False):
            out[start:end].sort()
        found.append(out[: _distinct(out, ends, sizes[row:last])].copy())
        row = last
    return np.concatenate([*found, np.zeros(0, np.uint64)]), np.r_[0, np.cumsum(sizes)]
