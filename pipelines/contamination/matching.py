"""Compiled loops that find benchmark items in texts by their n-grams.

Belongs here: what is done for every n-gram of every document. Does not belong here: which items
there are and what is made of a match (index.py), the tokens of a text (forms.py).

The plain definition is reference.PlainIndex; tests/pipelines/contamination/test_index.py proves
items and spans equal to it.

Why it is fast: nearly every text holds no item, and that is known from how many n-grams it has of
each; places are looked at only for the items that have enough.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

from pipelines.contamination.forms import Tables, find_tokens, form_room, shape, skeleton, tokens_room
from pipelines.kernels.bit_tables import bit_table, may_hold
from pipelines.kernels.compiled import Array, int64, kernel, leaf
from pipelines.kernels.hashing64 import STEP, U64

NEVER = 2.0  # no share of a text's n-grams lies in a skeleton: short texts are too alike
ANCHOR = 4  # tokens at either end of an item that is looked for whole: one edit cannot hit both
FORMS = ("n-grams", "whole", "skeleton", "shape")
NGRAMS, WHOLLY, BONES, SHAPED = range(4)  # places in FORMS
Span: TypeAlias = tuple[int, int, int, int]  # item, first and last token, form


class Lookup(NamedTuple):
    """Which items have an n-gram, ready for `_hits`.

    keys uint64, sorted, each once; bits: their `bit_table`; begins uint32: where the keys of each
    prefix begin; shift: how far a key is shifted to give its prefix; bounds int64 [keys + 1] of
    `owners` int32: the items of each.
    """

    keys: Array
    bits: Array
    begins: Array
    shift: np.uint64
    bounds: Array
    owners: Array


class WholeItems(NamedTuple):
    """Items that are looked for whole. anchors; at_start: whether the anchor at each place of
    `anchors.owners` is the item's first; tokens uint64 of all items, one after the other; bounds
    int64 of them."""

    anchors: Lookup
    at_start: Array
    tokens: Array
    bounds: Array


class LongItems(NamedTuple):
    """Items that are found by their n-grams. grams; for each item int64: `needed`, how many of its
    n-grams a match has at least; `score` of a match at least (see `Limits.places`); num_tokens."""

    grams: Lookup
    needed: Array
    score: Array
    num_tokens: Array


class Limits(NamedTuple):
    """What makes a match beside `LongItems`, from ContaminationPolicy: tokens of an n-gram, fewest
    n-grams that a text must have of any items, and, for texts that lie in an item, the fewest hits
    and their share of the text's n-grams. places: 1 where the score of a match is its n-grams and
    one for each further place in which they stand, 0 where it is its n-grams alone."""

    ngram: int
    fewest: int
    min_hits: int
    inside: float
    places: int


class Scratch(NamedTuple):
    """Room for one text of n tokens. grams uint64 [n]; at, which int64 [n]: place of a hit in the
    text and in the keys; places, rows int64 [n]: those of one item."""

    grams: Array
    at: Array
    which: Array
    places: Array
    rows: Array


class ItemCounts(NamedTuple):
    """One number for each item (hits int32, seen bool) and each owner (inside int32), all zero
    between texts; touched int64 [items]: the items with hits."""

    hits: Array
    seen: Array
    inside: Array
    touched: Array


class Searched(NamedTuple):
    """What is looked for: short items, long ones, skeletons and shapes."""

    short: WholeItems
    long: LongItems
    limits: Limits
    skeletons: LongItems
    loose: Limits
    shapes: WholeItems


@leaf
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


def lookup(grams: Array, owners: Array) -> Lookup:
    """The tables of n-grams (uint64, sorted, repeated ones allowed) and the item of each."""
    keys, firsts = np.unique(grams, return_index=True)
    bits = min(22, max(1, len(keys).bit_length()))
    shift = 64 - bits
    begins = np.searchsorted(keys, np.arange(1 << bits, dtype=np.uint64) << U64(shift)).astype(np.uint32)
    bounds = np.r_[firsts, len(grams)].astype(np.int64)
    return Lookup(keys, bit_table(keys), begins, U64(shift), bounds, owners.astype(np.int32))


@leaf
def _hits(count: int, table: Lookup, work: Scratch) -> int:
    """Write the place of each of work.grams[:count] that is in a `lookup` and its place there into
    `at` and `which`; returns how many."""
    keys, begins, grams, at = table.keys, table.begins, work.grams, work.at
    mask, left, found = U64(len(table.bits) - 1), 0, 0
    for k in range(count):  # without a branch, so that the machine asks for many words at once
        at[left] = k
        left += int64(may_hold(table.bits, mask, grams[k]))
    for c in range(left):
        gram = grams[at[c]]
        k = int64(begins[gram >> table.shift])
        while k < len(keys) and keys[k] < gram:
            k += 1
        if k < len(keys) and keys[k] == gram:
            at[found], work.which[found] = at[c], k
            found += 1
    return found


@leaf
def _candidates(
    hits: int, count: int, long: LongItems, limits: Limits, work: Scratch, tally: ItemCounts
) -> int:
    """Write into `tally.touched` the items of which a text has enough n-grams, wherever they stand;
    returns how many."""
    owners, bounds, touched = long.grams.owners, long.grams.bounds, 0
    for hit in range(hits):
        for row in range(bounds[work.which[hit]], bounds[work.which[hit] + 1]):
            item = owners[row]
            tally.touched[touched] = item
            touched += tally.hits[item] == 0
            tally.hits[item] += 1
    kept = 0
    for k in range(touched):
        item, own = tally.touched[k], tally.hits[tally.touched[k]]
        tally.touched[kept] = item
        kept += (own >= long.needed[item]) | ((own >= limits.min_hits) & (own >= limits.inside * count))
        tally.hits[item] = 0
    return kept


@leaf
def _places(first: int, last: int, at: Array, rows: Array, inside: Array) -> int:
    """In how many places the n-grams of the hits `first` to `last` stand, each where it is first; those
    that follow each other are in one place. Leaves `inside` all zero, as it finds it."""
    places, before = 0, -2
    for k in range(first, last + 1):
        if inside[rows[k]] == 0:
            places += at[k] != before + 1
            before = at[k]
        inside[rows[k]] += 1
    for k in range(first, last + 1):
        inside[rows[k]] = 0
    return places


@leaf
def _within(
    item: int, hits: int, count: int, long: LongItems, limits: Limits, work: Scratch, tally: ItemCounts
) -> tuple[int, int]:
    """(first, last) token of the best window of `item`, or (-1, -1) where none has enough of its
    n-grams."""
    owners, bounds, own = long.grams.owners, long.grams.bounds, 0
    at, rows, inside = work.places, work.rows, tally.inside
    for hit in range(hits):
        for row in range(bounds[work.which[hit]], bounds[work.which[hit] + 1]):
            if owners[row] == item:
                at[own], rows[own] = work.at[hit], row
                own += 1
    best, first, last, left, distinct = 0, 0, -1, 0, 0
    for right in range(own):
        distinct += inside[rows[right]] == 0
        inside[rows[right]] += 1
        while at[right] - at[left] > 2 * long.num_tokens[item]:
            inside[rows[left]] -= 1
            distinct -= inside[rows[left]] == 0
            left += 1
        if distinct > best:
            best, first, last = distinct, left, right
    for right in range(own):
        inside[rows[right]] = 0
    score = best + limits.places * (_places(first, last, at, rows, inside) - 1)
    if best >= long.needed[item] and score >= long.score[item]:
        return at[first], at[last] + limits.ngram - 1
    if own >= limits.min_hits and own >= limits.inside * count:
        return at[0], at[own - 1] + limits.ngram - 1  # the text lies in the item
    return -1, -1


@kernel
def _long(
    ids: Array,
    size: int,
    long: LongItems,
    limits: Limits,
    form: int,
    work: Scratch,
    tally: ItemCounts,
    spans: list[Span],
) -> None:
    """Append (item, first, last token, form) of the items of which enough n-grams lie within a window of
    ids[:size], but for those that were seen."""
    count = _grams(ids, size, limits.ngram, work.grams)
    hits = _hits(count, long.grams, work)
    if hits < min(limits.fewest, max(1, count)):
        return
    for k in range(_candidates(hits, count, long, limits, work, tally)):
        item = tally.touched[k]
        if tally.seen[item]:
            continue
        first, last = _within(item, hits, count, long, limits, work, tally)
        if first >= 0:
            spans.append((item, first, last, form))
            tally.seen[item] = True


@leaf
def _aligned(
    ids: Array, size: int, at: int, from_start: bool, tokens: Array, low: int, high: int
) -> tuple[int, int]:
    """(first, last) token of the item tokens[low:high] in ids[:size], or (-1, -1). `at`: where its
    first (`from_start`) or last ANCHOR tokens begin.

    Up to a tenth of the tokens may be replaced; of a short item that is one at most, which may then
    also be missing or one more.
    """
    length = high - low
    allowed = length // 10
    begin = at if from_start else at + ANCHOR - length
    if begin >= 0 and begin + length <= size:
        wrong = 0
        for k in range(length):
            wrong += ids[begin + k] != tokens[low + k]
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
        while head < length and head < span and ids[begin + head] == tokens[low + head]:
            head += 1
        tail = 0
        while tail < length and tail < span and ids[begin + span - 1 - tail] == tokens[high - 1 - tail]:
            tail += 1
        if head + tail >= min(length, span):
            return begin, begin + span - 1
    return -1, -1


@kernel
def _whole(
    ids: Array, size: int, whole: WholeItems, form: int, work: Scratch, tally: ItemCounts, spans: list[Span]
) -> None:
    """Append (item, first, last token, form) of the items that stand whole in ids[:size], but for those
    that were seen; an item's first place counts."""
    anchors = whole.anchors
    for hit in range(_hits(_grams(ids, size, ANCHOR, work.grams), anchors, work)):
        for row in range(anchors.bounds[work.which[hit]], anchors.bounds[work.which[hit] + 1]):
            item = anchors.owners[row]
            if not tally.seen[item]:
                low, high = whole.bounds[item], whole.bounds[item + 1]
                first, last = _aligned(ids, size, work.at[hit], whole.at_start[row], whole.tokens, low, high)
                if first >= 0:
                    spans.append((item, first, last, form))
                    tally.seen[item] = True


@kernel
def _scratch(size: int) -> Scratch:
    """Room for a text of `size` tokens."""
    return Scratch(
        np.empty(size, np.uint64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
        np.empty(size, np.int64),
    )


@kernel
def search(data: Array, offsets: Array, tables: Tables, items: Searched) -> Array:
    """(text, item, first byte, byte behind the last, place in FORMS) int64 [m, 5], by text and item, of
    every item that a text holds; whole forms are looked for first, then skeletons, then shapes."""
    num_items = len(items.long.needed)
    num_owners = max(len(items.long.grams.owners), len(items.skeletons.grams.owners))
    tally = ItemCounts(
        np.zeros(num_items, np.int32),
        np.zeros(num_items, np.bool_),
        np.zeros(num_owners, np.int32),
        np.empty(num_items + 1, np.int64),
    )
    room, form, work = tokens_room(1024), form_room(1024), _scratch(1024)
    spans, rows = [(0, 0, 0, 0)], [(0, 0, 0, 0, 0)]  # Numba wants a list to begin with a value
    for doc in range(len(offsets) - 1):
        begin, size = offsets[doc], offsets[doc + 1] - offsets[doc]
        if size > len(room.ids):
            room, form, work = tokens_room(2 * size), form_room(2 * size), _scratch(2 * size)
        count = find_tokens(data, begin, begin + size, tables, room)
        spans.clear()
        _long(room.ids, count, items.long, items.limits, NGRAMS, work, tally, spans)
        _whole(room.ids, count, items.short, WHOLLY, work, tally, spans)
        if len(items.skeletons.grams.keys):
            known, left = len(spans), skeleton(data, begin, count, room, form)
            _long(form.ids, left, items.skeletons, items.loose, BONES, work, tally, spans)
            for k in range(known, len(spans)):
                item, first, last, how = spans[k]
                spans[k] = (item, form.places[first], form.places[last], how)
        if len(items.shapes.anchors.keys):
            known, left = len(spans), shape(data, begin, count, tables, room, form)
            _whole(form.ids, left, items.shapes, SHAPED, work, tally, spans)
            for k in range(known, len(spans)):
                item, first, last, how = spans[k]
                # what follows the last place up to the next are numbers in a row
                behind = form.places[last + 1] if last + 1 < left else count
                spans[k] = (item, form.places[first], behind - 1, how)
        if len(spans) > 1:
            spans.sort()
        for item, first, last, how in spans:
            tally.seen[item] = False
            rows.append((doc, item, room.starts[first], room.ends[last], how))
    out = np.empty((len(rows) - 1, 5), np.int64)
    for k in range(1, len(rows)):
        out[k - 1, 0], out[k - 1, 1], out[k - 1, 2], out[k - 1, 3], out[k - 1, 4] = rows[k]
    return out
