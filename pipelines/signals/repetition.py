"""Repeated n-grams of tokens, by one compiled pass over a text's token hashes.

Belongs here: the kernel and the room that it works in. Does not belong here: what a token is
(in_words.py, in_characters.py), shares (they divide by different totals).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, inlined, int64, kernel
from pipelines.kernels.hashing64 import GOLDEN, MIX, U64

TOP, DUPLICATE, LONG = (2, 3, 4), (5, 6, 7, 8, 9, 10), 13
NUM_ORDERS = len(TOP) + len(DUPLICATE)  # 2 to 10: places 0 to 8 of the result
RECURRING = NUM_ORDERS  # place of the share of n-grams of LONG that recur
_SEEN, _RECURS = 1, 2


class Room(NamedTuple):
    """Arrays for the tokens of the longest text, and for counting their n-grams.

    tokens uint64: a hash for each token. ends int64: characters up to each token, one more than
    tokens. found float64 [10]: the result. The rest is scratch: keys uint64, a power of two of at
    least twice the tokens; slots uint32, twice that; counts, firsts, places int32 and grams uint64,
    one more than tokens.
    """

    tokens: Array
    ends: Array
    found: Array
    keys: Array
    slots: Array
    counts: Array
    firsts: Array
    grams: Array
    places: Array


@inlined
def make_room(num_tokens: int, num_keys: int) -> Room:
    """Room for texts of that many tokens; `num_keys` as in Room.keys."""
    return Room(
        np.zeros(num_tokens, np.uint64),
        np.zeros(num_tokens + 1, np.int64),
        np.zeros(NUM_ORDERS + 1),
        np.zeros(num_keys, np.uint64),
        np.zeros(2 * num_keys, np.uint32),
        np.zeros(num_tokens + 1, np.int32),
        np.zeros(num_tokens + 1, np.int32),
        np.zeros(num_tokens, np.uint64),
        np.zeros(num_tokens + 1, np.int32),
    )


@inlined
def _joined(gram: np.uint64, token: np.uint64) -> np.uint64:
    h = (gram ^ (token * GOLDEN)) * MIX
    return h ^ (h >> U64(29))


@inlined
def _slot(gram: np.uint64, mask: np.uint64) -> np.uint64:
    return (gram >> U64(13)) & mask


@inlined
def _first_of(gram: np.uint64, i: int, keys: Array, slots: Array, mask: np.uint64) -> int:
    """The number that came first with this hash: `i` itself where it is new. `slots` are numbers +
    1, 0 is free; `keys` their hashes."""
    slot = _slot(gram, mask)
    while slots[slot] != 0:
        if keys[slot] == gram:
            return int64(slots[slot]) - 1
        slot = (slot + U64(1)) & mask
    keys[slot], slots[slot] = gram, i + 1
    return int64(i)


@kernel
def _clear(slots: Array, num_slots: int) -> np.uint64:
    """Empty that many slots or up to twice as many; returns their mask."""
    size = 16
    while size < num_slots:
        size *= 2
    slots[:size] = 0
    return U64(size - 1)


@kernel
def variety(room: Room, n: int) -> tuple[int, float]:
    """(different tokens, entropy in nats) of the first n tokens."""
    tokens, keys, slots, counts = room.tokens, room.keys, room.slots, room.counts
    mask = _clear(slots, 2 * n)
    for i in range(n):
        first = _first_of(tokens[i], i, keys, slots, mask)
        counts[i] = 0
        counts[first] += 1
    entropy, distinct = 0.0, 0
    for i in range(n):
        if counts[i]:
            distinct += 1
            share = counts[i] / n
            entropy -= share * np.log(share)
    return distinct, entropy


@kernel
def _maybe_repeated(
    tokens: Array, order: int, left: int, grams: Array, places: Array, slots: Array, counts: Array
) -> tuple[int, int]:
    """(how many places are left, the place whose count is highest): hash the n-grams, keep the
    places of those that may recur.

    `counts` [left] are occurrences in the n-gram's slot, which it may share with others: no n-gram
    occurs more often.
    """
    mask = _clear(slots, 4 * left)
    if order == 2:
        for i in range(left):
            gram = _joined(tokens[i], tokens[i + 1])
            grams[i], places[i] = gram, i
            slots[_slot(gram, mask)] += np.uint32(1)
    else:
        used = 0
        places[left] = -1
        for k in range(left):
            i = places[k]
            if places[k + 1] == i + 1:
                gram = _joined(grams[i], tokens[i + order - 1])
                grams[i], places[used] = gram, i
                used += 1
                slots[_slot(gram, mask)] += np.uint32(1)
        left = used
    used, most, lead = 0, np.uint32(1), int64(0)
    for k in range(left):
        i = places[k]
        count = slots[_slot(grams[i], mask)]
        places[used], counts[used] = i, count
        used += count > 1
        if count > most:
            most, lead = count, int64(i)
    return used, lead


@kernel
def _most_frequent(
    grams: Array, places: Array, left: int, lead: int, counts: Array, keys: Array, slots: Array, rivals: Array
) -> tuple[int, int]:
    """(occurrences, first place) of the most frequent n-gram, the first of equals; (1, -1) where
    each is there once.

    The n-gram at `lead` is one of the most frequent or nearly so: only places whose count reaches
    its occurrences are compared.
    """
    least = 0
    for k in range(left):
        least += grams[places[k]] == grams[lead]
    n = 0
    for k in range(left):
        rivals[n] = places[k]
        n += counts[k] >= least
    mask = _clear(slots, 2 * n)
    for k in range(n):
        counts[k] = 0
        counts[_first_of(grams[rivals[k]], k, keys, slots, mask)] += 1
    best, place = 1, int64(-1)
    for k in range(n):
        if counts[k] > best:
            best, place = counts[k], int64(rivals[k])
    return best, place


@kernel
def _longer(firsts: Array, places: Array, left: int, keys: Array, slots: Array, branching: Array) -> int:
    """How many places are left of those with repeated (n - 1)-grams, and the first place of each
    one's n-gram into `firsts`.

    An n-gram is known by the first places of its two (n - 1)-grams. Where they follow each other,
    the n-gram begins at the former.
    """
    used, n = 0, 0
    places[left] = -1
    for k in range(left):
        i = places[k]
        stays = places[k + 1] == i + 1
        places[used] = i
        used += stays
        branching[n] = i
        n += stays and firsts[i + 1] != firsts[i] + 1
    mask = _clear(slots, 2 * n)
    for k in range(n):
        i = branching[k]
        firsts[i] = _first_of(_joined(U64(firsts[i]), U64(firsts[i + 1])), i, keys, slots, mask)
    return used


@kernel
def repeated(room: Room, n: int, in_characters: bool) -> None:
    """Characters in repeated n-grams of the first n tokens into room.found, for the orders 2 to 10;
    then the share of n-grams of LONG that recur.

    In words, as Gopher (Rae et al. 2021, table A1) and datatrove: the most frequent n-gram (n =
    2..4, the first of equals) counts length x occurrences, spaces included; a repeated n-gram (n =
    5..10) is counted and skipped whole, so that no character counts twice. In characters, a top
    n-gram counts the characters that it covers once, and the last number is the share of 13-grams
    that recur (EvalWeb).

    An n-gram can only recur where its first and its last n - 1 tokens do, so each order looks at
    the few places that the one before left.
    """
    tokens, ends, out, keys, slots = room.tokens, room.ends, room.found, room.keys, room.slots
    counts, firsts, grams, places = room.counts, room.firsts, room.grams, room.places
    out[:] = 0.0
    left = max(n - 1, 0)
    for order in TOP:
        if n < order:
            return
        gap = 0 if in_characters else order - 1
        out[order - 2] = ends[order] - ends[0] + gap
        left, lead = _maybe_repeated(tokens, order, left, grams, places, slots, counts)
        best, first = _most_frequent(grams, places, left, lead, counts, keys, slots, firsts)
        if best == 1:
            continue
        if in_characters:
            covered, total = int64(0), int64(0)
            for k in range(left):
                i = int64(places[k])
                if grams[i] == grams[first]:
                    total += ends[i + order] - ends[max(i, covered)]
                    covered = i + order
            out[order - 2] = total
        else:
            out[order - 2] = best * (ends[first + order] - ends[first] + gap)
    for order in range(5, LONG + 1 if in_characters else 11):
        if left == 0:
            return
        if order == 5:
            left, _ = _maybe_repeated(tokens, order, left, grams, places, slots, counts)
            mask = _clear(slots, 2 * left)
            for k in range(left):
                i = places[k]
                firsts[i] = _first_of(grams[i], i, keys, slots, mask)
        else:
            left = _longer(firsts, places, left, keys, slots, counts)
        total, until = int64(0), int64(0)
        for k in range(left):
            i = int64(places[k])
            first = firsts[i]
            if first == i:
                counts[i] = _SEEN if i >= until else 0
                continue
            state = counts[first]
            if i >= until:
                if state & _SEEN:
                    total += ends[i + order] - ends[i]
                    until = i + order
                state |= _SEEN
            counts[first] = state | _RECURS
        if order <= 10:
            out[order - 2] = total
        used = 0
        for k in range(left):
            places[used] = places[k]
            used += counts[firsts[places[k]]] >= _RECURS
        left = used
        if order == LONG:
            out[RECURRING] = left / (n - LONG + 1)
