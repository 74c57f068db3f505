"""N-grams of items, to find the items in texts.

Belongs here: tokens and their normal form, matching, spans of what was found. Does not belong here: reading item files (items.py), which
texts are looked at (overlap.py).

A token is a Han character or a run of letters or digits, after NFKC, case folding and traditional to simplified; so one n-gram of tokens
is words in English and characters in Chinese. N-grams that stand in many items (`the following statements is correct`) tell nothing and
are left out. An item is found where enough of its remaining n-grams lie within a window of a page, however long the page is; a short
item where it stands whole.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numba import njit
from pydantic import Field

from pipelines.items import Item
from pipelines.lake import digest
from pipelines.settings import Card

_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
TOKEN = re.compile(f"[{_HAN}]|[^\\W_{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_PRIME = 0x9E3779B97F4A7C15
Action = Literal["drop", "cut", "mark"]


class OverlapPolicy(Card):
    """What is an overlap, and what is done about it. The numbers are ours: with every tenth token edited, 5-grams keep at least half."""

    ngram: int = Field(default=5, ge=2)
    containment: float = Field(default=0.35, gt=0, le=1)  # share of an item's n-grams found within one window
    min_hits: int = Field(default=5, ge=1)  # nine words or characters in a row
    min_words: int = Field(default=14, ge=2)  # shorter items are looked for whole, with at most a tenth of their tokens edited
    min_han: int = Field(default=18, ge=2)
    short_words: int = Field(default=8, ge=8)  # still shorter items are not looked for and are counted
    short_han: int = Field(default=10, ge=8)
    common: int = Field(default=5, ge=1)  # an n-gram in more items than this is left out
    inside: float = Field(default=0.8, gt=0, le=1)  # a document of which this share lies in one item is found too
    benchmark: Action = "drop"
    leakage: Action = "drop"
    validation: Action = "drop"


def _simplified() -> Callable[[str], str] | None:
    try:
        import opencc
    except ImportError:
        return None
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


@lru_cache(maxsize=1 << 17)
def normal(token: str) -> str:
    """A token without width, case and script. Characters are converted one by one, so that byte offsets stay those of the text."""
    folded = unicodedata.normalize("NFKC", token).casefold()
    convert = script_converter()
    return convert(folded) if convert and _IS_HAN.search(folded) else folded


@lru_cache(maxsize=1)
def script_converter() -> Callable[[str], str] | None:
    return _simplified()


class _Vocabulary(dict[str, int]):
    """Number of a raw token: that of its normal form among the items' tokens, 0 where no item has it."""

    def __init__(self, known: dict[str, int]) -> None:
        super().__init__()
        self.known = known

    def __missing__(self, token: str) -> int:
        if len(self) > 1_000_000:  # bounds the memory of a long task
            self.clear()
        number = self[token] = self.known.get(normal(token), 0)
        return number


def _grams(ids: np.ndarray, n: int) -> np.ndarray:
    """Hash of each n-gram, uint64 [max(0, len - n + 1)]; 0 where a token is unknown."""
    count = len(ids) - n + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    out = np.zeros(count, np.uint64)
    known = np.ones(count, bool)
    for k in range(n):
        window = ids[k : k + count]
        out = (out ^ window) * np.uint64(_PRIME)
        out ^= out >> np.uint64(29)
        known &= window > 0
    return np.where(known, np.maximum(out, np.uint64(1)), np.uint64(0))


ANCHOR = 4  # tokens at either end of a short item: one edit cannot hit both


@njit(cache=True)
def _aligned(ids, at, from_start, item):  # type: ignore[no-untyped-def]
    """(first, last) token of `item` in `ids`, or (-1, -1). `at`: where its first (`from_start`) or last ANCHOR tokens begin.

    Up to a tenth of the tokens may be replaced; of a short item that is one at most, which may then also be missing or one more.
    """
    length, size = len(item), len(ids)
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


class ShortItems:
    """Items too short for a share of n-grams to tell anything: found whole, by the tokens at their two ends."""

    def __init__(self) -> None:
        self._ids: dict[int, np.ndarray] = {}
        self._anchors: list[tuple[int, int, bool]] = []
        self.anchors = np.zeros(0, np.uint64)

    @property
    def items(self) -> set[int]:
        return set(self._ids)

    def add(self, item: int, ids: np.ndarray) -> None:
        grams = _grams(ids, ANCHOR)
        self._ids[item] = ids
        self._anchors += [(int(grams[0]), item, True), (int(grams[-1]), item, False)]

    def seal(self) -> None:
        """Sort what was added; nothing is added after that."""
        self._anchors.sort()
        self.anchors = np.array([a for a, _, _ in self._anchors], np.uint64)

    def find(self, ids: np.ndarray) -> dict[int, tuple[int, int]]:
        """First and last token of each short item in a text of these token numbers."""
        if not len(self.anchors):
            return {}
        grams = _grams(ids, ANCHOR)
        first, last = np.searchsorted(self.anchors, grams, "left"), np.searchsorted(self.anchors, grams, "right")
        spans: dict[int, tuple[int, int]] = {}
        for position in np.flatnonzero(last > first).tolist():
            for _, item, from_start in self._anchors[first[position] : last[position]]:
                if item not in spans:
                    start, end = _aligned(ids, position, from_start, self._ids[item])
                    if start >= 0:
                        spans[item] = (start, end)
        return spans


@dataclass(frozen=True)
class Match:
    """One item found in one text; offsets in UTF-8 bytes."""

    item: Item
    start: int
    end: int


class Index:
    """N-grams of all items, to look documents up in. Picklable; holds about 16 bytes for each n-gram of an item."""

    def __init__(self, items: Sequence[Item], policy: OverlapPolicy) -> None:
        self.policy = policy
        known: dict[str, int] = {}
        seen: set[str] = set()
        self.items: list[Item] = []
        self.tokens: list[int] = []
        self.skipped = 0  # items too short to be told from other text
        self.short = ShortItems()
        rows: list[np.ndarray] = []
        numbers: list[np.ndarray] = []
        for item in items:
            tokens = [normal(t) for t in TOKEN.findall(item.text)]
            han = sum(1 for t in tokens if _IS_HAN.match(t))
            key = digest(*tokens)
            chinese = 2 * han > len(tokens)
            if len(tokens) < (policy.short_han if chinese else policy.short_words):
                self.skipped += 1
                continue
            if key in seen:
                continue
            seen.add(key)
            ids = np.fromiter((known.setdefault(t, len(known) + 1) for t in tokens), np.uint64, len(tokens))
            is_short = len(tokens) < (policy.min_han if chinese else policy.min_words)
            if is_short:
                self.short.add(len(self.items), ids)
            numbers.append(ids)
            rows.append(np.zeros(0, np.uint64) if is_short else np.unique(_grams(ids, policy.ngram)))
            self.items.append(item)
            self.tokens.append(len(tokens))
        self.known = known
        grams = np.concatenate(rows) if rows else np.zeros(0, np.uint64)
        owner = np.repeat(np.arange(len(rows)), [len(r) for r in rows]) if rows else np.zeros(0, np.int64)
        _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rare = counts[inverse] <= policy.common
        grams, owner = grams[rare], owner[rare]
        order = np.argsort(grams, kind="stable")
        self.grams, self.owner = grams[order], owner[order]
        self.sizes = np.bincount(owner, minlength=len(rows))
        for k in np.flatnonzero((self.sizes < policy.min_hits) & [len(r) > 0 for r in rows]).tolist():
            self.short.add(k, numbers[k])  # one of many variants of an item: too little of it is its own
        self.short.seal()
        self._vocabulary: _Vocabulary | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_vocabulary": None}

    def find(self, text: str) -> list[Match]:
        """The items that `text` holds, in the items' order."""
        if self._vocabulary is None:
            self._vocabulary = _Vocabulary(self.known)
        tokens = list(TOKEN.finditer(text))
        ids = np.fromiter(map(self._vocabulary.__getitem__, [m[0] for m in tokens]), np.uint64, len(tokens))
        spans = self.short.find(ids)
        spans |= self._long(_grams(ids, self.policy.ngram))
        found = []
        for item in sorted(spans):
            first, last = spans[item]
            start, end = tokens[first].start(), tokens[last].end()
            before = len(text[:start].encode())
            found.append(Match(self.items[item], before, before + len(text[start:end].encode())))
        return found

    def _long(self, grams: np.ndarray) -> dict[int, tuple[int, int]]:
        """First and last token of each item of which enough n-grams lie within a window."""
        first, last = np.searchsorted(self.grams, grams, "left"), np.searchsorted(self.grams, grams, "right")
        hit = np.flatnonzero(last > first)
        if len(hit) < min(self.policy.min_hits, max(1, len(grams))):
            return {}
        hits: dict[int, list[tuple[int, int]]] = {}
        for position in hit.tolist():
            for k in range(first[position], last[position]):
                hits.setdefault(int(self.owner[k]), []).append((position, int(self.grams[k])))
        spans = {item: span for item in hits if (span := self._window(item, hits[item], len(grams)))}
        return {item: (start, end + self.policy.ngram - 1) for item, (start, end) in spans.items()}

    def _window(self, item: int, hits: list[tuple[int, int]], length: int) -> tuple[int, int] | None:
        """First and last position of the n-grams of `item` where they lie dense enough, or None."""
        policy = self.policy
        needed = max(min(policy.min_hits, int(self.sizes[item])), int(np.ceil(policy.containment * self.sizes[item])))
        width = 2 * self.tokens[item]
        inside: dict[int, int] = {}
        best, span, left = 0, (0, 0), 0
        for position, gram in hits:
            inside[gram] = inside.get(gram, 0) + 1
            while position - hits[left][0] > width:
                inside[hits[left][1]] -= 1
                if not inside[hits[left][1]]:
                    del inside[hits[left][1]]
                left += 1
            if len(inside) > best:
                best, span = len(inside), (hits[left][0], position)
        if best >= needed:
            return span
        distinct = len({p for p, _ in hits})
        if distinct >= policy.min_hits and distinct >= policy.inside * length:
            return hits[0][0], hits[-1][0]
        return None
