"""The clusters of a release from those of an earlier one: only what new, changed or fallen documents touch is looked at.

Belongs here: what an election leaves for the next one, and how the next one uses it. Does not belong here: an election
from nothing (candidates.py, verification.py), what is published for readers (stage.py).

What was left is a help and no input: with it or without it the duplicates are the same. Components may be coarser than
they need be (a document that bound two halves may have fallen); the law of the election holds for any union of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.dedup import bands, components, verification
from pipelines.dedup.candidates import copy_edges
from pipelines.dedup.election import Thresholds
from pipelines.dedup.pairs import PAIRS, Cache, content_bytes, id_lanes
from pipelines.dedup.signatures import MinHashParameters
from pipelines.dedup.sources import ROW_BITS, ROW_MASK, Source
from pipelines.dedup.verification import CLUSTERS, OUTCOMES, UNKNOWN
from pipelines.lake import Dataset, Lake
from pipelines.release import ReleaseCard

Array = np.ndarray[Any, Any]
NEW_KEYS = 100_000_000  # band keys of new documents that the driver and every worker hold (8 bytes each); above it all is found anew
DRIVER_MEMBERS = 20_000  # members that are compared on the driver; above it, by component on Spark
BITS = 24  # of the table that tells most old keys apart from the new ones: 16 MiB
BIT_MASK = np.uint64((1 << BITS) - 1)


def identity(sources: Sequence[Source], card: ReleaseCard, parameters: MinHashParameters, thresholds: Thresholds) -> dict[str, Any]:
    """What a table of clusters was made of, as its parameters: enough to know what of it still holds."""
    return {
        "sources": [[s.dump, s.part, *(s.tables.need(n).content_hash for n in ("documents", "signatures", "decisions"))] for s in sources],
        "card": {"cutoff_date": card.cutoff_date, "tombstones": sorted(card.tombstones)},
        "minhash": parameters.parameters(),
        "thresholds": thresholds.__dict__,
    }


@dataclass(frozen=True)
class Base:
    """What an earlier election left: its clusters and its pairs."""

    clusters: Dataset
    pairs: Dataset

    @property
    def made_of(self) -> dict[str, Any]:
        return self.clusters.manifest.parameters


def find_base(lake: Lake, made_of: dict[str, Any], version: int) -> Base | None:
    """Of all releases with these MinHash parameters, what the one with most parts in common left; None where there is none."""
    wanted = {tuple(s) for s in made_of["sources"]}
    best: tuple[int, Base] | None = None
    for pointer in lake.files("pointers/clusters", recursive=True):
        name = pointer.removeprefix("pointers/clusters/").removesuffix(".json")
        if not lake.exists(lake.pointer("verified_pairs", name)):
            continue
        base = Base(lake.current("clusters", name), lake.current("verified_pairs", name))
        if base.made_of["minhash"] == made_of["minhash"] and base.made_of["version"] == version:
            common = len(wanted & {tuple(s) for s in base.made_of["sources"]})
            if common and (best is None or common > best[0]):
                best = common, base
    return best[1] if best else None


class _New:
    """What is looked for in old parts: the band keys and contents of new documents, with a table that tells most others apart."""

    def __init__(self, keys: Array, contents: Array) -> None:
        self.keys, self.contents = np.unique(keys), np.unique(contents[:, 0])
        self.key_table, self.content_table = self._table(self.keys), self._table(self.contents)

    @staticmethod
    def _table(values: Array) -> Array:
        table = np.zeros(1 << BITS, bool)
        table[(values & BIT_MASK).astype(np.int64)] = True
        return table

    @staticmethod
    def _among(values: Array, wanted: Array, table: Array) -> Array:
        """Places (in the flat array) of values that are wanted."""
        flat = values.ravel()
        places = np.flatnonzero(table[(flat & BIT_MASK).astype(np.int64)])
        if not len(wanted):
            return places[:0]
        at = np.minimum(np.searchsorted(wanted, flat[places]), len(wanted) - 1)
        return places[wanted[at] == flat[places]]

    def within(self, source: Source, parameters: MinHashParameters) -> tuple[Array, Array, Array, Array]:
        """(keys, nodes) of admitted documents of a part that share a key, (contents, nodes) of those that may share a content."""
        rows, contents, live, keys = source.scan(parameters)
        shared = self._among(keys, self.keys, self.key_table)
        same = self._among(contents[:, 0], self.contents, self.content_table)
        return keys.ravel()[shared], source.nodes(live[shared // keys.shape[1]]), contents[same], source.nodes(rows[same])


def _map(
    session: Any, sources: Sequence[Source], work: Callable[[Source], tuple[Array, Array, Array, Array]]
) -> tuple[Array, Array, Array, Array]:
    """`work` on every source, by Spark where there is a session; the results one after the other."""
    if session is None or not sources:
        found = [work(s) for s in sources]
    else:

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for i in batch.column(0).to_pylist():
                    keys, nodes, contents, holders = work(sources[i])
                    lanes = contents.view(np.int64)
                    first = [pa.array(keys.view(np.int64)), pa.array(nodes), pa.nulls(len(nodes), pa.int64())]
                    yield pa.RecordBatch.from_arrays(first, ["a", "node", "b"])
                    second = [pa.array(lanes[:, 0].copy()), pa.array(holders), pa.array(lanes[:, 1].copy())]
                    yield pa.RecordBatch.from_arrays(second, ["a", "node", "b"])

        table = session.range(0, len(sources), 1, len(sources)).mapInArrow(run, "a long, node long, b long").toArrow()
        copies = pc.is_valid(table["b"])
        one, two = table.filter(pc.invert(copies)), table.filter(copies)
        lanes = np.stack([two["a"].to_numpy(), two["b"].to_numpy()], 1).astype(np.int64).view(np.uint64)
        found = [(one["a"].to_numpy().astype(np.int64).view(np.uint64), one["node"].to_numpy(), lanes, two["node"].to_numpy())]
    empty = (np.zeros(0, np.uint64), np.zeros(0, np.int64), np.zeros((0, 2), np.uint64), np.zeros(0, np.int64))
    return tuple(np.concatenate(column) for column in zip(empty, *found, strict=True))  # type: ignore[return-value]


def _fallen_nodes(sources: Sequence[Source], card: dict[str, Any]) -> tuple[Array, Array]:
    """Nodes of parts that the base has too which are (no longer, newly) admitted, because of the card or of exclusions."""
    gone, come = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for source in sources:
        if (
            source.card.cutoff_date == card["cutoff_date"]
            and sorted(source.card.tombstones) == card["tombstones"]
            and not len(source.excluded)
        ):
            continue
        old = replace(
            source, card=source.card.model_copy(update={**card, "tombstones": tuple(card["tombstones"])}), excluded=source.excluded[:0]
        )
        before, now = old.admitted(), source.admitted()
        gone.append(source.nodes(np.setdiff1d(before, now)))
        come.append(source.nodes(np.setdiff1d(now, before)))
    return np.concatenate(gone), np.concatenate(come)


@dataclass(frozen=True)
class Updated:
    """clusters (CLUSTERS) and pairs (PAIRS) of the whole release; how many members were elected again, how many with their text."""

    clusters: pa.Table
    pairs: pa.Table
    elected: int
    read: int


def update(session: Any, sources: Sequence[Source], base: Base, parameters: MinHashParameters, thresholds: Thresholds) -> Updated | None:
    """The clusters of `sources` from `base`; None where too much is new for it."""
    places = {
        (s.dump, s.part, *(s.tables.need(n).content_hash for n in ("documents", "signatures", "decisions"))): s.index for s in sources
    }
    moved = np.array([places.get(tuple(s), -1) for s in base.made_of["sources"]], np.int64)
    known = set(moved.tolist())
    old, new = [s for s in sources if s.index in known], [s for s in sources if s.index not in known]
    gone, come = _fallen_nodes(old, base.made_of["card"])
    rows = {s.index: s.admitted() for s in new} | {
        i: own & ROW_MASK for i, own in ((s.index, come[come >> ROW_BITS == s.index]) for s in old)
    }
    if sum(map(len, rows.values())) * parameters.bands > NEW_KEYS:
        return None

    # the earlier clusters in this release's numbers
    table = base.clusters.read()
    node, root = table["node"].to_numpy(), table["root"].to_numpy()
    part = moved[node >> ROW_BITS] if len(node) else node
    node = np.where(part >= 0, part << ROW_BITS | node & ROW_MASK, -1)
    lost = (part < 0) | np.isin(node, gone)
    order = np.argsort(root, kind="stable")
    labels = _labels(root[order], np.where(lost, np.iinfo(np.int64).max, node)[order])[np.argsort(order)]

    edges, fresh = _new_edges(session, sources, old, rows, parameters)
    met = np.isin(node, edges)
    affected = np.isin(root, root[met | lost]) if base.made_of["thresholds"] == thresholds.__dict__ else np.ones(len(root), bool)
    stay = affected & ~lost
    inner = np.stack([node[stay], labels[stay]], 1)
    nodes, roots = components.driver_components(np.concatenate([edges, inner[inner[:, 0] != inner[:, 1]]]))

    sizes = np.full(len(nodes), -1, np.int64)
    at = np.searchsorted(nodes, node[stay])
    inside = (at < len(nodes)) & (nodes[np.minimum(at, max(0, len(nodes) - 1))] == node[stay] if len(nodes) else False)
    sizes[at[inside]] = table["size"].to_numpy()[stay][inside]
    outcomes, read = _elect(session, sources, nodes, roots, sizes, fresh, parameters, thresholds, Cache(base.pairs))
    held = table.filter(pa.array(~affected))
    held = held.set_column(0, "node", pa.array(node[~affected])).set_column(1, "root", pa.array(labels[~affected]))
    clusters = pa.concat_tables([held, outcomes.filter(pc.is_valid(outcomes["node"])).select(CLUSTERS.names)])
    pairs = pa.concat_tables([base.pairs.read(), outcomes.filter(pc.is_null(outcomes["node"])).select(PAIRS.names)])
    return Updated(clusters.sort_by("node"), distinct_pairs(pairs), len(nodes), read)


def _labels(roots: Array, nodes: Array) -> Array:
    """The smallest of `nodes` for each run of equal `roots`, repeated."""
    if not len(roots):
        return nodes
    starts = np.flatnonzero(np.r_[True, roots[1:] != roots[:-1]])
    return np.repeat(np.minimum.reduceat(nodes, starts), np.diff(np.r_[starts, len(roots)]))


def _new_edges(
    session: Any, sources: Sequence[Source], old: Sequence[Source], rows: dict[int, Array], parameters: MinHashParameters
) -> tuple[Array, Array]:
    """(edges int64 [m, 2] with a new document at one end or both, nodes of the new documents)."""
    keys, nodes = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
    contents, holders = [np.zeros((0, 2), np.uint64)], [np.zeros(0, np.int64)]
    for i, own in rows.items():
        if len(own):
            hashes, live = sources[i].contents(own)
            keys.append(sources[i].keys(own[live], parameters).ravel())
            nodes.append(np.repeat(sources[i].nodes(own[live]), parameters.bands))
            contents.append(hashes)
            holders.append(sources[i].nodes(own))
    flat, owners, hashes, all_new = (np.concatenate(c) for c in (keys, nodes, contents, holders))
    if not len(all_new):
        return np.zeros((0, 2), np.int64), all_new
    new = _New(flat, hashes)

    def work(source: Source) -> tuple[Array, Array, Array, Array]:
        found = new.within(source, parameters)
        fresh = np.isin(found[1], all_new), np.isin(found[3], all_new)  # documents of old parts that came back
        return found[0][~fresh[0]], found[1][~fresh[0]], found[2][~fresh[1]], found[3][~fresh[1]]

    more = _map(session, old, work)
    stars = bands.star_edges(np.concatenate([flat, more[0]]), np.concatenate([owners, more[1]]))
    every, places = np.concatenate([hashes, more[2]]), np.concatenate([all_new, more[3]])
    order = np.argsort(places)
    copies, _ = copy_edges(every[order], places[order])
    return np.concatenate([stars, copies]), all_new


def _elect(
    session: Any,
    sources: Sequence[Source],
    nodes: Array,
    roots: Array,
    sizes: Array,
    fresh: Array,
    parameters: MinHashParameters,
    thresholds: Thresholds,
    cache: Cache,
) -> tuple[pa.Table, int]:
    """(OUTCOMES, members whose text was read): components whose pairs are all known are decided without a text."""
    unread = ~np.isin(roots, roots[np.isin(nodes, fresh)])
    found = [_run(session, sources, nodes[unread], roots[unread], sizes[unread], parameters, thresholds, cache)]
    open_roots = found[0].filter(pc.equal(found[0]["kind"], UNKNOWN))["root"].to_numpy()
    found[0] = found[0].filter(pc.invert(pc.fill_null(pc.equal(found[0]["kind"], UNKNOWN), False)))
    again = ~unread | np.isin(roots, open_roots)
    found.append(_run(session, sources, nodes[again], roots[again], None, parameters, thresholds, cache))
    return pa.concat_tables(found), int(again.sum())


def _run(session: Any, sources: Sequence[Source], nodes: Array, roots: Array, sizes: Array | None, *how: Any) -> pa.Table:
    if session is None or len(nodes) <= DRIVER_MEMBERS:
        return verification.in_process(sources, nodes, roots, sizes, *how)
    table = pa.table([nodes, roots, np.full(len(nodes), -1, np.int64) if sizes is None else sizes], ["node", "root", "size"])
    frame = session.createDataFrame(table, "node long, root long, size long")
    return verification.on_spark(frame, sources, sizes is None, *how).toArrow().cast(OUTCOMES)


def distinct_pairs(table: pa.Table) -> pa.Table:
    """PAIRS, each once, by content and other."""
    order = np.char.add(content_bytes(id_lanes(table["content"])), content_bytes(id_lanes(table["other"])))
    _, first = np.unique(order, return_index=True)
    return table.take(pa.array(first))
