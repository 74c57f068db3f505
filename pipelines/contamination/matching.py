"""Compiled loops over texts in Arrow buffers: their tokens, and the items whose n-grams they hold.

Belongs here: what is done for every token of every document. Does not belong here: which items
there are and what is made of a match (item_index.py), the normal form of a character
(dedup/kernel.py), of which this one differs in two things: see `item_fold_table`.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numba import njit

from pipelines.dedup.bands import bit_table
from pipelines.dedup.shingles import any_token
from pipelines.kernels.normal_form import (
    ALONE,
    DIGIT,
    LETTER,
    STEP,
    U32,
    U64,
    avalanche,
    decode,
    fold,
    fold_table,
)

Array = np.ndarray[Any, Any]
ANCHOR = 4  # tokens at either end of a short item: one edit cannot hit both


@cache
def script_converter() -> Any:
    """Traditional to simplified characters, str to str; None where OpenCC is not installed."""
    try:
        import opencc
    except ImportError:
        return None
    return opencc.OpenCC("t2s").convert


@cache
def item_fold_table() -> Array:
    """`fold_table` with simplified characters for traditional ones, and digits as letters: `H2O` is
    one token; uint32 [65536].

    With digits apart, as deduplication has them, nine times as many clean documents were taken for
    items of a few numbers and units.
    """
    table, convert = fold_table().copy(), script_converter()
    digits = (table & 3) == DIGIT
    table[digits] = table[digits] & ~np.uint32(3) | LETTER
    if convert:
        for point in np.flatnonzero((table & 3) == ALONE).tolist():
            simplified = convert(chr(int(table[point]) >> 2))
            if len(simplified) == 1 and ord(simplified) < 65536:
                table[point] = ord(simplified) << 2 | ALONE
    return table


@njit(cache=True)
def _tokens(data, i, end, table, ids, starts, ends, alone):  # type: ignore[no-untyped-def]
    """Number of tokens in data[i:end]; of each its hash, first byte, byte behind it, whether it is
    a character that stands alone."""
    count = 0
    while i < end:
        point, width = decode(data, i, end)
        group = fold(table, point) & U32(3)
        if not group:
            i += width
            continue
        starts[count], alone[count] = i, group == ALONE
        value, i = any_token(data, i, end, table)
        ids[count], ends[count] = avalanche(value), i
        count += 1
    return count


@njit(cache=True)
def _room(ids, size):  # type: ignore[no-untyped-def]
    """A longer array where `ids` has no room for `size` tokens."""
    return ids if len(ids) >= size else np.empty(2 * size, ids.dtype)


@njit(cache=True)
def tokens_of(data, offsets, table):  # type: ignore[no-untyped-def]
    """(hashes uint64 of the tokens of all texts, offsets int64 [n + 1], characters that stand alone
    int64 [n])."""
    kept, count = np.empty(1024, np.uint64), 0
    out, characters = np.zeros(len(offsets), np.int64), np.zeros(len(offsets) - 1, np.int64)
    ids, alone = np.empty(0, np.uint64), np.empty(0, np.bool_)
    starts, ends = np.empty(0, np.int64), np.empty(0, np.int64)
    for doc in range(len(offsets) - 1):
        size = offsets[doc + 1] - offsets[doc]
        ids, alone, starts, ends = (
            _room(ids, size),
            _room(alone, size),
            _room(starts, size),
            _room(ends, size),
        )
        found = _tokens(data, offsets[doc], offsets[doc + 1], table, ids, starts, ends, alone)
        if count + found > len(kept):
            more = np.empty(2 * (count + found), np.uint64)
            more[:count] = kept[:count]
            kept = more
        kept[count : count + found] = ids[:found]
        count += found
        out[doc + 1], characters[doc] = count, alone[:found].sum()
    return kept[:count].copy(), out, characters


@njit(cache=True)
def _grams(ids, size, n, out):  # type: ignore[no-untyped-def]
    """Hashes of the n-grams of ids[:size] into `out`; returns how many."""
    count = max(0, size - n + 1)
    out[:count] = U64(n)
    for k in range(n):
        for at in range(count):
            h = (out[at] ^ ids[at + k]) * STEP
            out[at] = h ^ (h >> U64(29))
    return count


def grams_of(ids: Array, n: int) -> Array:
    """Hash of each n-gram, uint64 [max(0, len - n + 1)]."""
    out = np.empty(len(ids), np.uint64)
    return out[: _grams(ids, len(ids), n, out)]


def lookup(keys: Array) -> tuple[Array, Array, Array, np.uint64]:
    """Sorted hashes (uint64, repeated ones allowed), made ready for `_hits`: themselves, bits that
    most others miss, where the hashes of each prefix begin, the shift that gives a prefix."""
    bits = min(22, max(1, len(keys).bit_length()))
    shift = 64 - bits
    begins = np.searchsorted(keys, np.arange(1 << bits, dtype=np.uint64) << U64(shift)).astype(np.uint32)
    return keys, bit_table(keys), begins, U64(shift)


@njit(cache=True)
def _hits(grams, count, table, places, which):  # type: ignore[no-untyped-def]
    """Append the place of each of grams[:count] that is in a `lookup`, and its place there, as
    often as it is in it.

    Returns how many of them are in it.
    """
    keys, bits, begins, shift = table
    mask, found = U64(len(bits) - 1), np.int64(0)
    for at in range(count):
        gram = grams[at]
        if bits[(gram >> U64(6)) & mask] >> (gram & U64(63)) & U64(1):
            k = np.int64(begins[gram >> shift])
            while k < len(keys) and keys[k] < gram:
                k += 1
            found += k < len(keys) and keys[k] == gram
            while k < len(keys) and keys[k] == gram:
                places.append(at)
                which.append(k)
                k += 1
    return found


@njit(cache=True)
def _aligned(ids, size, at, from_start, item):  # type: ignore[no-untyped-def]
    """(first, last) token of `item` in ids[:size], or (-1, -1). `at`: where its first
    (`from_start`) or last ANCHOR tokens begin.

    Up to a tenth of the tokens may be replaced; of a short item that is one at most, which may then
    also be missing or one more.
    """
    length = len(item)
    allowed = length // 10
    begin = at if from_start else at + ANCHOR - length
    if begin >= 0 and begin + length <= size:
        wrong = 0
        for k in range(length):
            wrong += ids[begin + k] != item[k]
        if wrong <= allowed:
            return begin, begin + length - 1
    if allowed == 0:
        return -1, -1
    for shift in (-1, 1):  # a token fewer, a token more than the item
        span = length + shift
        begin = at if from_start else at + ANCHOR - span
        if begin < 0 or begin + span > size:
            continue
        head = 0
        while head < length and head < span and ids[begin + head] == item[head]:
            head += 1
        tail = 0
        while tail < length and tail < span and ids[begin + span - 1 - tail] == item[length - 1 - tail]:
            tail += 1
        if head + tail >= min(length, span):
            return begin, begin + span - 1
    return -1, -1


@njit(cache=True)
def _short(ids, size, grams, short, spans):  # type: ignore[no-untyped-def]
    """Append (item, first, last token) of the short items in ids[:size]; an item's first place
    counts."""
    table, owners, at_start, flat, bounds = short
    places, which = [0], [0]  # numba wants a list to begin with a value
    _hits(grams, _grams(ids, size, ANCHOR, grams), table, places, which)
    for hit in range(1, len(places)):
        at, k = places[hit], which[hit]
        item = owners[k]
        known = False
        for span in spans:
            known |= span[0] == item
        if not known:
            first, last = _aligned(ids, size, at, at_start[k], flat[bounds[item] : bounds[item + 1]])
            if first >= 0:
                spans.append((item, first, last))


@njit(cache=True)
def _long(ids, size, grams, long, limits, inside, spans):  # type: ignore[no-untyped-def]
    """Append (item, first, last token) of the items of which enough n-grams lie within a window of
    ids[:size].

    `inside`: int32 for each n-gram of an item, all zero, here and afterwards.
    """
    table, owners, sizes, lengths = long
    n, min_hits, containment, share = limits
    count = _grams(ids, size, n, grams)
    places, which = [0], [0]
    if _hits(grams, count, table, places, which) < min(min_hits, max(1, count)):
        return
    at, gram = np.array(places[1:]), np.array(which[1:])
    order = np.argsort(owners[gram], kind="mergesort")  # by item, and in the order of the text
    at, gram = at[order], gram[order]
    start = 0
    while start < len(at):
        item, stop = owners[gram[start]], start
        while stop < len(at) and owners[gram[stop]] == item:
            stop += 1
        needed = max(min(min_hits, sizes[item]), int(np.ceil(containment * sizes[item])))
        best, first, last, left, distinct = 0, 0, 0, start, 0
        for right in range(start, stop):
            distinct += inside[gram[right]] == 0
            inside[gram[right]] += 1
            while at[right] - at[left] > 2 * lengths[item]:
                inside[gram[left]] -= 1
                distinct -= inside[gram[left]] == 0
                left += 1
            if distinct > best:
                best, first, last = distinct, at[left], at[right]
        inside[gram[start:stop]] = 0
        if (
            best < needed and stop - start >= min_hits and stop - start >= share * count
        ):  # the text lies in the item
            best, first, last = needed, at[start], at[stop - 1]
        if best >= needed:
            spans.append((item, first, last + n - 1))
        start = stop


@njit(cache=True)
def search(data, offsets, table, short, long, limits):  # type: ignore[no-untyped-def]
    """(text, item, first byte, byte behind the last) int64 [m, 4], by text and item, of every item
    that a text holds.

    short: (`lookup` of anchors, items int64, whether it is the item's first, hashes of all items'
    tokens, their offsets); long: (`lookup` of n-grams, items int64, n-grams of an item int64,
    tokens of an item int64); limits: (n, fewest hits, share of an item's n-grams, share of a text's
    n-grams).
    """
    inside = np.zeros(len(long[0][0]), np.int32)
    ids, grams, alone = np.empty(0, np.uint64), np.empty(0, np.uint64), np.empty(0, np.bool_)
    starts, ends = np.empty(0, np.int64), np.empty(0, np.int64)
    rows = [(0, 0, 0, 0)]
    for doc in range(len(offsets) - 1):
        size = offsets[doc + 1] - offsets[doc]
        ids, alone, starts, ends = (
            _room(ids, size),
            _room(alone, size),
            _room(starts, size),
            _room(ends, size),
        )
        grams = _room(grams, size)
        count = _tokens(data, offsets[doc], offsets[doc + 1], table, ids, starts, ends, alone)
        spans = [(0, 0, 0)]
        spans.clear()
        _long(ids, count, grams, long, limits, inside, spans)
        _short(ids, count, grams, short, spans)
        if len(spans) > 1:
            spans.sort()
        for item, first, last in spans:
            rows.append((doc, item, starts[first] - offsets[doc], ends[last] - offsets[doc]))
    out = np.empty((len(rows) - 1, 4), np.int64)
    for k in range(1, len(rows)):
        out[k - 1, 0], out[k - 1, 1], out[k - 1, 2], out[k - 1, 3] = rows[k]
    return out
