"""Band keys and star edges: which documents may be near-duplicates.

Belongs here: from MinHash values to edges between documents. Does not belong here: components, verification.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pipelines.dedup.kernel import MIX, SEED, STEP, U64

Array = np.ndarray[Any, Any]


@njit(cache=True)
def _keys(values, salts, bands, rows, out):  # type: ignore[no-untyped-def]
    for doc in range(values.shape[0]):
        for band in range(bands):
            h = (SEED + U64(band)) * STEP ^ U64(salts[doc]) * MIX
            for r in range(rows):
                h = (h ^ U64(values[doc, band * rows + r])) * STEP
                h ^= h >> U64(29)
            h = (h ^ (h >> U64(32))) * MIX
            out[doc, band] = h ^ (h >> U64(31))


def band_keys(values: Array, bands: int, rows: int, salts: Array | None = None) -> Array:
    """64-bit keys over (salt, band, its `rows` values): uint64 [n, bands] of uint16 [n, num_perm].

    Documents of different salt (int64 [n]) never share a key.
    """
    out = np.empty((len(values), bands), np.uint64)
    _keys(values, np.zeros(len(values), np.int64) if salts is None else salts, bands, rows, out)
    return out


def star_edges(keys: Array, nodes: Array) -> Array:
    """Edges (node, smallest node with the same key), int64 [m, 2], distinct: n - 1 for a key of n documents."""
    flat, owners = keys.ravel(), np.repeat(nodes.astype(np.int64), keys.shape[1])
    order = np.argsort(flat, kind="stable")
    flat, owners = flat[order], owners[order]
    if not len(flat):
        return np.zeros((0, 2), np.int64)
    starts = np.flatnonzero(np.r_[True, flat[1:] != flat[:-1]])
    smallest = np.repeat(np.minimum.reduceat(owners, starts), np.diff(np.r_[starts, len(flat)]))
    edges = np.stack([owners, smallest], 1)[owners != smallest]
    return np.unique(edges, axis=0) if len(edges) else np.zeros((0, 2), np.int64)


def spark_star_edges(keys: Any) -> Any:
    """The same of a Spark frame (key long, node long): frame (node, smallest).

    A minimum with map-side combine, then a join: a hot key is one row of the aggregate, and adaptive execution splits
    its side of the join, so no task holds a bucket.
    """
    from pyspark.sql import functions as F

    smallest = keys.groupBy("key").agg(F.min("node").alias("smallest"), F.count("*").alias("n")).where("n > 1").drop("n")
    return keys.join(smallest, "key").where("node <> smallest").select("node", "smallest").distinct()
