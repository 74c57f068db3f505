"""Random graphs with chains and hubs, their components by scipy, and Spark frames of edges."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pipelines.engine import Spark


def random_edges(seed: int, length: int = 60) -> np.ndarray:
    """Random pairs, a chain in random order, a hub of 80; ids are sparse and large."""
    gen = np.random.default_rng(seed)
    ids = gen.choice(1 << 40, 400, replace=False)
    chain = ids[:length]
    pairs = [
        np.stack([chain[:-1], chain[1:]], 1),
        np.stack([np.full(80, ids[100]), ids[101:181]], 1),
        gen.choice(ids[150:], (90, 2)),
    ]
    edges = np.concatenate(pairs).astype(np.int64)
    return edges[gen.permutation(len(edges))]


def expected(edges: np.ndarray) -> dict[int, int]:
    size, (nodes, inverse) = len(edges), np.unique(edges, return_inverse=True)
    pairs = inverse.reshape(-1, 2)
    _, labels = connected_components(
        coo_matrix((np.ones(size), (pairs[:, 0], pairs[:, 1])), shape=(len(nodes),) * 2), directed=False
    )
    return {int(n): int(nodes[labels == label].min()) for n, label in zip(nodes, labels, strict=True)}


def frame(spark: Spark, values: np.ndarray, names: str) -> object:
    return spark.session.createDataFrame([tuple(map(int, row)) for row in values], names)
