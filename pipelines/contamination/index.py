"""N-grams of benchmark items, to find the items in texts.

Belongs here: which n-grams tell an item from other text, spans of what was found. Does not belong
here: the loops over texts (matching.py), reading item files (benchmark_items.py), which texts are
looked at (contamination.py).

A token is a character that stands alone (Han, kana) or a run of letters and digits, without width,
case and script; so one n-gram of tokens is words in English and characters in Chinese. N-grams that
stand in many items (`the following statements is correct`) tell nothing and are left out. An item
is found where enough of its remaining n-grams lie within a window of a page, however long the page
is; a short item where it stands whole. With other numbers and names an item is found by its skeleton:
the tokens that are no number, no word with a capital and no letter alone, in their order.
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
from pipelines.contamination.matching import (
    ANCHOR,
    FEWEST,
    NEVER,
    Limits,
    LongItems,
    Lookup,
    ShortItems,
    grams_of,
    item_fold_table,
    lookup,
    search,
    skeletons_of,
    tokens_of,
)
from pipelines.kernels.compiled import Array
from pipelines.kernels.utf8 import text_buffers


@dataclass(frozen=True)
class Match:
    """One item found in one text; offsets in UTF-8 bytes."""

    item: BenchmarkItem
    start: int
    end: int


class Index:
    """N-grams of all items, to look documents up in. Picklable; holds about 24 bytes for each
    n-gram of an item.

    items: those that are looked for, each text once. short: the numbers of those that are looked
    for whole. skipped: how many are too short to be told from other text.
    """

    def __init__(self, items: Sequence[BenchmarkItem], policy: ContaminationPolicy) -> None:
        self.policy = policy
        data, ends = text_buffers(pa.array([item.text for item in items], pa.large_string()))
        flat, bounds, characters = tokens_of(data, ends, item_fold_table())
        lengths = np.diff(bounds)
        chinese = 2 * characters > lengths
        enough = lengths >= np.where(chinese, policy.short_han, policy.short_words)
        self.skipped = int(np.sum(~enough))
        first: dict[bytes, int] = {}  # items of equal tokens are one item
        for k in np.flatnonzero(enough).tolist():
            first.setdefault(flat[bounds[k] : bounds[k + 1]].tobytes(), k)
        chosen = np.fromiter(first.values(), np.int64, len(first))
        self.items = [items[k] for k in chosen.tolist()]
        self._lengths = lengths[chosen]
        self._flat = np.concatenate(
            [np.zeros(0, np.uint64), *(flat[bounds[k] : bounds[k + 1]] for k in chosen.tolist())]
        )
        self._bounds = np.r_[0, np.cumsum(self._lengths)]
        whole = self._lengths < np.where(chinese[chosen], policy.min_han, policy.min_words)

        own = [
            np.unique(grams_of(self._tokens(k), policy.ngram)) if not whole[k] else np.zeros(0, np.uint64)
            for k in range(len(chosen))
        ]
        grams, owners = (
            np.concatenate([np.zeros(0, np.uint64), *own]),
            np.repeat(np.arange(len(own)), [len(g) for g in own]),
        )
        _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rare = counts[inverse] <= policy.common
        grams, owners = grams[rare], owners[rare]
        order = np.argsort(grams, kind="stable")
        self._grams, self._owners = grams[order], owners[order]
        self._sizes = np.bincount(owners, minlength=len(own))
        # the others are variants of one item, too little of each is its own
        self.short = np.flatnonzero(whole | (self._sizes < policy.min_hits))
        self._bones = self._skeletons(items, chosen, policy)
        anchors = [(grams_of(self._tokens(k), ANCHOR)[[0, -1]], k) for k in self.short.tolist()]
        rows = sorted((int(gram), k, place == 0) for pair, k in anchors for place, gram in enumerate(pair))
        self._anchors = np.array([row[0] for row in rows], np.uint64)
        self._anchor_items, self._at_start = (
            np.array([row[1] for row in rows], np.int64),
            np.array([row[2] for row in rows], np.bool_),
        )

    def _skeletons(
        self, items: Sequence[BenchmarkItem], chosen: Array, policy: ContaminationPolicy
    ) -> tuple[Array, Array, Array, Array]:
        """(n-grams of the skeletons, sorted; the item of each; n-grams and tokens of each item's
        skeleton), of the items with a number that are no validation documents."""
        texts = pa.array([items[k].text for k in chosen.tolist()], pa.large_string())
        flat, bounds, numbers = skeletons_of(*text_buffers(texts), item_fold_table())
        lengths = np.diff(bounds)
        benchmark = np.array([item.kind != "validation" for item in self.items], bool)
        wanted = np.flatnonzero(numbers & benchmark)
        own = [np.unique(grams_of(flat[bounds[k] : bounds[k + 1]], policy.skeleton_ngram)) for k in wanted]
        grams = np.concatenate([np.zeros(0, np.uint64), *own])
        owners = np.repeat(wanted, [len(g) for g in own]).astype(np.int64)
        _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rare = counts[inverse] <= policy.skeleton_common
        sizes = np.bincount(owners[rare], minlength=len(self.items))
        rare &= sizes[owners] >= FEWEST
        grams, owners = grams[rare], owners[rare]
        order = np.argsort(grams, kind="stable")
        sizes = np.bincount(owners, minlength=len(self.items))
        return grams[order], owners[order], sizes, lengths

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "_lookups"}

    @cached_property
    def _lookups(self) -> tuple[Lookup, Lookup, Lookup]:
        return lookup(self._anchors), lookup(self._grams), lookup(self._bones[0])

    def _tokens(self, k: int) -> Array:
        found: Array = self._flat[self._bounds[k] : self._bounds[k + 1]]
        return found

    def find_all(self, texts: pa.Array | pa.ChunkedArray) -> list[tuple[int, Match]]:
        """(row, match) of every item that a text holds, by row and in the items' order."""
        data, offsets = text_buffers(texts)
        policy = self.policy
        anchors, grams, bones = self._lookups
        short = ShortItems(anchors, self._anchor_items, self._at_start, self._flat, self._bounds)
        long = LongItems(grams, self._owners, self._sizes, self._lengths)
        limits = Limits(policy.ngram, policy.min_hits, policy.min_hits, policy.containment, policy.inside)
        skeletons = LongItems(bones, *self._bones[1:])
        loose = Limits(
            policy.skeleton_ngram,
            policy.skeleton_hits,
            FEWEST,
            policy.skeleton_containment,
            NEVER,
        )
        found = search(data, offsets, item_fold_table(), short, long, limits, skeletons, loose)
        return [(row, Match(self.items[item], start, end)) for row, item, start, end in found.tolist()]

    def find(self, text: str) -> list[Match]:
        """The items that `text` holds, in the items' order."""
        return [match for _, match in self.find_all(pa.array([text]))]
