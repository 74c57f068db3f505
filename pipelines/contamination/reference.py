"""Which benchmark items a text holds, by a plain reading of the definitions: no hashes, no arrays.

Belongs here: what index.py, forms.py and matching.py must equal. Does not belong here: anything that a stage
calls.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from math import ceil
from typing import NamedTuple

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.forms import SHORTEST, script_converter
from pipelines.contamination.index import NOT_TOLD
from pipelines.contamination.matching import ANCHOR, NEVER
from pipelines.kernels.normal_form import ALONE, DIGIT, LETTER, SEPARATOR
from pipelines.kernels.reference import Token, fold


def tokens(text: str) -> list[Token]:
    """Tokens as items are compared by: as kernels.reference.tokens, with digits as letters and
    simplified characters for traditional ones."""
    convert = script_converter()
    found: list[Token] = []
    previous, at = SEPARATOR, 0
    for char in text:
        value, group = fold(char)
        group = LETTER if group == DIGIT else group
        if group == ALONE and convert and value < 65536:
            simple = convert(chr(value))
            value = ord(simple) if len(simple) == 1 and ord(simple) < 65536 else value
        end = at + len(char.encode())
        if group == LETTER and group == previous:
            found[-1] = found[-1]._replace(text=found[-1].text + chr(value), end=end)
        elif group != SEPARATOR:
            found.append(Token(chr(value), group, at, end))
        previous, at = group, end
    return found


def grams(ids: Sequence[str], n: int) -> list[tuple[str, ...]]:
    """The n-grams of tokens, in order."""
    return [tuple(ids[k : k + n]) for k in range(len(ids) - n + 1)]


def skeleton(text: str, found: Sequence[Token]) -> list[Token]:
    """The tokens that are no number, no word with a capital, no letter alone and no command of TeX or
    first word of its braces."""
    data = text.encode()
    kept = []
    command: Token | None = None
    for token in found:
        first = data[token.start : token.start + 1]
        before = data[max(token.start - 1, 0) : token.start]
        argument = command and before == b"{" and token.start == command.end + 1
        command = token if before == b"\\" else None
        small = b"a" <= first <= b"z" and token.end - token.start >= SHORTEST
        if first >= b"\x80" or (small and not command and not argument):
            kept.append(token)
    return kept


def shape(found: Sequence[Token]) -> list[Token]:
    """The tokens with `0` for each run of digits, and numbers in a row as one."""
    kept: list[Token] = []
    for token in found:
        text = re.sub("[0-9]+", "0", token.text)
        if text == "0" and kept and kept[-1].text == "0":
            kept[-1] = kept[-1]._replace(end=token.end)
        else:
            kept.append(token._replace(text=text))
    return kept


def has_number(text: str, found: Sequence[Token]) -> bool:
    """Whether a token begins with an ASCII digit."""
    data = text.encode()
    return any(b"0" <= data[token.start : token.start + 1] <= b"9" for token in found)


class Rule(NamedTuple):
    """When enough n-grams of an item lie within a window: see matching.Limits."""

    ngram: int
    min_hits: int
    fewest: int
    containment: float
    inside: float
    places: int


class PlainIndex:
    """As index.Index, with sets.

    items: tokens of each item that is looked for, by its number in `texts`. whole: those of which
    they are looked for whole; shapes: shapes of those of which the shape is.
    """

    def __init__(self, texts: Sequence[str], policy: ContaminationPolicy) -> None:
        self.policy = policy
        self.items: dict[int, list[str]] = {}
        self.whole: set[int] = set()
        for k, text in enumerate(texts):
            found = tokens(text)
            ids = [t.text for t in found]
            chinese = 2 * sum(t.group == ALONE for t in found) > len(found)
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
        self.rule = Rule(policy.ngram, policy.min_hits, policy.min_hits, policy.containment, policy.inside, 0)
        self.lengths = {k: len(ids) for k, ids in self.items.items()}

        scores = {True: policy.skeleton_score_han, False: policy.skeleton_score}
        shares = {True: policy.skeleton_containment_han, False: policy.skeleton_containment}
        self.loose = {
            han: Rule(
                policy.skeleton_ngram, scores[han], min(scores.values()) // 2 + 1, shares[han], NEVER, 1
            )
            for han in (True, False)
        }
        bones = {k: skeleton(texts[k], tokens(texts[k])) for k in self.items}
        self.bone_lengths = {k: len(found) for k, found in bones.items()}
        self.chinese = {
            k for k, found in bones.items() if 2 * sum(t.group == ALONE for t in found) > len(found)
        }
        numbered = [k for k in self.items if has_number(texts[k], tokens(texts[k]))]
        all_own = {k: set(grams([t.text for t in bones[k]], policy.skeleton_ngram)) for k in numbered}
        counts = Counter(gram for own in all_own.values() for gram in own)
        rare = {k: {g for g in own if counts[g] <= policy.skeleton_common} for k, own in all_own.items()}
        self.bones = {k: own for k, own in rare.items() if len(own) >= scores[k in self.chinese]}
        self.shapes: dict[int, list[str]] = {}
        for k in numbered:
            form = [t.text for t in shape(tokens(texts[k]))]
            told = len(set(form) - set(NOT_TOLD.split())) >= policy.shape_distinct
            if len(form) >= policy.shape_tokens and told and form not in self.shapes.values():
                self.shapes[k] = form

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """(item, first byte, byte behind), by item."""
        found = tokens(text)
        ids = [t.text for t in found]
        left = skeleton(text, found)
        left_ids = [t.text for t in left]
        shaped = shape(found)
        shape_ids = [t.text for t in shaped]
        matches = []
        for k in self.items:
            span = _within(k, self.own, self.lengths[k], ids, self.rule)
            span = span or (_whole(self.items[k], ids) if k in self.whole else None)
            if span:
                matches.append((k, found[span[0]].start, found[span[1]].end))
            elif span := _within(
                k, self.bones, self.bone_lengths[k], left_ids, self.loose[k in self.chinese]
            ):
                matches.append((k, left[span[0]].start, left[span[1]].end))
            elif k in self.shapes and (span := _whole(self.shapes[k], shape_ids)):
                matches.append((k, shaped[span[0]].start, shaped[span[1]].end))
        return matches


def _whole(item: list[str], ids: list[str]) -> tuple[int, int] | None:
    """(first, last) token of the first place where `item` stands in `ids`, or None."""
    for at in range(len(ids) - ANCHOR + 1):
        for wanted, begins in ((item[-ANCHOR:], False), (item[:ANCHOR], True)):
            if ids[at : at + ANCHOR] == wanted and (span := _aligned(item, ids, at, begins)):
                return span
    return None


def _aligned(item: list[str], ids: list[str], at: int, begins: bool) -> tuple[int, int] | None:
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


def _within(
    k: int, every: dict[int, set[tuple[str, ...]]], length: int, ids: list[str], rule: Rule
) -> tuple[int, int] | None:
    """(first, last) token of item `k` in `ids`, or None."""
    own, here = every.get(k, set()), grams(ids, rule.ngram)
    known = {g for grams_of_item in every.values() for g in grams_of_item}
    if sum(g in known for g in here) < min(rule.fewest, max(1, len(here))):
        return None
    hits = [p for p, g in enumerate(here) if g in own]
    needed = ceil(rule.containment * len(own))
    best: list[int] = []
    for end in hits:
        window = [p for p in hits if end - 2 * length <= p <= end]
        if len({here[p] for p in window}) > len({here[p] for p in best}):
            best = window
    if not hits:
        return None
    found = sorted({here[p]: p for p in reversed(best)}.values())  # each n-gram where it is first
    places = sum(p - 1 not in found for p in found)
    score = len(found) + rule.places * (places - 1)
    if len(found) >= needed and score >= min(rule.min_hits, len(own)):
        return best[0], best[-1] + rule.ngram - 1
    if len(hits) >= rule.min_hits and len(hits) >= rule.inside * len(here):
        return hits[0], hits[-1] + rule.ngram - 1
    return None
