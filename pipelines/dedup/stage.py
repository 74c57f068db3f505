"""The duplicates of a release: exact, then candidates by bands, components, election with verification.

Belongs here: reading the tables, handing work to Spark or numpy, the published table. Does not belong here: the
loops (kernel.py), the edges (bands.py), the graph (components.py), the order (election.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup import bands, components, kernel
from pipelines.dedup.election import Removed, Thresholds, canonical_order, elect, elect_exact
from pipelines.dedup.signatures import MinHashParameters, minhash_matrix
from pipelines.documents import ID
from pipelines.lake import Built, Lake, LakeError, Writer
from pipelines.release import fallen
from pipelines.spark import Engine
from pipelines.tables import DumpTables, ReleaseTables

VERSION = 1
SHINGLE_BUDGET = 40_000_000  # shingles (8 bytes each) held at once while components are compared
DUPLICATES = pa.schema([("doc_id", ID), ("kept_id", ID), ("kind", pa.string()), ("similarity", pa.float32())])
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Source:
    """One part of one dump, and the release row of its first document."""

    dump: str
    tables: DumpTables
    part: int
    first: int

    def content(self) -> pa.Table:
        """What the election needs to know of each document, without text or MinHash."""
        documents = self.tables.documents.read_part(self.part, ["doc_id", "url", "date", "side"])
        decisions = self.tables.need("decisions").read_part(self.part, ["doc_id", "keep", "category", "quality", "num_chars"])
        signatures = self.tables.need("signatures").read_part(self.part, ["doc_id", "content_hash", "num_shingles"])
        for name, table in (("decisions", decisions), ("signatures", signatures)):
            if not table.column("doc_id").equals(documents.column("doc_id")):
                dataset = self.tables.need(name)
                raise LakeError(f"{dataset.file(dataset.parts[self.part].path)} does not hold the documents of its dump: rebuild {name}")
        for column in ("keep", "category", "quality", "num_chars"):
            documents = documents.append_column(column, decisions.column(column))
        for column in ("content_hash", "num_shingles"):
            documents = documents.append_column(column, signatures.column(column))
        return documents

    def minhash(self, parameters: MinHashParameters) -> Array:
        """uint16 [rows, num_perm]."""
        return minhash_matrix(self.tables.need("signatures").read_part(self.part, ["minhash"]).column(0), parameters.num_perm)

    def texts(self) -> pa.Array:
        from pipelines.edits import rendered

        texts = rendered(self.tables.documents, self.tables.edits, self.part)
        return texts.combine_chunks() if isinstance(texts, pa.ChunkedArray) else texts


def same_parameters(release: ReleaseTables) -> MinHashParameters:
    """The parameters that all signatures share; LakeError names two tables that differ."""
    first: tuple[str, dict[str, Any], str] | None = None
    for name, tables in release.dumps.items():
        manifest = tables.need("signatures").manifest
        if first is None:
            first = (name, manifest.parameters, manifest.content_hash)
        elif manifest.parameters != first[1]:
            raise LakeError(
                f"signatures of {first[0]} ({first[2]}) and {name} ({manifest.content_hash}) have other parameters: "
                f"{first[1]} and {manifest.parameters}; rebuild one of them"
            )
    if first is None:
        raise LakeError(f"release {release.card.name} names no dump")
    return MinHashParameters.model_validate(first[1])


def _sources(release: ReleaseTables) -> list[Source]:
    found, first = [], 0
    for name, tables in sorted(release.dumps.items()):
        for i, part in enumerate(tables.documents.parts):
            found.append(Source(name, tables, i, first))
            first += part.rows
    return found


def _numpy_components(sources: list[Source], salts: Array, parameters: MinHashParameters) -> tuple[Array, Array]:
    keys, nodes = [], []
    for source in sources:
        own = salts[source.first : source.first + source.tables.documents.parts[source.part].rows]
        rows = np.flatnonzero(own >= 0)
        keys.append(bands.band_keys(source.minhash(parameters)[rows], parameters.bands, parameters.rows, own[rows]))
        nodes.append(rows + source.first)
    return components.driver_components(bands.star_edges(np.concatenate(keys), np.concatenate(nodes)))


def _spark_components(session: Any, sources: list[Source], salts: Array, parameters: MinHashParameters) -> tuple[Array, Array]:
    """Workers read signature parts and emit (key, node); text and MinHash never pass through the JVM."""
    slices = [salts[s.first : s.first + s.tables.documents.parts[s.part].rows] for s in sources]

    def emit(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for i in batch.column(0).to_pylist():
                rows = np.flatnonzero(slices[i] >= 0)
                keys = bands.band_keys(sources[i].minhash(parameters)[rows], parameters.bands, parameters.rows, slices[i][rows])
                nodes = np.repeat(rows + sources[i].first, parameters.bands).astype(np.int64)
                yield pa.RecordBatch.from_arrays([pa.array(keys.ravel().view(np.int64)), pa.array(nodes)], ["key", "node"])

    frame = session.range(0, len(sources), 1, len(sources)).mapInArrow(emit, "key long, node long").persist()
    try:
        return components.components(bands.spark_star_edges(frame))
    finally:
        frame.unpersist()


class _Candidates:
    """Band keys and shingle sets of the candidates of some components, read part by part."""

    def __init__(self, sources: list[Source], rows: Array, salts: Array, parameters: MinHashParameters) -> None:
        self.keys: dict[int, Array] = {}
        self.shingles: dict[int, Array] = {}
        rows = np.sort(rows)
        for source in sources:
            end = source.first + source.tables.documents.parts[source.part].rows
            own = rows[np.searchsorted(rows, source.first) : np.searchsorted(rows, end)]
            if not len(own):
                continue
            local = own - source.first
            keys = bands.band_keys(source.minhash(parameters)[local], parameters.bands, parameters.rows, salts[own])
            sets = kernel.shingle_sets(source.texts().take(pa.array(local)))
            self.keys.update(zip(own.tolist(), keys, strict=True))
            self.shingles.update(zip(own.tolist(), sets, strict=True))


def _groups(nodes: Array, roots: Array, rank: Array, sizes: Array) -> Iterator[list[list[int]]]:
    """Components, each in canonical order, in batches of at most SHINGLE_BUDGET shingles (one component at least)."""
    order = np.lexsort((rank[nodes], roots))
    nodes, roots = nodes[order], roots[order]
    batch: list[list[int]] = []
    held = 0
    for members in np.split(nodes, np.flatnonzero(np.diff(roots)) + 1) if len(nodes) else []:
        size = int(sizes[members].sum())
        if batch and held + size > SHINGLE_BUDGET:
            yield batch
            batch, held = [], 0
        batch.append(members.tolist())
        held += size
    if batch:
        yield batch


def find_duplicates(engine: Engine, release: ReleaseTables) -> tuple[pa.Table, dict[str, Any]]:
    """(rows of DUPLICATES by doc_id, statistics) of a release: a function of content, the same on every engine."""
    parameters, card = same_parameters(release), release.card
    sources = _sources(release)
    table = pa.concat_tables([s.content() for s in sources])
    dumps = np.repeat([s.dump for s in sources], [s.tables.documents.parts[s.part].rows for s in sources])
    stays = np.array([not why for why in fallen(card, table.column("url"), table.column("date")).to_pylist()], np.bool_)
    admitted = np.flatnonzero(table.column("keep").to_numpy() & stays)
    ids = table.column("doc_id").to_pylist()

    order = admitted[canonical_order(table.take(pa.array(admitted)))] if len(admitted) else admitted
    rank = np.zeros(table.num_rows, np.int64)
    rank[order] = np.arange(len(order))
    # pairs of parallel text are deduplicated against themselves alone
    kinds = np.array([c == "parallel" for c in table.column("category").to_pylist()], np.int64)
    contents = [bytes([k]) + c for k, c in zip(kinds.tolist(), table.column("content_hash").to_pylist(), strict=True)]
    leaders, copies = elect_exact(contents, order.tolist())

    shingles = table.column("num_shingles").to_numpy()
    salts = np.full(table.num_rows, -1, np.int64)  # -1: no candidate
    live = np.array([row for row in leaders if shingles[row]], np.int64)
    salts[live] = kinds[live]
    session = getattr(engine, "session", None)
    nodes, roots = _spark_components(session, sources, salts, parameters) if session else _numpy_components(sources, salts, parameters)

    thresholds = Thresholds(card.jaccard, card.containment)
    removals: dict[int, Removed] = {}
    largest = 1
    for batch in _groups(nodes, roots, rank, shingles):
        rows = np.array([row for members in batch for row in members], np.int64)
        candidates = _Candidates(sources, rows, salts, parameters)
        for members in batch:
            largest = max(largest, len(members))
            for removed in elect(members, candidates.keys.__getitem__, candidates.shingles.__getitem__, thresholds):
                removals[removed.row] = removed
    for row, leader in copies.items():
        other = removals.get(leader)
        # a copy of a removed document goes for the same reason as it did: its kept document is one that stays
        removals[row] = Removed(row, other.kept, other.kind, other.similarity) if other else Removed(row, leader, "exact", 1.0)

    found = sorted(removals.values(), key=lambda r: ids[r.row])
    result = pa.Table.from_arrays(
        [
            pa.array([ids[r.row] for r in found], ID),
            pa.array([ids[r.kept] for r in found], ID),
            pa.array([r.kind for r in found], pa.string()),
            pa.array([round(r.similarity, 4) for r in found], pa.float32()),
        ],
        schema=DUPLICATES,
    )
    return result, _statistics(found, admitted, dumps, len(nodes), largest)


def _statistics(found: list[Removed], admitted: Array, dumps: Array, candidates: int, largest: int) -> dict[str, Any]:
    by_kind: dict[str, int] = {"exact": 0, "near": 0, "containment": 0}
    for removed in found:
        by_kind[removed.kind] += 1
    gone = dumps[np.array([r.row for r in found], np.int64)] if len(found) else np.array([], dumps.dtype)
    sources = {str(d): {"admitted": int((dumps[admitted] == d).sum()), "removed": int((gone == d).sum())} for d in np.unique(dumps)}
    return {
        "admitted": len(admitted),
        "removed": len(found),
        "kinds": by_kind,
        "candidates": candidates,
        "largest_cluster": largest,
        "sources": sources,
    }


def check_guards(release: ReleaseTables, stats: dict[str, Any]) -> None:
    """LakeError where a cluster or one source's removed share is beyond the card: a sign of template collapse."""
    card = release.card
    if stats["largest_cluster"] > card.max_cluster:
        raise LakeError(f"largest cluster has {stats['largest_cluster']} documents, the card allows {card.max_cluster} (max_cluster)")
    for name, source in stats["sources"].items():
        if source["admitted"] and source["removed"] / source["admitted"] > card.max_source_share:
            raise LakeError(
                f"{source['removed']} of {source['admitted']} documents of {name} would be removed as duplicates; "
                f"the card allows a share of {card.max_source_share} (max_source_share)"
            )


def build_duplicates(lake: Lake, engine: Engine, release: ReleaseTables) -> Built:
    """One row for each removed document of the release, with the kept document that verified against it."""
    card = release.card

    def write(writer: Writer) -> None:
        table, stats = find_duplicates(engine, release)
        check_guards(release, stats)
        writer.write_table("part-00000.parquet", table, stats)

    inputs = release.inputs("documents", "edits", "signatures", "decisions")
    names = ("cutoff_date", "tombstones", "jaccard", "containment", "max_cluster", "max_source_share")
    parameters = {n: v for n, v in card.parameters().items() if n in names}
    return lake.build("duplicates", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)
