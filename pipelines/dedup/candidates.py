"""Clusters of documents that may be duplicates: equal contents, then shared bands, then connected
components.

Belongs here: one graph, from this process or from Spark, and the part of it that a few new
documents touch. Does not belong here: comparing documents (verification.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import bands, components
from pipelines.dedup.signed_parts import ROW_BITS, ROW_MASK, SignedPart
from pipelines.engine import map_arrow, rows_of_parts

Array = np.ndarray[Any, Any]
KEYED = "key long, node long, smallest long"


def copy_edges(contents: Array, nodes: Array) -> tuple[Array, Array]:
    """(edges int64 [m, 2] from each copy to the smallest node of its content, the smallest nodes'
    places int64) of uint64 [n, 2]."""
    pairs = np.ascontiguousarray(contents).view([("a", np.uint64), ("b", np.uint64)]).reshape(-1)
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    smallest = nodes[first][inverse.reshape(-1)]
    copies = smallest != nodes
    return np.stack([nodes, smallest], 1)[copies], np.sort(first)


def in_process(parts: Sequence[SignedPart], parameters: MinHashParameters) -> tuple[Array, Array, Array]:
    """(nodes, roots, admitted), int64: documents that share content or a band with another one,
    their component, and the number of documents by part."""
    shown, keys, nodes, contents = (
        [np.zeros(0, np.int64)],
        [np.zeros((0, parameters.bands), np.uint64)],
        [],
        [],
    )
    for part in parts:
        rows, hashes, live, found = part.scan(parameters)
        nodes.append(part.nodes(rows))
        contents.append(hashes)
        shown.append(part.nodes(live))
        keys.append(found)
    every = np.concatenate([np.zeros(0, np.int64), *nodes])
    copies, first = copy_edges(np.concatenate([np.zeros((0, 2), np.uint64), *contents]), every)
    live_nodes = np.concatenate(shown)
    originals = np.isin(live_nodes, every[first], assume_unique=True)
    edges = np.concatenate([copies, bands.star_edges(np.concatenate(keys)[originals], live_nodes[originals])])
    return *components.driver_components(edges), np.array([len(own) for own in nodes])


def on_spark(
    session: Any, parts: Sequence[SignedPart], parameters: MinHashParameters
) -> tuple[Any, dict[str, int]]:
    """(frame (node, root), admitted documents by dump), as `in_process` has them. Text and MinHash never pass
    through the JVM.

    A worker reduces a band to one row for each part before the shuffle, so a band that a million
    documents share is as many rows as there are parts; what a task then sorts can spill.
    """
    from pyspark.sql import functions as F

    def admitted_rows(i: int) -> pa.Table:
        rows = parts[i].admitted()
        contents, live = parts[i].contents(rows)
        first, second = (np.ascontiguousarray(lane) for lane in contents.view(np.int64).T)
        return pa.table([parts[i].nodes(rows), first, second, live], ["node", "c0", "c1", "live"])

    def emit_keys(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for i, own in parts_of(batches):
            keys = parts[i].keys(own[:, 0] & ROW_MASK, parameters)
            yield pa.RecordBatch.from_arrays(
                [pa.array(c) for c in bands.combine(keys, own[:, 0])], ["key", "node", "smallest"]
            )

    rows = rows_of_parts(
        session, len(parts), admitted_rows, "node long, c0 long, c1 long, live boolean"
    ).persist()
    try:
        counts = rows.groupBy(F.shiftright("node", ROW_BITS).alias("part")).count().collect()
        admitted: dict[str, int] = {}
        for row in counts:
            admitted[parts[row["part"]].dump] = admitted.get(parts[row["part"]].dump, 0) + row["count"]
        groups = rows.groupBy("c0", "c1").agg(
            F.min("node").alias("smallest"), F.count("*").alias("n"), F.max("live").alias("live")
        )
        copies = rows.join(groups.where("n > 1").select("c0", "c1", "smallest"), ["c0", "c1"]).where(
            "node <> smallest"
        )
        shown = groups.where("live").select(F.col("smallest").alias("node"))
        keyed = map_arrow(by_part(shown), emit_keys, KEYED)
        edges = bands.spark_star_edges(keyed).unionByName(copies.select("node", "smallest"))
        return components.components(session, edges.distinct()), admitted
    finally:
        rows.unpersist()


def by_part(frame: Any) -> Any:
    """A frame with a column node, brought together by part and sorted by node."""
    from pyspark.sql import functions as F

    return frame.repartition(F.shiftright("node", ROW_BITS)).sortWithinPartitions("node")


def parts_of(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[int, Array]]:
    """(part, int64 [m, columns]) of batches of int64 columns, the first an ascending node; a
    part's rows come at once."""
    held: list[Array] = []
    for batch in batches:
        values = np.stack([column.to_numpy() for column in batch.columns], 1)
        for own in (
            np.split(values, np.flatnonzero(np.diff(values[:, 0] >> ROW_BITS)) + 1) if len(values) else []
        ):
            if held and held[0][0, 0] >> ROW_BITS != own[0, 0] >> ROW_BITS:
                yield int(held[0][0, 0] >> ROW_BITS), np.concatenate(held)
                held = []
            held.append(own)
    if held:
        yield int(held[0][0, 0] >> ROW_BITS), np.concatenate(held)
