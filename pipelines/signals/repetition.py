"""Repeated n-grams of tokens, by one compiled kernel.

Belongs here: the kernel. Does not belong here: what a token is (in_words.py, in_characters.py).
"""

from __future__ import annotations

# Numba infers the types of compiled code; mypy cannot follow max() of untyped integers there.
# mypy: disable-error-code="operator,assignment"
import numpy as np
from numba import njit

TOP, DUPLICATE, LONG = (2, 3, 4), (5, 6, 7, 8, 9, 10), 13
COLUMNS = (*(f"top_{n}_gram" for n in TOP), *(f"duplicate_{n}_gram" for n in DUPLICATE), f"repeated_{LONG}_gram")

U64 = np.uint64
TAG, PLACE = U64(0xFFFFFFFF00000000), U64(0xFFFFFFFF)
STEP, MIX = U64(0x9E3779B97F4A7C15), U64(0xBF58476D1CE4E5B9)


@njit(cache=True, inline="always")
def _joined(gram, token):  # type: ignore[no-untyped-def]
    h = (gram ^ (token * STEP)) * MIX
    return h ^ (h >> U64(29))


@njit(cache=True, inline="always")
def _first_of(gram, i, grams, table, mask):  # type: ignore[no-untyped-def]
    """The first place with this n-gram: `i` itself where it is new. An entry is 32 bits of hash, then place + 1; 0 is free."""
    slot = np.int64((gram >> U64(17)) & mask)
    tag = gram & TAG
    while table[slot] != 0:
        entry = table[slot]
        if entry & TAG == tag:
            place = np.int64(entry & PLACE) - 1
            if grams[place] == gram:
                return place
        slot = np.int64(U64(slot + 1) & mask)
    table[slot] = tag | U64(i + 1)
    return np.int64(i)


@njit(cache=True)
def _clear(table, num_entries):  # type: ignore[no-untyped-def]
    """Empty the part of the table that `num_entries` need; returns its mask."""
    size = 16
    while size < 2 * num_entries:
        size *= 2
    table[:size] = U64(0)
    return U64(size - 1)


@njit(cache=True)
def _maybe_repeated(grams, places, left, once):  # type: ignore[no-untyped-def]
    """Keep the places whose n-gram may recur: bytes of a small table count up to two, without branches. Returns how many are left."""
    size = 64
    while size < 8 * left:
        size *= 2
    once[:size] = 0
    mask = U64(size - 1)
    for k in range(left):
        slot = (grams[places[k]] >> U64(13)) & mask
        once[slot] += once[slot] < 2
    used = 0
    for k in range(left):
        place = places[k]
        places[used] = place
        used += once[(grams[place] >> U64(13)) & mask] > 1
    return used


@njit(cache=True)
def variety(tokens, n, table, counts):  # type: ignore[no-untyped-def]
    """(different tokens, entropy in nats) of the first n tokens; `table` and `counts` as in `repeated`."""
    mask = _clear(table, n)
    for i in range(n):
        first = _first_of(tokens[i], i, tokens, table, mask)
        counts[i] = 0
        counts[first] += 1
    entropy, distinct = 0.0, 0
    for i in range(n):
        if counts[i]:
            distinct += 1
            share = counts[i] / n
            entropy -= share * np.log(share)
    return distinct, entropy


@njit(cache=True)
def repeated(tokens, ends, n, in_characters, table, once, counts, firsts, grams, places, out):  # type: ignore[no-untyped-def]
    """Characters in repeated n-grams of one text into `out` (COLUMNS, not yet shares).

    `tokens` uint64 [n]: a hash for each token; `ends` int64 [n + 1]: characters up to each token; `counts` int32, `firsts` int32, `grams`
    uint64, `places` int32: room of at least n; `table` uint64: a power of two of at least 2 n; `once` uint8: 8 times that.

    In words, as Gopher (Rae et al. 2021, table A1) and datatrove: the most frequent n-gram (n = 2..4, the first of equals) counts length x
    occurrences, spaces included; a repeated n-gram (n = 5..10) is counted and skipped whole, so that no character counts twice. In
    characters, a top n-gram counts the characters that it covers once, and the last number is the share of 13-grams that recur (EvalWeb).

    An n-gram can only recur where its first and its last n - 1 tokens do, so each order looks at the few places that the one before left.
    """
    out[:] = 0.0
    left = max(n - 1, 0)
    for order in range(2, 14 if in_characters else 11):
        if n < order:
            break
        gap = 0 if in_characters else order - 1
        if order <= 4:
            out[order - 2] = ends[order] - ends[0] + gap
        if order == 2:
            for i in range(left):
                grams[i] = _joined(tokens[i], tokens[i + 1])
                places[i] = i
        else:
            used = 0
            for k in range(left):
                i = places[k]
                if k + 1 < left and places[k + 1] == i + 1:
                    grams[i] = _joined(grams[i], tokens[i + order - 1])
                    places[used] = i
                    used += 1
            left = used
        left = _maybe_repeated(grams, places, left, once)
        if left == 0 and order >= 4:
            break
        mask = _clear(table, left)
        for k in range(left):
            i = places[k]
            first = _first_of(grams[i], i, grams, table, mask)
            firsts[i] = first
            counts[i] = 0
            counts[first] += 1
        used, best, best_first = 0, 1, -1
        for k in range(left):
            i = places[k]
            count = counts[firsts[i]]
            places[used] = i
            used += count > 1
            if count > best:
                best, best_first = count, i
        left = used
        if order <= 4 and best > 1:
            if in_characters:
                covered, total = np.int64(0), np.int64(0)
                for k in range(left):
                    i = np.int64(places[k])
                    if firsts[i] == best_first:
                        total += ends[i + order] - ends[max(i, covered)]
                        covered = i + order
                out[order - 2] = total
            else:
                out[order - 2] = best * (ends[best_first + order] - ends[best_first] + gap)
        elif 5 <= order <= 10:
            total, until = np.int64(0), np.int64(0)
            for k in range(left):
                i = np.int64(places[k])
                if i < until:
                    continue
                first = firsts[i]
                if counts[first] < 0:  # this walk was here
                    total += ends[i + order] - ends[i]
                    until = i + order
                else:
                    counts[first] = -1
            out[order - 2] = total
        elif order == LONG:
            out[9] = left / (n - LONG + 1)
