"""Both forms of components against scipy on random graphs with chains and hubs; star edges in numpy
and Spark."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from pipelines.dedup import bands, components
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


@pytest.mark.parametrize("seed", range(5))
def test_driver_components(seed: int) -> None:
    edges = random_edges(seed)
    nodes, roots = components.driver_components(edges)
    assert dict(zip(nodes.tolist(), roots.tolist(), strict=True)) == expected(edges)


def test_no_edges_no_components() -> None:
    assert [len(x) for x in components.driver_components(np.zeros((0, 2), np.int64))] == [0, 0]


def frame(spark: Spark, values: np.ndarray, names: str) -> object:
    return spark.session.createDataFrame([tuple(map(int, row)) for row in values], names)


def test_spark_components_are_the_drivers(spark: Spark) -> None:
    edges = random_edges(7, length=20)
    given = frame(spark, edges, "node long, smallest long")
    for bound in (0, components.DRIVER_EDGES):
        found = components.components(spark.session, given, driver_edges=bound).collect()
        assert len(found) == len(expected(edges))
        assert {r.node: r.root for r in found} == expected(edges)


def test_unconverged_components_are_an_error(spark: Spark) -> None:
    with pytest.raises(components.NotConverged, match="1 rounds"):
        components.spark_components(frame(spark, random_edges(3), "node long, smallest long"), max_rounds=1)


def star_graph(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Keys uint64 [60, 3] with a hot one that 50 documents share, and nodes in random order."""
    gen = np.random.default_rng(seed)
    keys = gen.integers(0, 40, (60, 3)).astype(np.uint64)
    keys[:50, 0] = 99
    return keys, gen.permutation(60).astype(np.int64)


def test_star_edges_go_to_the_smallest_of_a_key() -> None:
    keys, nodes = star_graph()
    wanted = set()
    for key in np.unique(keys):
        holders = nodes[(keys == key).any(1)]
        wanted |= {(int(n), int(holders.min())) for n in holders if n != holders.min()}
    assert set(map(tuple, bands.star_edges(keys, nodes).tolist())) == wanted


def test_combined_stars_bind_what_stars_bind_and_a_hot_key_is_a_row_a_part(spark: Spark) -> None:
    keys, nodes = star_graph()
    rows = []
    for part in range(0, 60, 20):
        combined = np.stack(bands.combine(keys[part : part + 20], nodes[part : part + 20]), 1)
        assert (combined[:, 2] < 0).sum() == len(np.unique(keys[part : part + 20]))
        rows.append(combined)
    given = frame(spark, np.concatenate(rows), "key long, node long, smallest long")
    found = np.array([(r.node, r.smallest) for r in bands.spark_star_edges(given).collect()])
    assert expected(found) == expected(bands.star_edges(keys, nodes))


def test_band_keys_depend_on_band_values_and_salt() -> None:
    values = np.tile(np.arange(8, dtype=np.uint16), (2, 2))
    keys = bands.band_keys(values, 2, 8)
    assert keys[0, 0] != keys[0, 1]  # equal values in another band
    assert np.array_equal(keys[0], keys[1])
    salted = bands.band_keys(values, 2, 8, np.array([0, 1]))
    assert np.array_equal(salted[0], keys[0])
    assert not set(salted[1].tolist()) & set(keys[1].tolist())
    chosen = bands.band_keys(values, 2, 8, np.array([1]), np.array([1]))
    assert np.array_equal(chosen[0], salted[1])


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**64 - 1)), st.lists(st.integers(0, 2**64 - 1)), st.integers(0, 40))
def test_wanted_keys_are_found_where_they_are(wanted: list[int], others: list[int], shared: int) -> None:
    keys = np.array(
        others + wanted[:shared] + [k ^ 1 << 40 for k in wanted], np.uint64
    )  # the last differ where few bits look
    found = bands.Wanted(np.array(wanted, np.uint64)).places(keys)
    assert found.tolist() == np.flatnonzero(np.isin(keys, np.array(wanted, np.uint64))).tolist()
