"""Who stays: canonical order, exact comparison, removal at the first kept document that verifies.

Belongs here: the order, the decision on a pair, the compiled loop over components. Does not belong
here: how candidates were found (bands.py, components.py), where texts come from (verification.py), where
verified pairs are kept (pairs.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from pipelines.kernels.compiled import Array, kernel

SOURCE_RANK = (
    "stem",
    "encyclopedia",
    "books",
    "academic",
    "code",
    "parallel",
    "social",
    "miscellany",
    "webpages",
)
QUALITY_RANK = ("head", "middle", "", "tail")
DATE_BYTES = 32  # ISO 8601 with fractions of a second and zone
KINDS = ("exact", "near", "containment")
EXACT, NEAR, CONTAINMENT = 0, 1, 2


@dataclass(frozen=True)
class Thresholds:
    """A document is removed at Jaccard similarity, or share of its shingles in the kept document,
    from these on."""

    jaccard: float = 0.7
    containment: float = 0.95


def _rank(values: pa.ChunkedArray, order: Sequence[str]) -> Array:
    ranks = {v: i for i, v in enumerate(order)}
    return np.array([ranks.get(v, len(order)) for v in values.to_pylist()], np.uint8)


def canonical_keys(table: pa.Table) -> Array:
    """Sort keys, the most canonical smallest, fixed-width bytes [n]: validation side, source rank,
    quality group, longer, earlier date, smaller id.

    `table` has side, category, quality, num_chars, date ("" comes last) and doc_id. A key is a
    function of its document alone, so documents of any dumps can be ordered wherever they meet.
    """
    size = table.num_rows
    keys = np.zeros((size, 3 + 4 + DATE_BYTES + 16), np.uint8)
    keys[:, 0] = np.array(table.column("side").to_pylist(), dtype=np.str_) != "validation"
    keys[:, 1] = _rank(table.column("category"), SOURCE_RANK)
    keys[:, 2] = _rank(table.column("quality"), QUALITY_RANK)
    lengths = 0xFFFFFFFF - table.column("num_chars").to_numpy().astype(np.int64)
    keys[:, 3:7] = lengths.astype(">u4").view(np.uint8).reshape(size, 4)
    dates = np.array(
        [(v or "\x7f").encode()[:DATE_BYTES] for v in table.column("date").to_pylist()], f"S{DATE_BYTES}"
    )
    keys[:, 7 : 7 + DATE_BYTES] = dates.view(np.uint8).reshape(size, DATE_BYTES)
    ids = b"".join(table.column("doc_id").to_pylist())
    keys[:, 7 + DATE_BYTES :] = np.frombuffer(ids, np.uint8).reshape(size, 16)
    return keys.view(f"S{keys.shape[1]}").reshape(size)


@kernel
def intersection(left: Array, right: Array) -> int:
    """Size of the intersection of two sorted sets of distinct uint64."""
    i, j, both = 0, 0, 0
    while i < len(left) and j < len(right):
        x, y = left[i], right[j]
        both += x == y
        i += x <= y
        j += y <= x
    return both


@kernel
def decide(both: int, removed: int, kept: int, jaccard: float, containment: float) -> tuple[int, float]:
    """(NEAR or CONTAINMENT, similarity) of a set of `removed` shingles that shares `both` with one
    of `kept`; (-1, 0.0) if neither."""
    if removed == 0 or kept == 0:
        return -1, 0.0
    similarity = both / (removed + kept - both)
    if similarity >= jaccard:
        return NEAR, similarity
    similarity = both / removed
    if similarity >= containment:
        return CONTAINMENT, similarity
    return -1, 0.0


@dataclass(frozen=True)
class Members:
    """Documents of whole components, by component and in canonical order within each.

    roots int64 [n]: the component, ascending. contents uint64 [n, 2]: content hashes; documents of
    equal content follow the first. keys uint64 [n, bands]. sizes int64 [n]: distinct shingles.
    shingles uint64, offsets int64 [n + 1]: the sorted sets; a set may be left out (offsets do not
    move), and then its pairs and its size must be known (-1: it is not).
    """

    roots: Array
    contents: Array
    keys: Array
    sizes: Array
    shingles: Array
    offsets: Array

    def __len__(self) -> int:
        return len(self.roots)


@dataclass(frozen=True)
class Pairs:
    """Compared documents: places `later` > `earlier` in Members, and how many shingles they share;
    int64 each."""

    later: Array
    earlier: Array
    both: Array

    @staticmethod
    def none() -> Pairs:
        return Pairs(*(np.zeros(0, np.int64) for _ in range(3)))


@dataclass(frozen=True)
class Elected:
    """kept int64 [n]: the place of the document that verified against it, -1 for one that stays.
    kind int8, similarity float64 [n]. compared: every pair that was looked at, known or not.
    unknown: components that a missing set left without a result."""

    kept: Array
    kind: Array
    similarity: Array
    compared: Pairs
    unknown: Array


@kernel
def _elect(
    roots: Array,
    leaders: Array,
    groups: Array,
    num_groups: int,
    sizes: Array,
    shingles: Array,
    offsets: Array,
    known: Array,
    known_both: Array,
    jaccard: float,
    containment: float,
) -> tuple[Array, Array, Array, Array, Array, Array, Array]:
    n, bands = groups.shape
    kept, kind, similarity = np.full(n, -1, np.int64), np.full(n, -1, np.int8), np.zeros(n)
    head, following = np.full(num_groups, -1, np.int64), np.full(n * bands, -1, np.int64)
    seen, rivals = np.full(n, -1, np.int64), np.empty(n, np.int64)
    later, earlier, shared = [0], [0], [0]
    unknown = [0]
    lost = -1
    for place in range(n):
        leader = leaders[place]
        if leader != place:  # a copy goes where the first of its content went
            kept[place] = kept[leader] if kept[leader] >= 0 else leader
            kind[place] = kind[leader] if kept[leader] >= 0 else EXACT
            similarity[place] = similarity[leader] if kept[leader] >= 0 else 1.0
            continue
        if roots[place] == lost:
            continue
        count = 0
        for band in range(bands):
            entry = head[groups[place, band]]
            while entry >= 0:
                rival = entry // bands
                if seen[rival] != place:
                    seen[rival] = place
                    rivals[count] = rival
                    count += 1
                entry = following[entry]
        rivals[:count].sort()
        for rival in rivals[:count]:
            if min(sizes[place], sizes[rival]) < 0:
                lost = roots[place]
                unknown.append(lost)
                break
            # no overlap can be larger than the smaller set
            if (
                decide(min(sizes[place], sizes[rival]), sizes[place], sizes[rival], jaccard, containment)[0]
                < 0
            ):
                continue
            pair = place * n + rival
            at = np.searchsorted(known, pair)
            if at < len(known) and known[at] == pair:
                both = known_both[at]
            else:
                left, right = (
                    shingles[offsets[place] : offsets[place + 1]],
                    shingles[offsets[rival] : offsets[rival + 1]],
                )
                if len(left) != sizes[place] or len(right) != sizes[rival]:
                    lost = roots[place]
                    unknown.append(lost)
                    break
                both = intersection(left, right)
            later.append(place)
            earlier.append(rival)
            shared.append(both)
            found, value = decide(both, sizes[place], sizes[rival], jaccard, containment)
            if found >= 0:
                kept[place], kind[place], similarity[place] = rival, found, value
                break
        if kept[place] < 0 and lost != roots[place]:
            for band in range(bands):
                entry = place * bands + band
                following[entry] = head[groups[place, band]]
                head[groups[place, band]] = entry
    return (
        kept,
        kind,
        similarity,
        np.array(later[1:]),
        np.array(earlier[1:]),
        np.array(shared[1:]),
        np.array(unknown[1:]),
    )


def elect(members: Members, thresholds: Thresholds, known: Pairs | None = None) -> Elected:
    """Removals among `members`; pairs in `known` are not compared again.

    Law: no two kept members that share a band key verify, and the result depends on the order of
    `members` alone.
    """
    known = known or Pairs.none()
    n = len(members)
    # documents of equal content are in one component, so the first place of a content leads
    both = members.contents.view([("a", np.uint64), ("b", np.uint64)]).reshape(n)
    _, first, inverse = np.unique(both, return_index=True, return_inverse=True)
    unique, groups = np.unique(members.keys, return_inverse=True)
    order = np.argsort(known.later * n + known.earlier)
    result = _elect(
        members.roots,
        first[inverse.reshape(-1)],
        groups.reshape(members.keys.shape),
        len(unique),
        members.sizes,
        members.shingles,
        members.offsets,
        (known.later * n + known.earlier)[order],
        known.both[order],
        thresholds.jaccard,
        thresholds.containment,
    )
    kept, kind, similarity, later, earlier, shared, unknown = result
    return Elected(kept, kind, similarity, Pairs(later, earlier, shared), unknown)
