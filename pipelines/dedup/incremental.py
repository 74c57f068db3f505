"""The clusters of a release from those of an earlier one: only what new, changed or excluded
documents touch is looked at.

Belongs here: what an election leaves for the next one, and how the next one uses it. Does not
belong here: an election from nothing (candidates.py, verification.py), what is published for
readers (duplicates.py).

Earlier clusters are a help and no input: with them or without them the duplicates are equal. Components
may be coarser than they need be (a document that bound two halves may have been excluded); the law of the
election holds for any union of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.release import ReleaseCard
from pipelines.dedup import bands, components, verification
from pipelines.dedup.candidates import copy_edges
from pipelines.dedup.election import Thresholds
from pipelines.dedup.pairs import PAIRS, Cache, id_lanes
from pipelines.dedup.signed_parts import ROW_BITS, ROW_MASK, SignedPart
from pipelines.dedup.verification import CLUSTERS, OUTCOMES, UNKNOWN
from pipelines.engine import Engine, collect_parts
from pipelines.lake import DamagedFile, Dataset, Lake, MissingDataset, damaged_parts

Array = np.ndarray[Any, Any]
# band keys of new documents that the driver and every worker hold (8 bytes each); above it all is
# found anew
NEW_KEYS = 100_000_000
DRIVER_MEMBERS = 20_000  # members that are compared on the driver; above it, by component on Spark
KEY, CONTENT, ADMITTED = range(3)
MET = pa.schema(
    [(name, pa.int64()) for name in ("what", "node", "first", "second")]
)  # a key; a content; the documents of a part


def identity(
    parts: Sequence[SignedPart], card: ReleaseCard, parameters: MinHashParameters, thresholds: Thresholds
) -> dict[str, Any]:
    """What a table of clusters was made of, as its parameters: enough to know what of it still
    holds."""
    return {
        "sources": [
            [
                s.dump,
                s.part,
                *(s.tables.need(n).content_hash for n in ("documents", "signatures", "decisions")),
            ]
            for s in parts
        ],
        "card": {"cutoff_date": card.cutoff_date, "tombstones": sorted(card.tombstones)},
        "minhash": parameters.parameters(),
        "thresholds": thresholds.__dict__,
    }


@dataclass(frozen=True)
class EarlierClusters:
    """What an earlier election left: its clusters and its pairs."""

    clusters: Dataset
    pairs: Dataset

    @property
    def made_of(self) -> dict[str, Any]:
        return self.clusters.manifest.parameters


def find_earlier(lake: Lake, made_of: dict[str, Any], version: int) -> EarlierClusters | None:
    """Of all releases with these MinHash parameters, what the one with most parts in common left;
    None where there is none that is whole."""
    wanted = {tuple(s) for s in made_of["sources"]}
    best: tuple[int, EarlierClusters] | None = None
    for pointer in lake.files("pointers/clusters", recursive=True):
        name = pointer.removeprefix("pointers/clusters/").removesuffix(".json")
        if not lake.exists(lake.pointer("verified_pairs", name)):
            continue
        try:
            earlier = EarlierClusters(lake.current("clusters", name), lake.current("verified_pairs", name))
        except (DamagedFile, MissingDataset):
            continue
        if damaged_parts(earlier.clusters) or damaged_parts(earlier.pairs):
            continue
        if earlier.made_of["minhash"] == made_of["minhash"] and earlier.made_of["version"] == version:
            common = len(wanted & {tuple(s) for s in earlier.made_of["sources"]})
            if common and (best is None or common > best[0]):
                best = common, earlier
    return best[1] if best else None


class _Search:
    """What old parts are searched for: the band keys and contents of new documents. `back`: new
    ones that lie in old parts."""

    def __init__(self, keys: Array, contents: Array, back: Array) -> None:
        self.keys, self.contents, self.back = bands.Wanted(keys), bands.Wanted(contents[:, 0]), back

    def within(self, part: SignedPart, parameters: MinHashParameters) -> pa.Table:
        """MET of a part: documents that share a key, that may share a content (its other half
        decides), the number of admitted."""
        rows, contents, live, keys = part.scan(parameters)
        flat = keys.ravel()
        shared, same = self.keys.places(flat), self.contents.places(contents[:, 0].copy())
        what = np.repeat([KEY, CONTENT, ADMITTED], [len(shared), len(same), 1])
        nodes = part.nodes(np.concatenate([live[shared // keys.shape[1]], rows[same], [0]]))
        first = np.concatenate([flat[shared], contents[same, 0], np.array([len(rows)], np.uint64)])
        second = np.concatenate([np.zeros(len(shared), np.uint64), contents[same, 1], np.zeros(1, np.uint64)])
        old = (what == ADMITTED) | ~np.isin(nodes, self.back)
        return pa.table([what[old], nodes[old], first[old].view(np.int64), second[old].view(np.int64)], MET)


def _excluded_nodes(parts: Sequence[SignedPart], card: dict[str, Any]) -> tuple[Array, Array]:
    """Nodes, in parts that the earlier clusters know, that are (no longer, newly) admitted because
    of the card or of exclusions."""
    gone, come = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for part in parts:
        if (
            part.card.cutoff_date == card["cutoff_date"]
            and sorted(part.card.tombstones) == card["tombstones"]
            and not len(part.excluded)
        ):
            continue
        old = replace(
            part,
            card=part.card.model_copy(update={**card, "tombstones": tuple(card["tombstones"])}),
            excluded=part.excluded[:0],
        )
        before, now = old.admitted(), part.admitted()
        gone.append(part.nodes(np.setdiff1d(before, now)))
        come.append(part.nodes(np.setdiff1d(now, before)))
    return np.concatenate(gone), np.concatenate(come)


@dataclass(frozen=True)
class Updated:
    """clusters (CLUSTERS) and pairs (PAIRS) of the whole release; documents admitted, by part;
    how many members were elected again, and how many with their text."""

    clusters: pa.Table
    pairs: pa.Table
    admitted: Array
    elected: int
    read: int


def update_clusters(
    engine: Engine,
    parts: Sequence[SignedPart],
    earlier: EarlierClusters,
    parameters: MinHashParameters,
    thresholds: Thresholds,
) -> Updated | None:
    """The clusters of `parts` from `earlier`; None where too much is new for it."""
    places = {
        (
            s.dump,
            s.part,
            *(s.tables.need(n).content_hash for n in ("documents", "signatures", "decisions")),
        ): s.index
        for s in parts
    }
    moved = np.array([places.get(tuple(s), -1) for s in earlier.made_of["sources"]], np.int64)
    known = set(moved.tolist())
    old, new = [s for s in parts if s.index in known], [s for s in parts if s.index not in known]
    gone, come = _excluded_nodes(old, earlier.made_of["card"])
    rows = {s.index: s.admitted() for s in new} | {
        i: own & ROW_MASK for i, own in ((s.index, come[come >> ROW_BITS == s.index]) for s in old)
    }
    if sum(map(len, rows.values())) * parameters.bands > NEW_KEYS:
        return None

    # the earlier clusters in this release's numbers
    table = earlier.clusters.read()
    node, root = table["node"].to_numpy(), table["root"].to_numpy()
    part = moved[node >> ROW_BITS] if len(node) else node
    node = np.where(part >= 0, part << ROW_BITS | node & ROW_MASK, -1)
    lost = (part < 0) | np.isin(node, gone)
    order = np.argsort(root, kind="stable")
    labels = _labels(root[order], np.where(lost, np.iinfo(np.int64).max, node)[order])[np.argsort(order)]

    edges, fresh, admitted = _new_edges(engine, parts, old, rows, come, parameters)
    met = np.isin(node, edges)
    affected = (
        np.isin(root, root[met | lost])
        if earlier.made_of["thresholds"] == thresholds.__dict__
        else np.ones(len(root), bool)
    )
    stay = affected & ~lost
    inner = np.stack([node[stay], labels[stay]], 1)
    nodes, roots = components.driver_components(np.concatenate([edges, inner[inner[:, 0] != inner[:, 1]]]))

    sizes = np.full(len(nodes), -1, np.int64)
    at = np.searchsorted(nodes, node[stay])
    inside = (at < len(nodes)) & (
        nodes[np.minimum(at, max(0, len(nodes) - 1))] == node[stay] if len(nodes) else False
    )
    sizes[at[inside]] = table["size"].to_numpy()[stay][inside]
    outcomes, read = _elect(
        engine, parts, nodes, roots, sizes, fresh, parameters, thresholds, Cache(earlier.pairs)
    )
    held = table.filter(pa.array(~affected))
    held = held.set_column(0, "node", pa.array(node[~affected])).set_column(
        1, "root", pa.array(labels[~affected])
    )
    clusters = pa.concat_tables([held, outcomes.filter(pc.is_valid(outcomes["node"])).select(CLUSTERS.names)])
    pairs = pa.concat_tables(
        [earlier.pairs.read(), outcomes.filter(pc.is_null(outcomes["node"])).select(PAIRS.names)]
    )
    return Updated(clusters, distinct_pairs(pairs), admitted, len(nodes), read)


def _labels(roots: Array, nodes: Array) -> Array:
    """The smallest of `nodes` for each run of equal `roots`, repeated."""
    if not len(roots):
        return nodes
    starts = np.flatnonzero(np.r_[True, roots[1:] != roots[:-1]])
    return np.repeat(np.minimum.reduceat(nodes, starts), np.diff(np.r_[starts, len(roots)]))


def _new_edges(
    engine: Engine,
    parts: Sequence[SignedPart],
    old: Sequence[SignedPart],
    rows: dict[int, Array],
    back: Array,
    parameters: MinHashParameters,
) -> tuple[Array, Array, Array]:
    """(edges int64 [m, 2] with a new document at one end or both, nodes of the new documents,
    documents admitted by part).

    `rows` by part are the new documents, of which those with the nodes `back` lie in `old`, the
    parts that are searched.
    """
    keys, nodes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    contents, holders = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)]
    admitted = np.zeros(len(parts), np.int64)
    for i, own in rows.items():
        if len(own):
            here, own_contents, live, own_keys = parts[i].scan(parameters)
            shown = np.isin(live, own)
            keys.append(own_keys[shown].ravel())
            nodes.append(np.repeat(parts[i].nodes(live[shown]), parameters.bands))
            contents.append(own_contents[np.isin(here, own)])
            holders.append(parts[i].nodes(own))
            admitted[i] = len(here)
    flat, owners, hashes, all_new = (np.concatenate(c) for c in (keys, nodes, contents, holders))
    if not len(all_new):
        return np.zeros((0, 2), np.int64), all_new, np.array([len(s.admitted()) for s in parts], np.int64)
    search = _Search(flat, hashes, back)
    met = collect_parts(engine, len(old), lambda i: search.within(old[i], parameters), MET)
    what, places, first, second = (column.to_numpy() for column in met.columns)
    counts, shared, same = (what == kind for kind in (ADMITTED, KEY, CONTENT))
    admitted[places[counts] >> ROW_BITS] = first[counts]
    stars = bands.star_edges(
        np.concatenate([flat, first[shared].view(np.uint64)]), np.concatenate([owners, places[shared]])
    )
    every = np.concatenate([hashes, np.stack([first[same], second[same]], 1).view(np.uint64)])
    every_place = np.concatenate([all_new, places[same]])
    order = np.argsort(every_place)
    copies, _ = copy_edges(every[order], every_place[order])
    return np.concatenate([stars, copies]), all_new, admitted


def _elect(
    engine: Engine,
    parts: Sequence[SignedPart],
    nodes: Array,
    roots: Array,
    sizes: Array,
    fresh: Array,
    parameters: MinHashParameters,
    thresholds: Thresholds,
    cache: Cache,
) -> tuple[pa.Table, int]:
    """(OUTCOMES, members whose text was read): components whose pairs are all known are decided
    without a text."""
    unread = ~np.isin(roots, roots[np.isin(nodes, fresh)])
    found = [_run(engine, parts, nodes[unread], roots[unread], sizes[unread], parameters, thresholds, cache)]
    open_roots = found[0].filter(pc.equal(found[0]["kind"], UNKNOWN))["root"].to_numpy()
    found[0] = found[0].filter(pc.invert(pc.fill_null(pc.equal(found[0]["kind"], UNKNOWN), False)))
    again = ~unread | np.isin(roots, open_roots)
    found.append(_run(engine, parts, nodes[again], roots[again], None, parameters, thresholds, cache))
    return pa.concat_tables(found), int(again.sum())


def _run(
    engine: Engine, parts: Sequence[SignedPart], nodes: Array, roots: Array, sizes: Array | None, *how: Any
) -> pa.Table:
    session = engine.session
    if session is None or len(nodes) <= DRIVER_MEMBERS:
        return verification.in_process(parts, nodes, roots, sizes, *how)
    table = pa.table(
        [nodes, roots, np.full(len(nodes), -1, np.int64) if sizes is None else sizes],
        ["node", "root", "size"],
    )
    frame = session.createDataFrame(table, "node long, root long, size long")
    return verification.on_spark(frame, parts, sizes is None, *how).toArrow().cast(OUTCOMES)


def distinct_pairs(table: pa.Table) -> pa.Table:
    """PAIRS, each once, by content and other."""
    lanes = np.concatenate([id_lanes(table[name]) for name in ("content", "other")], 1)
    order = np.lexsort(lanes.T)
    lanes = lanes[order]
    first = np.r_[True, np.any(lanes[1:] != lanes[:-1], axis=1)][: len(order)]
    return table.take(pa.array(order[first]))
