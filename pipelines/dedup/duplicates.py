"""The duplicates of a release: candidates, election with verification, guards, the published table.

Belongs here: which way a release is found (anew in this process, anew on Spark, from what an
earlier release left), the guards, the tables. Does not belong here: any of those ways.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import ReleaseCard
from pipelines.dedup import candidates, verification
from pipelines.dedup.election import KINDS, Thresholds
from pipelines.dedup.incremental import (
    EarlierClusters,
    distinct_pairs,
    find_earlier,
    identity,
    update_clusters,
)
from pipelines.dedup.pairs import PAIRS, id_lanes
from pipelines.dedup.signed_parts import ROW_BITS, SignedPart, same_parameters, signed_parts
from pipelines.dedup.verification import CLUSTERS
from pipelines.engine import Engine, map_arrow
from pipelines.lake import Dataset, LakeError, Writer
from pipelines.tables.columns import Column, described
from pipelines.tables.inputs import ReleaseTables
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, Stage

VERSION = 4
ROWS_PER_PART = 1 << 20
_REMOVED: list[Column] = [
    ("doc_id", ID, "the document removed"),
    ("kept_id", ID, "the document of which it is a duplicate"),
    ("kind", pa.string(), "exact, near or containment"),
    ("similarity", pa.float32(), "verified similarity of the two; 1 for exact"),
]
DUPLICATES = described("duplicates", _REMOVED)
described("final_duplicates", _REMOVED)


@dataclass
class Found:
    """The outcome of a release as tables of this process (`clusters`, `pairs`) or as a Spark frame
    (`outcomes`), and statistics.

    elected: members of the components that were elected now; read: those whose text was read for
    it.
    """

    stats: dict[str, Any]
    elected: int
    read: int
    clusters: pa.Table | None = None
    pairs: pa.Table | None = None
    outcomes: Any = None


def find_duplicates(
    engine: Engine,
    release: ReleaseTables,
    earlier: EarlierClusters | None = None,
    excluded: pa.Array | None = None,
) -> Found:
    """The election of a release: a function of content, equal on every engine and with every
    `earlier`.

    `excluded` (ids): documents excluded after a first election; the next of their clusters take
    their places.
    """
    parameters, card = same_parameters(release), release.card
    parts, thresholds = signed_parts(release, excluded), Thresholds(card.jaccard, card.containment)
    session = engine.session
    if earlier is not None and (updated := update_clusters(engine, parts, earlier, parameters, thresholds)):
        stats = _table_stats(parts, updated.clusters, _by_dump(parts, updated.admitted))
        return Found(stats, updated.elected, updated.read, updated.clusters, updated.pairs)
    if session is not None:
        return _on_spark(session, parts, parameters, thresholds, card.max_cluster)
    nodes, roots, admitted = candidates.in_process(parts, parameters)
    _check_cluster(int(np.unique(roots, return_counts=True)[1].max(initial=1)), card.max_cluster)
    outcomes = verification.in_process(parts, nodes, roots, None, parameters, thresholds, None)
    clusters = outcomes.filter(pc.is_valid(outcomes["node"])).select(CLUSTERS.names)
    pairs = distinct_pairs(outcomes.filter(pc.is_null(outcomes["node"])).select(PAIRS.names))
    return Found(
        _table_stats(parts, clusters, _by_dump(parts, admitted)), len(nodes), len(nodes), clusters, pairs
    )


def _on_spark(
    session: Any, parts: list[SignedPart], parameters: Any, thresholds: Thresholds, max_cluster: int
) -> Found:
    from pyspark.sql import functions as F

    clusters, admitted = candidates.on_spark(session, parts, parameters)
    clusters = clusters.withColumn("size", F.lit(-1).cast("long")).persist()
    members, largest = clusters.groupBy("root").count().agg(F.sum("count"), F.max("count")).first()
    _check_cluster(largest or 1, max_cluster)
    outcomes = verification.on_spark(clusters, parts, True, parameters, thresholds, None).persist()
    gone = (
        outcomes.where("kept_id is not null")
        .groupBy(F.shiftright("node", ROW_BITS).alias("part"), "kind")
        .count()
        .collect()
    )
    counts = [(parts[row["part"]].dump, row["kind"], row["count"]) for row in gone]
    clusters.unpersist()
    members = members or 0
    return Found(_stats(counts, admitted, members, largest or 1), members, members, outcomes=outcomes)


def _by_dump(parts: list[SignedPart], admitted: np.ndarray[Any, Any]) -> dict[str, int]:
    found: dict[str, int] = {}
    for part, count in zip(parts, admitted.tolist(), strict=True):
        found[part.dump] = found.get(part.dump, 0) + count
    return found


def _table_stats(parts: list[SignedPart], clusters: pa.Table, admitted: dict[str, int]) -> dict[str, Any]:
    gone = clusters.filter(pc.is_valid(clusters["kept_id"]))
    dumps = np.array([parts[i].dump for i in (gone["node"].to_numpy() >> ROW_BITS)], np.str_)
    table = (
        pa.table({"dump": pa.array(dumps, pa.string()), "kind": gone["kind"]})
        .group_by(["dump", "kind"])
        .aggregate([([], "count_all")])
    )
    counts = [(r["dump"], r["kind"], r["count_all"]) for r in table.to_pylist()]
    largest = int(np.unique(clusters["root"].to_numpy(), return_counts=True)[1].max(initial=1))
    return _stats(counts, admitted, clusters.num_rows, largest)


def _stats(
    counts: list[tuple[str, str, int]], admitted: Mapping[str, int], members: int, largest: int
) -> dict[str, Any]:
    kinds, gone = dict.fromkeys(KINDS, 0), dict.fromkeys(sorted(admitted), 0)
    for dump, kind, count in counts:
        kinds[kind] += count
        gone[dump] += count
    return {
        "admitted": sum(admitted.values()),
        "removed": sum(gone.values()),
        "kinds": kinds,
        "candidates": members,
        "largest_cluster": largest,
        "sources": {dump: {"admitted": admitted[dump], "removed": removed} for dump, removed in gone.items()},
    }


def _check_cluster(largest: int, allowed: int) -> None:
    """Before the election: a cluster of pages that share little but a template costs its square in
    comparisons."""
    if largest > allowed:
        raise LakeError(f"largest cluster has {largest} documents, the card allows {allowed} (max_cluster)")


def guard_figures(stats: Mapping[str, Any]) -> dict[str, float]:
    """largest_cluster (documents) and largest_source_share (of one dump's documents removed as
    duplicates)."""
    shares = [
        source["removed"] / source["admitted"] for source in stats["sources"].values() if source["admitted"]
    ]
    return {"largest_cluster": stats["largest_cluster"], "largest_source_share": max(shares, default=0.0)}


def check_guards(release: ReleaseTables, stats: Mapping[str, Any]) -> None:
    """LakeError where a cluster or one source's removed share is beyond the card: a sign of
    template collapse."""
    card, figures = release.card, guard_figures(stats)
    _check_cluster(int(figures["largest_cluster"]), card.max_cluster)
    if figures["largest_source_share"] > card.max_source_share:
        name = max(
            stats["sources"],
            key=lambda n: stats["sources"][n]["removed"] / max(1, stats["sources"][n]["admitted"]),
        )
        raise LakeError(
            f"{stats['sources'][name]['removed']} of {stats['sources'][name]['admitted']} documents of {name}"
            f" would be removed as duplicates; the card allows a share of {card.max_source_share}"
            " (max_source_share)"
        )


def _write(writer: Writer, rows: Any, schema: pa.Schema, stats: Mapping[str, Any]) -> None:
    """`rows` (a table or a Spark frame) by the first bits of their first id, each part sorted by
    it; `stats` with the first part."""
    name = next(field.name for field in schema if field.type == ID)
    total = rows.num_rows if isinstance(rows, pa.Table) else rows.count()
    bits = min(8, max(0, (max(1, total) - 1) // ROWS_PER_PART).bit_length())

    def put(bucket: int, table: pa.Table) -> None:
        keys = [(f.name, "ascending") for f in schema if f.type in (ID, pa.int64())]
        ordered = table.cast(schema).sort_by(sorted(keys, key=lambda k: k[0] != name))
        writer.write_table(f"part-{bucket:05d}.parquet", ordered, stats if bucket == 0 else {})

    def split(batches: Iterator[pa.RecordBatch], names: Any) -> None:
        table = pa.Table.from_batches(batches, names)
        # Spark hands ids over as binary of any length
        first = id_lanes(table[name].cast(ID)).view(np.uint8)[:, 0].astype(np.int64) >> (8 - bits)
        for bucket in np.unique(first).tolist():
            put(bucket, table.filter(pa.array(first == bucket)))

    if isinstance(rows, pa.Table):
        split(iter(rows.to_batches()), rows.schema)
    else:

        def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            held = list(batches)
            if held:
                split(iter(held), held[0].schema)
            yield pa.RecordBatch.from_arrays([pa.array([len(held)])], ["done"])

        bucketed = rows.selectExpr("*", f"conv(hex(substring({name}, 1, 1)), 16, 10) >> {8 - bits} as bucket")
        map_arrow(bucketed.repartition(1 << bits, "bucket").drop("bucket"), run, "done long").count()
    if not writer.has("part-00000.parquet"):
        put(0, schema.empty_table())


def duplicates_stage(release: ReleaseTables) -> Stage:
    """One row for each removed document of the release, with the kept document that verified against it
    (schema DUPLICATES).

    Beside it `clusters` and `verified_pairs`: the next election starts there.
    """
    card, made_of = release.card, _made_of(release)

    def compute(building: Building) -> None:
        with _election(building, release, made_of, None) as (found, clusters, pairs):
            state = made_of | {"version": VERSION}
            for table, rows, schema in (("clusters", clusters, CLUSTERS), ("verified_pairs", pairs, PAIRS)):
                building.publish_beside(table, VERSION, state, _writing(rows, schema))
            _write(building.writer, _removed(clusters), DUPLICATES, found.stats)

    return Stage(
        "duplicates",
        VERSION,
        compute,
        card.name,
        _parameters(card),
        release.inputs(*_READ),
        beside=("clusters", "verified_pairs"),
    )


def final_duplicates_stage(release: ReleaseTables, exclusions: Dataset) -> Stage:
    """The election without the documents of `exclusions` (a table with a column doc_id): the next of
    their clusters take their places. Schema DUPLICATES."""
    card, made_of = release.card, _made_of(release)

    def compute(building: Building) -> None:
        excluded = exclusions.read(["doc_id"])["doc_id"].combine_chunks()
        with _election(building, release, made_of, excluded) as (found, clusters, _):
            _write(building.writer, _removed(clusters), DUPLICATES, found.stats)

    inputs = {**release.inputs(*_READ), "excluded": exclusions}
    return Stage("final_duplicates", VERSION, compute, card.name, _parameters(card), inputs)


_READ = ("documents", "edits", "signatures", "decisions")


def _parameters(card: ReleaseCard) -> dict[str, Any]:
    """What of the card the outcome depends on."""
    names = ("cutoff_date", "tombstones", "jaccard", "containment", "max_cluster", "max_source_share")
    return {name: value for name, value in card.parameters().items() if name in names}


def _made_of(release: ReleaseTables) -> dict[str, Any]:
    card = release.card
    thresholds = Thresholds(card.jaccard, card.containment)
    return identity(signed_parts(release), card, same_parameters(release), thresholds)


@contextmanager
def _election(
    building: Building, release: ReleaseTables, made_of: dict[str, Any], excluded: pa.Array | None
) -> Iterator[tuple[Found, Any, Any]]:
    """(outcome, clusters, pairs), tables of this process or Spark frames; LakeError beyond the card's
    guards."""
    earlier = find_earlier(building.lake, made_of, VERSION)
    found = find_duplicates(building.engine, release, earlier, excluded)
    try:
        check_guards(release, found.stats)
        if found.outcomes is None:
            yield found, found.clusters, found.pairs
        else:
            clusters = found.outcomes.where("node is not null").select(*CLUSTERS.names)
            pairs = found.outcomes.where("node is null").select(*PAIRS.names).distinct()
            yield found, clusters, pairs
    finally:
        if found.outcomes is not None:
            found.outcomes.unpersist()


def _removed(clusters: Any) -> Any:
    if isinstance(clusters, pa.Table):
        return clusters.filter(pc.is_valid(clusters["kept_id"])).select(DUPLICATES.names)
    return clusters.where("kept_id is not null").select(*DUPLICATES.names)


def _writing(rows: Any, schema: pa.Schema) -> Callable[[Writer], None]:
    return lambda writer: _write(writer, rows, schema, {})
