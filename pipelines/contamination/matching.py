"""Compiled loops over texts in Arrow buffers: their tokens, and the benchmark items whose n-grams
they hold.

Belongs here: what is done for every token of every document. Does not belong here: which items
there are and what is made of a match (index.py), the normal form of a character
(kernels/normal_form.py), from which this one differs in two things: see `item_fold_table`.

The plain definition is reference.PlainIndex; tests/pipelines/contamination/test_index.py proves
items and spans equal to it.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from pipelines.kernels.bit_tables import bit_table, may_hold
from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import STEP, U32, U64, avalanche
from pipelines.kernels.normal_form import ALONE, DIGIT, LETTER, fold, fold_table
from pipelines.kernels.tokens import any_token
from pipelines.kernels.utf8 import decode

SHORTEST = 2  # bytes of a word that a skeleton keeps: a letter alone is a variable
FEWEST = 4  # n-grams of a skeleton that tell anything
NEVER = 2.0  # no share of a text's n-grams lies in a skeleton: short texts are too alike
ANCHOR = 4  # tokens at either end of a short item: one edit cannot hit both
Span: TypeAlias = tuple[int, int, int]  # item, first and last token


class Lookup(NamedTuple):
    """Sorted hashes, made ready for `_hits`.

    keys uint64, repeated ones allowed; bits: their `bit_table`; begins uint32: where the hashes of
    each prefix begin; shift: how far a hash is shifted to give its prefix.
    """

    keys: Array
    bits: Array
    begins: Array
    shift: np.uint64


class ShortItems(NamedTuple):
    """Items that are looked for whole. anchors; owners int64: the item of each; at_start: whether
    it is the item's first; tokens uint64 of all items, one after the other; bounds int64 of
    them."""

    anchors: Lookup
    owners: Array
    at_start: Array
    tokens: Array
    bounds: Array


class LongItems(NamedTuple):
    """Items that are found by their n-grams. grams; owners int64: the item of each; num_grams int64
    and num_tokens int64 of each item."""

    grams: Lookup
    owners: Array
    num_grams: Array
    num_tokens: Array


class Limits(NamedTuple):
    """What makes a match, from ContaminationPolicy: tokens of an n-gram, fewest hits (all, in an item
    that has fewer), fewest that any item has, share of an item's n-grams within a window, share of a
    text's n-grams within an item."""

    ngram: int
    min_hits: int
    fewest: int
    containment: float
    inside: float


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


@kernel
def _tokens(
    data: Array, i: int, end: int, table: Array, ids: Array, starts: Array, ends: Array, alone: Array
) -> int:
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


@kernel
def _room(ids: Array, size: int) -> Array:
    """A longer array where `ids` has no room for `size` tokens."""
    return ids if len(ids) >= size else np.empty(2 * size, ids.dtype)


@kernel
def tokens_of(data: Array, offsets: Array, table: Array) -> tuple[Array, Array, Array]:
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


@kernel
def _grams(ids: Array, size: int, n: int, out: Array) -> int:
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


def lookup(keys: Array) -> Lookup:
    """`keys` (uint64, sorted, repeated ones allowed) and the tables that `_hits` asks first."""
    bits = min(22, max(1, len(keys).bit_length()))
    shift = 64 - bits
    begins = np.searchsorted(keys, np.arange(1 << bits, dtype=np.uint64) << U64(shift)).astype(np.uint32)
    return Lookup(keys, bit_table(keys), begins, U64(shift))


@kernel
def _hits(grams: Array, count: int, table: Lookup, places: list[int], which: list[np.int64]) -> np.int64:
    """Append the place of each of grams[:count] that is in a `lookup`, and its place there, as
    often as it is in it.

    Returns how many of them are in it.
    """
    keys, begins = table.keys, table.begins
    mask, found = U64(len(table.bits) - 1), np.int64(0)
    for at in range(count):
        gram = grams[at]
        if may_hold(table.bits, mask, gram):
            k = np.int64(begins[gram >> table.shift])
            while k < len(keys) and keys[k] < gram:
                k += 1
            found += k < len(keys) and keys[k] == gram
            while k < len(keys) and keys[k] == gram:
                places.append(at)
                which.append(k)
                k += 1
    return found


@kernel
def _aligned(ids: Array, size: int, at: int, from_start: bool, item: Array) -> tuple[int, int]:
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


@kernel
def _short(ids: Array, size: int, grams: Array, short: ShortItems, spans: list[Span]) -> None:
    """Append (item, first, last token) of the short items in ids[:size]; an item's first place
    counts."""
    places, which = [0], [np.int64(0)]  # Numba wants a list to begin with a value
    _hits(grams, _grams(ids, size, ANCHOR, grams), short.anchors, places, which)
    for hit in range(1, len(places)):
        at, k = places[hit], which[hit]
        item = short.owners[k]
        known = False
        for span in spans:
            known |= span[0] == item
        if not known:
            wanted = short.tokens[short.bounds[item] : short.bounds[item + 1]]
            first, last = _aligned(ids, size, at, short.at_start[k], wanted)
            if first >= 0:
                spans.append((item, first, last))


@kernel
def _long(
    ids: Array, size: int, grams: Array, long: LongItems, limits: Limits, inside: Array, spans: list[Span]
) -> None:
    """Append (item, first, last token) of the items of which enough n-grams lie within a window of
    ids[:size].

    `inside`: int32 for each n-gram of an item, all zero, here and afterwards.
    """
    owners, sizes, lengths = long.owners, long.num_grams, long.num_tokens
    count = _grams(ids, size, limits.ngram, grams)
    places, which = [0], [np.int64(0)]
    if _hits(grams, count, long.grams, places, which) < min(limits.fewest, max(1, count)):
        return
    at, gram = np.array(places[1:]), np.array(which[1:])
    order = np.argsort(owners[gram], kind="mergesort")  # by item, and in the order of the text
    at, gram = at[order], gram[order]
    start = 0
    while start < len(at):
        item, stop = owners[gram[start]], start
        while stop < len(at) and owners[gram[stop]] == item:
            stop += 1
        needed = max(min(limits.min_hits, sizes[item]), int(np.ceil(limits.containment * sizes[item])))
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
        hits = stop - start
        if best < needed and hits >= limits.min_hits and hits >= limits.inside * count:
            # the text lies in the item
            best, first, last = needed, at[start], at[stop - 1]
        if best >= needed:
            spans.append((item, first, last + limits.ngram - 1))
        start = stop


@kernel
def _first_of_each(spans: list[Span]) -> list[Span]:
    """`spans` without those of an item that stands before them."""
    kept = [spans[0]]
    for k in range(1, len(spans)):
        known = False
        for span in kept:
            known |= span[0] == spans[k][0]
        if not known:
            kept.append(spans[k])
    return kept


@kernel
def _skeleton(data: Array, ids: Array, starts: Array, ends: Array, count: int, out: Array, at: Array) -> int:
    """What is left of ids[:count] without numbers, names and letters alone: ids into `out`, places
    into `at`; returns how many.

    A word that begins with a capital is taken for a name wherever it stands, so that an item and its
    variant lose the like words. Characters that stand alone stay.
    """
    kept = 0
    for k in range(count):
        first = data[starts[k]]
        if first >= 128 or (97 <= first <= 122 and ends[k] - starts[k] >= SHORTEST):
            out[kept], at[kept] = ids[k], k
            kept += 1
    return kept


@kernel
def skeletons_of(data: Array, offsets: Array, table: Array) -> tuple[Array, Array, Array]:
    """(hashes uint64 of the tokens of all skeletons, offsets int64 [n + 1], whether a text has a
    number bool [n])."""
    kept, count = np.empty(1024, np.uint64), 0
    out, numbers = np.zeros(len(offsets), np.int64), np.zeros(len(offsets) - 1, np.bool_)
    ids, alone = np.empty(0, np.uint64), np.empty(0, np.bool_)
    starts, ends, places = np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, np.int64)
    for doc in range(len(offsets) - 1):
        size = offsets[doc + 1] - offsets[doc]
        ids, alone = _room(ids, size), _room(alone, size)
        starts, ends, places = _room(starts, size), _room(ends, size), _room(places, size)
        found = _tokens(data, offsets[doc], offsets[doc + 1], table, ids, starts, ends, alone)
        for k in range(found):
            numbers[doc] |= 48 <= data[starts[k]] <= 57
        found = _skeleton(data, ids, starts, ends, found, ids, places)
        if count + found > len(kept):
            more = np.empty(2 * (count + found), np.uint64)
            more[:count] = kept[:count]
            kept = more
        kept[count : count + found] = ids[:found]
        count += found
        out[doc + 1] = count
    return kept[:count].copy(), out, numbers


@kernel
def search(
    data: Array,
    offsets: Array,
    table: Array,
    short: ShortItems,
    long: LongItems,
    limits: Limits,
    bones: LongItems,
    bone_limits: Limits,
) -> Array:
    """(text, item, first byte, byte behind the last) int64 [m, 4], by text and item, of every item
    that a text holds. `table`: item_fold_table; `bones`, `bone_limits`: as `long` and `limits`, of
    skeletons."""
    inside = np.zeros(max(len(long.grams.keys), len(bones.grams.keys)), np.int32)
    places = np.empty(0, np.int64)
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
        if len(bones.grams.keys):
            places = _room(places, size)
            known = len(spans)
            left = _skeleton(data, ids, starts, ends, count, ids, places)
            _long(ids, left, grams, bones, bone_limits, inside, spans)
            for k in range(known, len(spans)):
                item, first, last = spans[k]
                spans[k] = (item, places[first], places[last])
            if known and len(spans) > known:  # an item is found once, its whole form first
                spans = _first_of_each(spans)
        if len(spans) > 1:
            spans.sort()
        for item, first, last in spans:
            rows.append((doc, item, starts[first] - offsets[doc], ends[last] - offsets[doc]))
    out = np.empty((len(rows) - 1, 4), np.int64)
    for k in range(1, len(rows)):
        out[k - 1, 0], out[k - 1, 1], out[k - 1, 2], out[k - 1, 3] = rows[k]
    return out
