"""N-grams of benchmark items, to find the items in texts.

Belongs here: which n-grams tell an item from other text, spans of what was found. Does not belong
here: the loops over texts (matching.py), reading item files (benchmark_items.py), which texts are
looked at (contamination.py).

A token is a character that stands alone (Han, kana) or a run of letters and digits, without width,
case and script; so one n-gram of tokens is words in English and characters in Chinese. N-grams that
stand in many items (`the following statements is correct`) tell nothing and are left out. An item
is found where enough of its remaining n-grams lie within a window of a page, however long the page
is; a short item where it stands whole. With other numbers and names an item is found by its skeleton:
the tokens that are no number, no word with a capital, no letter alone and no command of TeX, in their
order. What is mostly a formula has no skeleton; its shape, all tokens with the numbers as `0`, is
looked for whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.benchmark_items import BenchmarkItem
from pipelines.contamination.forms import SHAPE, SKELETON, WHOLE, forms_of, tables
from pipelines.contamination.matching import (
    ANCHOR,
    FORMS,
    NEVER,
    Limits,
    LongItems,
    Searched,
    WholeItems,
    grams_of,
    lookup,
    search,
)
from pipelines.kernels.compiled import Array
from pipelines.kernels.utf8 import text_buffers

NOT_TOLD = "0 a b c d e"  # tokens of shapes that tell nothing: numbers, and letters that name options


@dataclass(frozen=True)
class Match:
    """One item found in one text; offsets in UTF-8 bytes. number: the item's in the index; form: one
    of matching.FORMS."""

    item: BenchmarkItem
    start: int
    end: int
    number: int
    form: str


class Sequences:
    """The tokens of the items in one form. flat uint64: one item after the other; bounds int64
    [items + 1]."""

    def __init__(self, flat: Array, bounds: Array, chosen: Array) -> None:
        """Those of `chosen`, by number, in that order."""
        self.lengths = np.diff(bounds)[chosen]
        self.flat = np.concatenate(
            [np.zeros(0, np.uint64), *(flat[bounds[k] : bounds[k + 1]] for k in chosen.tolist())]
        )
        self.bounds = np.r_[0, np.cumsum(self.lengths)]

    def __getitem__(self, k: int) -> Array:
        found: Array = self.flat[self.bounds[k] : self.bounds[k + 1]]
        return found

    def whole(self, chosen: Sequence[int]) -> WholeItems:
        """The items of these numbers, to be looked for whole."""
        anchors = [(grams_of(self[k], ANCHOR)[[0, -1]], k) for k in chosen]
        rows = sorted((int(gram), k, place == 0) for pair, k in anchors for place, gram in enumerate(pair))
        grams = np.array([row[0] for row in rows], np.uint64)
        owners = np.array([row[1] for row in rows], np.int32)
        at_start = np.array([row[2] for row in rows], np.bool_)
        return WholeItems(lookup(grams, owners), at_start, self.flat, self.bounds)

    def firsts(self, chosen: Array) -> Array:
        """Those of `chosen` that no earlier one of them equals."""
        first: dict[bytes, int] = {}
        for k in chosen.tolist():
            first.setdefault(self[k].tobytes(), k)
        return np.fromiter(first.values(), np.int64, len(first))


class Grams:
    """N-grams of the items in one form, without those that stand in more than `common` of them.
    grams uint64, sorted, and the item of each; sizes: how many each item has."""

    def __init__(self, items: Sequences, chosen: Array, ngram: int, common: int, fewest: Array) -> None:
        """Of the items `chosen`, but for those that have less than `fewest` (of each item) of their
        own."""
        own = [np.unique(grams_of(items[k], ngram)) for k in chosen.tolist()]
        grams = np.concatenate([np.zeros(0, np.uint64), *own])
        owners = np.repeat(chosen, [len(g) for g in own]).astype(np.int32)
        _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rare = counts[inverse] <= common
        rare &= np.bincount(owners[rare], minlength=len(items.lengths))[owners] >= fewest[owners]
        grams, owners = grams[rare], owners[rare]
        order = np.argsort(grams, kind="stable")
        self.grams, self.owners = grams[order], owners[order]
        self.sizes = np.bincount(owners, minlength=len(items.lengths))
        self.num_tokens = items.lengths
        self.ngram = ngram

    @cached_property
    def _by_item(self) -> Array:
        return np.argsort(self.owners, kind="stable")

    def of_item(self, k: int) -> Array:
        """The n-grams of item `k`, sorted."""
        low, high = np.searchsorted(self.owners, [k, k + 1], sorter=self._by_item)
        found: Array = self.grams[self._by_item[low:high]]
        return found

    def long(self, min_score: int | Array, containment: float | Array, places: int) -> LongItems:
        """The items to be found by such a score (see matching.Limits.places), as many as they have
        n-grams where those are fewer, and by such a share of their n-grams (one number, or one for each
        item)."""
        score = np.minimum(min_score, self.sizes)
        needed = np.maximum(_fewest(score, places), np.ceil(containment * self.sizes).astype(np.int64))
        return LongItems(lookup(self.grams, self.owners), needed, score, self.num_tokens)


def _fewest(score: Any, places: int) -> Any:
    """The fewest n-grams that have such a score: each in a place of its own."""
    return (score + 2 * places) // (1 + places)


class Index:
    """N-grams of all items, to look documents up in. Picklable; holds about 24 bytes for each
    n-gram of an item.

    items: those that are looked for, each text once. short: the numbers of those that are looked
    for whole; shaped: of those whose shape is. skipped: how many are too short to be told from other
    text.
    """

    def __init__(self, items: Sequence[BenchmarkItem], policy: ContaminationPolicy) -> None:
        self.policy = policy
        data, ends = text_buffers(pa.array([item.text for item in items], pa.large_string()))
        flat, bounds, alone, numbers = forms_of(data, ends, tables(), WHOLE)
        lengths = np.diff(bounds)
        chinese = 2 * alone > lengths
        fewest = np.where(chinese, policy.short_han, policy.short_words)
        enough = lengths >= fewest
        self.skipped = int(np.sum(~enough))
        # items of equal tokens are one item
        chosen = Sequences(flat, bounds, np.arange(len(items))).firsts(np.flatnonzero(enough))
        self.items = [items[k] for k in chosen.tolist()]
        self._whole = Sequences(flat, bounds, chosen)
        whole = lengths[chosen] < np.where(chinese[chosen], policy.min_han, policy.min_words)
        some = np.ones(len(chosen), np.int64)
        self._grams = Grams(self._whole, np.flatnonzero(~whole), policy.ngram, policy.common, some)
        # the others are variants of one item, too little of each is its own
        self.short = np.flatnonzero(whole | (self._grams.sizes < policy.min_hits))

        benchmark = np.array([item.kind != "validation" for item in self.items], bool)
        numbered = np.flatnonzero(numbers[chosen] & benchmark)
        flat, bounds, alone, _ = forms_of(data, ends, tables(), SKELETON)
        bones = Sequences(flat, bounds, chosen)
        self._chinese = 2 * alone[chosen] > bones.lengths  # whatever its formulas are
        self._scores = np.where(self._chinese, policy.skeleton_score_han, policy.skeleton_score)
        self._bones = Grams(bones, numbered, policy.skeleton_ngram, policy.skeleton_common, self._scores)
        # a formula has no skeleton
        self._shapes = Sequences(*forms_of(data, ends, tables(), SHAPE)[:2], chosen)
        plain = forms_of(*text_buffers(pa.array([NOT_TOLD])), tables(), SHAPE)[0]
        distinct = np.array([len(np.setdiff1d(self._shapes[k], plain)) for k in numbered.tolist()], np.int64)
        told = (self._shapes.lengths[numbered] >= policy.shape_tokens) & (distinct >= policy.shape_distinct)
        self.shaped = self._shapes.firsts(numbered[told])

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_searched"}

    @cached_property
    def _searched(self) -> Searched:
        policy = self.policy
        return Searched(
            self._whole.whole(self.short.tolist()),
            self._grams.long(policy.min_hits, policy.containment, 0),
            Limits(policy.ngram, policy.min_hits, policy.min_hits, policy.inside, 0),
            self._bones.long(
                self._scores,
                np.where(self._chinese, policy.skeleton_containment_han, policy.skeleton_containment),
                1,
            ),
            Limits(
                policy.skeleton_ngram,
                _fewest(min(policy.skeleton_score, policy.skeleton_score_han), 1),
                policy.skeleton_score,
                NEVER,
                1,
            ),
            self._shapes.whole(self.shaped.tolist()),
        )

    def find_all(self, texts: pa.Array | pa.ChunkedArray) -> list[tuple[int, Match]]:
        """(row, match) of every item that a text holds, by row and in the items' order."""
        found = search(*text_buffers(texts), tables(), self._searched)
        return [
            (row, Match(self.items[item], start, end, item, FORMS[form]))
            for row, item, start, end, form in found.tolist()
        ]

    def find(self, text: str) -> list[Match]:
        """The items that `text` holds, in the items' order."""
        return [match for _, match in self.find_all(pa.array([text]))]

    def grams_found(self, match: Match, text: str) -> tuple[Array, int]:
        """(which n-grams of the item stand in the match, sorted uint64; how many the item has). None of
        an item that was found whole or by its shape."""
        if match.form not in ("n-grams", "skeleton"):
            return np.zeros(0, np.uint64), 0
        kept, form = (self._grams, WHOLE) if match.form == "n-grams" else (self._bones, SKELETON)
        span = text.encode()[match.start : match.end].decode()
        ids = forms_of(*text_buffers(pa.array([span])), tables(), form)[0]
        own = kept.of_item(match.number)
        return np.intersect1d(grams_of(ids, kept.ngram), own), len(own)
