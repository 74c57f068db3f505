"""Which items a text holds, by a plain reading of the definitions: no hashes, no arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from math import ceil

from pipelines.contamination.index import OverlapPolicy
from pipelines.contamination.matching import ANCHOR, script_converter
from tests.pipelines.kernels.test_normal_form import fold

Token = tuple[int, ...]


def tokens(text: str) -> list[tuple[Token, int, int, bool]]:
    """(folded characters, first byte, byte behind, stands alone) of each token."""
    convert = script_converter()
    found: list[tuple[list[int], int, int, bool]] = []
    previous, place = 0, 0
    for char in text:
        value, group = fold(char)
        group = 1 if group == 2 else group  # digits are letters
        if group == 3 and convert and value < 65536:
            simple = convert(chr(value))
            value = ord(simple) if len(simple) == 1 and ord(simple) < 65536 else value
        after = place + len(char.encode())
        if group and group != 3 and group == previous:
            found[-1] = [*found[-1][0], value], found[-1][1], after, False
        elif group:
            found.append(([value], place, after, group == 3))
        previous, place = group, after
    return [(tuple(values), start, end, alone) for values, start, end, alone in found]


def grams(ids: Sequence[Token], n: int) -> list[tuple[Token, ...]]:
    return [tuple(ids[k : k + n]) for k in range(len(ids) - n + 1)]


class PlainIndex:
    """As `Index`, with sets."""

    def __init__(self, texts: Sequence[str], policy: OverlapPolicy) -> None:
        self.policy, self.items = policy, {}
        self.whole = set()
        for k, text in enumerate(texts):
            found = tokens(text)
            ids = [t[0] for t in found]
            chinese = 2 * sum(t[3] for t in found) > len(found)
            if (
                len(ids) >= (policy.short_han if chinese else policy.short_words)
                and ids not in self.items.values()
            ):
                self.items[k] = ids
                if len(ids) < (policy.min_han if chinese else policy.min_words):
                    self.whole.add(k)
        self.own = {k: set(grams(ids, policy.ngram)) for k, ids in self.items.items() if k not in self.whole}
        counts = Counter(gram for own in self.own.values() for gram in own)
        self.own = {k: {g for g in own if counts[g] <= policy.common} for k, own in self.own.items()}
        self.whole |= {k for k, own in self.own.items() if len(own) < policy.min_hits}

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """(item, first byte, byte behind), by item."""
        found = tokens(text)
        ids = [t[0] for t in found]
        spans = {
            k: span
            for k in self.items
            if (span := self._long(k, ids) or (self._short(k, ids) if k in self.whole else None))
        }
        return [(k, found[first][1], found[last][2]) for k, (first, last) in spans.items()]

    def _long(self, k: int, ids: list[Token]) -> tuple[int, int] | None:
        policy, own = self.policy, self.own.get(k, set())
        here = grams(ids, policy.ngram)
        known = {g for grams_of_item in self.own.values() for g in grams_of_item}
        if sum(g in known for g in here) < min(policy.min_hits, max(1, len(here))):
            return None
        hits = [p for p, g in enumerate(here) if g in own]
        needed = max(min(policy.min_hits, len(own)), ceil(policy.containment * len(own)))
        best, span = 0, (0, 0)
        for end in hits:
            window = [p for p in hits if end - 2 * len(self.items[k]) <= p <= end]
            if len({here[p] for p in window}) > best:
                best, span = len({here[p] for p in window}), (window[0], end)
        if hits and best < needed and len(hits) >= policy.min_hits and len(hits) >= policy.inside * len(here):
            best, span = needed, (hits[0], hits[-1])
        return (span[0], span[1] + policy.ngram - 1) if hits and best >= needed else None

    def _short(self, k: int, ids: list[Token]) -> tuple[int, int] | None:
        item = self.items[k]
        for at in range(len(ids) - ANCHOR + 1):
            for wanted, begins in ((item[-ANCHOR:], False), (item[:ANCHOR], True)):
                if ids[at : at + ANCHOR] == wanted and (span := self._aligned(item, ids, at, begins)):
                    return span
        return None

    @staticmethod
    def _aligned(item: list[Token], ids: list[Token], at: int, begins: bool) -> tuple[int, int] | None:
        for size in (len(item), len(item) - 1, len(item) + 1):
            first = at if begins else at + ANCHOR - size
            part = ids[first : first + size] if first >= 0 else []
            if len(part) != size:
                continue
            if size == len(item):
                if sum(a != b for a, b in zip(part, item, strict=True)) <= len(item) // 10:
                    return first, first + size - 1
            elif len(item) >= 10:
                shorter, longer = sorted((part, item), key=len)
                if any(shorter == longer[:cut] + longer[cut + 1 :] for cut in range(len(longer))):
                    return first, first + size - 1
        return None
