"""From text to shingles and MinHash values in one pass over Arrow string buffers.

Belongs here: shingles, permutations. Does not belong here: tokens (kernels/tokens.py), tables,
parameters.

A shingle is 5 tokens; a text of fewer tokens is one shingle; a text of none has none. MinHash
follows datasketch 2.0 `affine32`: the 32-bit base hash of a shingle passes MurmurHash3's finaliser
once, then `a * h + b mod 2^32` for every permutation, and the minimum stays. The plain definition
of a shingle is reference.shingle_hashes; tests/pipelines/dedup/test_shingles.py proves shingles
equal to it and minima to datasketch's.

Why it is fast: what remains of hashing behind the tokens (token hash, polynomial over 5 tokens,
shingle finaliser) and the permutations are loops over blocks in the first cache, which LLVM
vectorises.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiled import Array, inlined, kernel
from pipelines.kernels.hashing64 import STEP, U32, U64, avalanche
from pipelines.kernels.normal_form import fold_table
from pipelines.kernels.tokens import token_hash, tokenize
from pipelines.kernels.utf8 import text_buffers

NGRAM = 5
TOKENS = 2048  # tokens that wait for the permutations: 16 KiB, which stay in the first cache
CARRY = NGRAM - 1
SLICE_BYTES = 4 << 20  # text whose shingles are taken at once
GROUP = 8  # base hashes that one turn over the permutations takes


@kernel
def _hash_tokens(tokens: Array, first: int, filled: int) -> None:
    """Token values into token hashes, in place."""
    for k in range(first, filled):
        tokens[k] = token_hash(tokens[k])


@kernel
def _hash_shingles(tokens: Array, filled: int, out: Array) -> int:
    """64-bit hashes of the shingles of `filled` >= 5 token hashes; returns how many."""
    for k in range(filled - CARRY):
        h = tokens[k]
        for j in range(1, NGRAM):
            h = h * STEP + tokens[k + j]
        out[k] = avalanche(h)
    return filled - CARRY


@kernel
def _hash_short(tokens: Array, filled: int) -> np.uint64:
    """The one shingle of fewer than 5 token hashes."""
    h = U64(0)
    for k in range(filled):
        h = h * STEP + tokens[k]
    return avalanche(h)


@inlined
def _finalise(h: np.uint64) -> np.uint32:
    """MurmurHash3's finaliser over the base hash of a shingle, the low half of its 64 bits."""
    v = U32(h & U64(0xFFFFFFFF))
    v = U32(v ^ (v >> U32(16)))
    v = U32(v * U32(0x85EBCA6B))
    v = U32(v ^ (v >> U32(13)))
    v = U32(v * U32(0xC2B2AE35))
    return U32(v ^ (v >> U32(16)))


@inlined
def _least(minimum: np.uint32, a: np.uint32, b: np.uint32, h: np.uint32) -> np.uint32:
    return min(minimum, U32(U32(a * h) + b))


@kernel
def _permute(hashes: Array, count: int, a: Array, b: Array, minima: Array) -> None:
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


@kernel
def _minhash(
    data: Array, offsets: Array, table: Array, a: Array, b: Array, minima: Array, counts: Array
) -> None:
    tokens, shingles = np.empty(TOKENS, np.uint64), np.empty(TOKENS, np.uint64)
    hashes = np.empty(TOKENS + GROUP, np.uint32)
    for doc in range(len(offsets) - 1):
        i, end = offsets[doc], offsets[doc + 1]
        carried, total = 0, 0
        while True:
            filled, i = tokenize(data, i, end, table, tokens, carried)
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


@kernel
def _shingles(data: Array, i: int, end: int, table: Array, tokens: Array, out: Array) -> int:
    """64-bit hashes of the shingles of one text into `out`; returns how many."""
    carried, total = 0, 0
    while True:
        filled, i = tokenize(data, i, end, table, tokens, carried)
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


def permutations(num_perm: int, seed: int) -> tuple[Array, Array]:
    """datasketch 2.0's (a, b) of scheme affine32: uint32 [num_perm] each, a odd."""
    gen = np.random.RandomState(seed)
    a = gen.randint(0, 1 << 31, num_perm, dtype=np.uint32) * np.uint32(2) + np.uint32(1)
    b = gen.randint(0, 1 << 32, num_perm, dtype=np.uint32)
    return a, b


def minhash(texts: pa.Array, num_perm: int, seed: int) -> tuple[Array, Array]:
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


@kernel
def _all_shingles(data: Array, offsets: Array, table: Array, tokens: Array, out: Array, ends: Array) -> int:
    total = 0
    for doc in range(len(offsets) - 1):
        total += _shingles(data, offsets[doc], offsets[doc + 1], table, tokens, out[total:])
        ends[doc] = total
    return total


@kernel
def _distinct(sorted_rows: Array, ends: Array, sizes: Array) -> int:
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


def shingle_sets(texts: pa.Array) -> tuple[Array, Array]:
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
