"""Shingles and the election by a plain reading of their definitions: Python sets and loops.

Belongs here: what shingles.py and election.py must equal. Does not belong here: anything that a
stage calls.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from pipelines.dedup.election import Thresholds
from pipelines.dedup.shingles import NGRAM
from pipelines.kernels.hashing64 import STEP
from pipelines.kernels.reference import WORD, avalanche, token_hash, tokens


class Document(NamedTuple):
    """A document of one component: its distinct shingles and its band keys."""

    shingles: frozenset[int]
    keys: frozenset[int]


class Outcome(NamedTuple):
    """Place of the document that stays instead (-1: this one stays), kind of the pair, similarity."""

    kept: int
    kind: str
    similarity: float


STAYS = Outcome(-1, "", 0.0)


def shingle_hashes(text: str) -> list[int]:
    """64-bit hashes of the shingles of a text, in order: five tokens each, or all where they are
    fewer."""
    numbers = [token_hash(token.text) for token in tokens(text)]
    size = min(NGRAM, len(numbers))
    found = []
    for i in range(len(numbers) - size + 1 if size else 0):
        rolling = 0
        for number in numbers[i : i + size]:
            rolling = rolling * int(STEP) + number & WORD
        found.append(avalanche(rolling))
    return found


def elect(documents: Sequence[Document], thresholds: Thresholds) -> list[Outcome]:
    """What becomes of each document of one component, in canonical order.

    A copy (equal shingles) goes where the first of its content went. Any other is compared with
    those that stay and share a key, in order, and is removed for the first that it verifies
    against.
    """
    found: list[Outcome] = []
    for place, document in enumerate(documents):
        copies = [p for p in range(place) if documents[p].shingles == document.shingles]
        if copies:
            first = copies[0]
            found.append(found[first] if found[first].kept >= 0 else Outcome(first, "exact", 1.0))
            continue
        outcome = STAYS
        for rival in range(place):
            if found[rival].kept < 0 and documents[rival].keys & document.keys and outcome.kept < 0:
                outcome = compare(rival, document.shingles, documents[rival].shingles, thresholds)
        found.append(outcome)
    return found


def compare(rival: int, own: frozenset[int], kept: frozenset[int], thresholds: Thresholds) -> Outcome:
    """What a document of shingles `own` becomes beside the one at `rival`, of shingles `kept`."""
    if own and kept:
        both = len(own & kept)
        if both / len(own | kept) >= thresholds.jaccard:
            return Outcome(rival, "near", both / len(own | kept))
        if both / len(own) >= thresholds.containment:
            return Outcome(rival, "containment", both / len(own))
    return STAYS
