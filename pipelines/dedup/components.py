"""Connected components of the candidate graph: on the driver, or in Spark above a bound.

Belongs here: edges in, (node, smallest node of its component) out. Does not belong here: what a
node is.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

Array = np.ndarray[Any, Any]
DRIVER_EDGES = 20_000_000  # 16 bytes each on the driver; above it Spark's rounds are the cheaper risk
MAX_ROUNDS = 60


class NotConverged(RuntimeError):
    """Components were still changing at the last allowed round: nothing may be removed on their
    word."""


def driver_components(edges: Array) -> tuple[Array, Array]:
    """(nodes, root), int64: the nodes of `edges` [m, 2] in order, and the smallest node of each
    one's component."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    if not len(edges):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    nodes, inverse = np.unique(edges, return_inverse=True)
    pairs = inverse.reshape(-1, 2)
    graph = coo_matrix(
        (np.ones(len(pairs), np.bool_), (pairs[:, 0], pairs[:, 1])), shape=(len(nodes), len(nodes))
    )
    _, labels = connected_components(graph, directed=False)
    _, first = np.unique(
        labels, return_index=True
    )  # nodes are sorted, so the first of a label is its smallest
    return nodes, nodes[first[labels]]


def spark_components(edges: Any, max_rounds: int = MAX_ROUNDS) -> Any:
    """The same of a Spark frame of two long columns: frame (node, root), by alternating large-star
    and small-star.

    Kiveris et al. 2014 (Connected Components in MapReduce and Beyond). The lineage is cut every
    round. Raises NotConverged after `max_rounds`.
    """
    from pyspark.sql import functions as F

    left, right = edges.columns
    now = (
        edges.select(F.greatest(left, right).alias("u"), F.least(left, right).alias("v"))
        .where("u <> v")
        .distinct()
        .localCheckpoint()
    )
    before = None
    for _ in range(max_rounds):
        both = now.unionByName(now.select(F.col("v").alias("u"), F.col("u").alias("v")))
        smallest = both.groupBy("u").agg(F.min("v").alias("m")).select("u", F.least("u", "m").alias("m"))
        large = (
            both.join(smallest, "u")
            .where("v > u")
            .select(F.col("v").alias("u"), F.col("m").alias("v"))
            .where("u <> v")
            .distinct()
        )
        low = large.groupBy("u").agg(F.min("v").alias("m"))
        small = large.join(low, "u").select(F.col("v").alias("u"), F.col("m").alias("v")).where("u <> v")
        following = small.unionByName(low.select("u", F.col("m").alias("v"))).distinct().localCheckpoint()
        # counts and sums alone may agree by chance between two rounds; a hash sum over the pairs
        # does not
        state = tuple(following.agg(F.count("*"), F.sum(F.xxhash64("u", "v").cast("decimal(38,0)"))).first())
        now.unpersist()
        now = following
        if state == before:
            roots = now.select(F.col("u").alias("node"), F.col("v").alias("root"))
            return roots.unionByName(
                now.select(F.col("v").alias("node"), F.col("v").alias("root")).distinct()
            )
        before = state
    raise NotConverged(
        f"components were still changing after {max_rounds} rounds: raise max_rounds; no release was made"
    )


def components(session: Any, edges: Any, driver_edges: int = DRIVER_EDGES) -> Any:
    """Components of a Spark frame of edges, found on the driver up to `driver_edges` edges, else in
    Spark: frame (node, root)."""
    edges = edges.persist()
    try:
        if edges.count() > driver_edges:
            return spark_components(edges)
        table = edges.toArrow()
        pairs = np.stack([table.column(i).to_numpy().astype(np.int64) for i in range(2)], 1)
        found = driver_components(pairs)
        return session.createDataFrame(pa.table(list(found), ["node", "root"]), "node long, root long")
    finally:
        edges.unpersist()
