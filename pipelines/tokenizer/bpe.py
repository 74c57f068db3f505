"""Byte-pair encoding trained from weighted sequences: which two pieces to join, one after the
other.

Belongs here: the merge loop over counts. Does not belong here: what is counted (sample.py), which
merges a class keeps (build.py).

`tokenizers` has a trainer, but it takes running text: it has no weights, and it cannot start from
the pieces of another class. The merges are the same as its own where both can be asked (test).
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from typing import Any

import numpy as np

from pipelines.kernels.compiled import Array, int64, kernel
from pipelines.kernels.hashing64 import FNV_PRIME, GOLDEN

Merge = tuple[str, str]


@kernel
def _slot(keys: Array, key: int) -> Any:
    """Slot of a key, or the empty slot where it belongs. The table doubles before it is half
    full."""
    mask = len(keys) - 1
    slot = ((key * int64(-7046029254386353131)) >> int64(20)) & mask
    while keys[slot] != -1 and keys[slot] != key:
        slot = (slot + 1) & mask
    return slot


@kernel
def _grow(keys: Array, counts: Array, heads: Array) -> tuple[Array, Array, Array]:
    size = 2 * len(keys)
    new_keys, new_counts, new_heads = (
        np.full(size, -1, np.int64),
        np.zeros(size, np.int64),
        np.full(size, -1, np.int64),
    )
    for old in range(len(keys)):
        if keys[old] != -1:
            slot = _slot(new_keys, keys[old])
            new_keys[slot], new_counts[slot], new_heads[slot] = keys[old], counts[old], heads[old]
    return new_keys, new_counts, new_heads


@kernel
def _merges(
    symbols: Array,
    following: Array,
    before: Array,
    weights: Array,
    lengths: Array,
    hashes: Array,
    num_symbols: int,
    size: int,
    longest: int,
) -> tuple[Array, Array, int]:
    """Left and right symbol of each merge, int32 [merges], until `size` new pieces exist or no pair
    is left.

    `symbols`, `following`, `before` [positions] are linked lists, one a sequence (-1 at its ends).
    `lengths` and `hashes` have room for `size` more symbols. A merge whose text is that of an older
    piece gives that piece.
    """
    keys, counts, heads = (
        np.full(1 << 16, -1, np.int64),
        np.zeros(1 << 16, np.int64),
        np.full(1 << 16, -1, np.int64),
    )
    at, link = np.empty(3 * len(symbols) + 1, np.int32), np.empty(3 * len(symbols) + 1, np.int64)
    used, found = 0, 0
    for i in range(len(symbols)):
        if following[i] >= 0:
            if 2 * used >= len(keys):
                keys, counts, heads = _grow(keys, counts, heads)
            slot = _slot(keys, int64(symbols[i]) << 32 | int64(symbols[following[i]]))
            if keys[slot] == -1:
                keys[slot] = int64(symbols[i]) << 32 | int64(symbols[following[i]])
                used += 1
            counts[slot] += weights[i]
            at[found], link[found], heads[slot] = i, heads[slot], found
            found += 1
    heap = [(int64(0), int64(0))]
    heap.clear()
    for slot in range(len(keys)):
        if counts[slot] > 0:
            heap.append((-counts[slot], keys[slot]))
    heapq.heapify(heap)
    by_hash = {hashes[i]: np.int32(i) for i in range(num_symbols)}
    lefts, rights = [np.int32(0)], [np.int32(0)]
    lefts.clear()
    rights.clear()
    known = num_symbols
    fresh = [int64(0)]
    while known < num_symbols + size and len(heap):
        count, key = heapq.heappop(heap)
        slot = _slot(keys, key)
        if counts[slot] != -count:  # its count fell since it was put there: it waits for its turn
            if counts[slot] > 0:
                heapq.heappush(heap, (-counts[slot], key))
            continue
        a, b = np.int32(key >> 32), np.int32(key & 0xFFFFFFFF)
        if lengths[a] + lengths[b] > longest:
            counts[slot] = 0
            continue
        text = hashes[a]
        for _ in range(lengths[b]):
            text *= FNV_PRIME
        text += hashes[b]
        if text in by_hash:
            piece = by_hash[text]
        else:
            piece = np.int32(known)
            by_hash[text], lengths[known], hashes[known] = piece, lengths[a] + lengths[b], text
            known += 1
        lefts.append(a)
        rights.append(b)
        number = 0
        node = heads[slot]
        while node >= 0:
            number, node = number + 1, link[node]
        places, node = np.empty(number, np.int32), heads[slot]
        for k in range(number):
            places[k], node = at[node], link[node]
        places.sort()  # left to right, so that "aaa" gives "aa a"
        counts[slot], heads[slot] = 0, -1
        fresh.clear()
        for place in range(number):
            i = int(places[place])
            j = following[i]
            if symbols[i] != a or j < 0 or symbols[j] != b:
                continue
            left, right = before[i], following[j]
            if left >= 0:
                counts[_slot(keys, int64(symbols[left]) << 32 | int64(a))] -= weights[i]
            if right >= 0:
                counts[_slot(keys, int64(b) << 32 | int64(symbols[right]))] -= weights[i]
                before[right] = i
            symbols[i], symbols[j], following[i] = piece, -1, right
            for first, second in ((left, i), (i, right)):
                if first < 0 or second < 0:
                    continue
                pair = int64(symbols[first]) << 32 | int64(symbols[second])
                if 2 * used >= len(keys):
                    keys, counts, heads = _grow(keys, counts, heads)
                slot = _slot(keys, pair)
                if keys[slot] == -1:
                    keys[slot] = pair
                    used += 1
                if found == len(at):
                    at, link = (
                        np.concatenate((at, np.empty(found, np.int32))),
                        np.concatenate((link, np.empty(found, np.int64))),
                    )
                counts[slot] += weights[i]
                at[found], link[found], heads[slot] = first, heads[slot], found
                found += 1
                fresh.append(pair)
        slot = _slot(keys, key)
        counts[slot] = 0
        for pair in fresh:
            # Once for every place: what is put there twice is found out of date and dropped or put
            # back once.
            slot = _slot(keys, pair)
            if counts[slot] > 0:
                heapq.heappush(heap, (-counts[slot], pair))
    return np.array(lefts), np.array(rights), known - num_symbols


def train_merges(
    sequences: Sequence[Sequence[str]],
    weights: Sequence[int],
    alphabet: Sequence[str],
    size: int,
    longest: int,
) -> list[Merge]:
    """Merges, in order, of a BPE that starts from the `alphabet` and adds up to `size` pieces of at
    most `longest` characters.

    A sequence is a list of pieces of the alphabet (a string is a list of characters) and counts as
    often as its weight. Among equally frequent pairs the one whose pieces stand first in the
    alphabet, or are older, wins: as in `tokenizers`. KeyError where a sequence holds a piece that
    the alphabet lacks.
    """
    index = {piece: i for i, piece in enumerate(alphabet)}
    kept = [(s, w) for s, w in zip(sequences, weights, strict=True) if len(s) > 1 and w > 0]
    symbols = np.fromiter((index[p] for s, _ in kept for p in s), np.int32)
    sizes = np.array([len(s) for s, _ in kept], np.int64)
    if not len(symbols):
        return []
    ends = np.cumsum(sizes)
    following = np.arange(1, len(symbols) + 1, dtype=np.int32)
    before = np.arange(-1, len(symbols) - 1, dtype=np.int32)
    following[ends - 1] = -1
    before[ends - sizes] = -1
    lengths = np.zeros(len(index) + size, np.int32)
    hashes = np.zeros(len(index) + size, np.uint64)
    for piece, i in index.items():
        lengths[i] = len(piece)
        value = 0
        for char in piece:
            value = (value * int(FNV_PRIME) + _scramble(ord(char))) & 0xFFFFFFFFFFFFFFFF
        hashes[i] = value
    expanded = np.repeat(np.array([w for _, w in kept], np.int64), sizes)
    lefts, rights, _ = _merges(
        symbols, following, before, expanded, lengths, hashes, len(index), size, longest
    )
    names, known = list(alphabet), set(alphabet)
    merges = []
    for a, b in zip(lefts.tolist(), rights.tolist(), strict=True):
        merges.append((names[a], names[b]))
        if (text := names[a] + names[b]) not in known:
            names.append(text)
            known.add(text)
    return merges


def _scramble(code: int) -> int:
    """A code point spread over 64 bits, so that texts of few characters do not share a hash."""
    return (code + 1) * int(GOLDEN) & 0xFFFFFFFFFFFFFFFF
