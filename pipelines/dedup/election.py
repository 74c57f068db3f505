"""Who stays: canonical order, exact comparison, removal at the first kept document that verifies.

Belongs here: the order and the loop over one component. Does not belong here: how candidates were found (bands.py),
where text comes from (stage.py).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup.kernel import overlap

Array = np.ndarray[Any, Any]
SOURCE_RANK = ("stem", "encyclopedia", "books", "academic", "code", "parallel", "social", "miscellany", "webpages")
QUALITY_RANK = ("head", "middle", "", "tail")


@dataclass(frozen=True)
class Removed:
    """Evidence of one removal: document `row` went because of `kept`."""

    row: int
    kept: int
    kind: str  # exact, near or containment
    similarity: float


@dataclass(frozen=True)
class Thresholds:
    """A document is removed at Jaccard similarity, or share of its shingles in the kept document, from these on."""

    jaccard: float = 0.7
    containment: float = 0.95


def _rank(values: Sequence[str], order: Sequence[str]) -> Array:
    ranks = {v: i for i, v in enumerate(order)}
    return np.array([ranks.get(v, len(order)) for v in values], np.int64)


def canonical_order(table: pa.Table) -> Array:
    """Rows from the most canonical on: validation side, source rank, quality group, longer, earlier date, smaller id.

    `table` has side, category, quality, num_chars, date ("" comes last) and doc_id.
    """
    columns: dict[str, list[Any]] = {n: table.column(n).to_pylist() for n in ("side", "category", "quality", "date", "doc_id")}
    ids = np.array([int.from_bytes(v[:8], "big") for v in columns["doc_id"]], np.uint64)
    rest = np.array([int.from_bytes(v[8:], "big") for v in columns["doc_id"]], np.uint64)
    dates = np.array([v or "\uffff" for v in columns["date"]], dtype=np.str_)
    keys = [
        rest,
        ids,
        dates,
        -table.column("num_chars").to_numpy().astype(np.int64),
        _rank(columns["quality"], QUALITY_RANK),
        _rank(columns["category"], SOURCE_RANK),
        np.array([v != "validation" for v in columns["side"]], np.int64),
    ]
    return np.lexsort(keys)


def verify(removed: Array, kept: Array, thresholds: Thresholds) -> tuple[str, float] | None:
    """(kind, similarity) if the sorted shingle set `removed` duplicates `kept`, else None."""
    if not len(removed) or not len(kept):
        return None
    both = int(overlap(removed, kept))
    jaccard = both / (len(removed) + len(kept) - both)
    if jaccard >= thresholds.jaccard:
        return "near", jaccard
    contained = both / len(removed)
    return ("containment", contained) if contained >= thresholds.containment else None


def elect_exact(contents: Sequence[bytes], order: Sequence[int]) -> tuple[list[int], dict[int, int]]:
    """Rows of `order` whose content comes first, in order; and for each other row the one that comes first."""
    first: dict[bytes, int] = {}
    kept, copies = [], {}
    for row in order:
        leader = first.setdefault(contents[row], row)
        if leader == row:
            kept.append(row)
        else:
            copies[row] = leader
    return kept, copies


def elect(members: Sequence[int], keys: Callable[[int], Array], shingles: Callable[[int], Array], thresholds: Thresholds) -> list[Removed]:
    """Removals in one component. `members` in canonical order; `keys(row)` are its band keys, `shingles(row)` its set.

    Law: no two kept members that share a band key verify, and the result depends on the order of `members` alone.
    """
    buckets: dict[int, list[int]] = {}
    removals: list[Removed] = []
    for place, row in enumerate(members):
        own = keys(row).tolist()
        rivals = sorted({p for k in own for p in buckets.get(k, ())})
        for rival in rivals:
            if found := verify(shingles(row), shingles(members[rival]), thresholds):
                removals.append(Removed(row, members[rival], *found))
                break
        else:
            for k in own:
                buckets.setdefault(k, []).append(place)
    return removals
