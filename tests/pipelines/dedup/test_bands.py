"""Band keys; star edges in numpy and Spark; keys that are looked for among many."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pipelines.dedup import bands
from pipelines.engine import Spark
from tests.support.graphs import expected, frame

BANDS, ROWS = 3, 2
VALUES = hnp.arrays(
    np.uint16, st.tuples(st.integers(0, 12), st.just(BANDS * ROWS + 1)), elements=st.integers(0, 2)
)
KEYS = hnp.arrays(np.uint64, st.tuples(st.integers(0, 15), st.just(2)), elements=st.integers(0, 6))


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


def nodes_of(count: int) -> np.ndarray:
    """Distinct nodes in no order."""
    return np.random.default_rng(count).permutation(3 * count)[:count].astype(np.int64)


@settings(deadline=None)
@given(VALUES, st.integers(0, 3))
def test_two_documents_share_a_key_where_salt_band_and_its_values_are_equal(
    values: np.ndarray, seed: int
) -> None:
    salts = np.random.default_rng(seed).integers(0, 2, len(values))
    keys = bands.band_keys(values, BANDS, ROWS, salts)
    meant = [
        [(salts[doc], band, *values[doc, band * ROWS : (band + 1) * ROWS]) for band in range(BANDS)]
        for doc in range(len(values))
    ]
    flat, tuples = keys.ravel().tolist(), [t for row in meant for t in row]
    assert len(set(flat)) == len(set(tuples)) == len(set(zip(flat, tuples, strict=True)))


def plain_stars(keys: np.ndarray, nodes: np.ndarray) -> set[tuple[int, int]]:
    """(node, smallest node of a key) of every node but the smallest."""
    groups: dict[int, list[int]] = {}
    for row, node in zip(keys.tolist(), nodes.tolist(), strict=True):
        for key in row:
            groups.setdefault(key, []).append(node)
    return {(node, min(group)) for group in groups.values() for node in group if node != min(group)}


@settings(deadline=None)
@given(KEYS)
def test_what_a_part_combines_keeps_its_keys_and_its_edges(keys: np.ndarray) -> None:
    nodes = nodes_of(len(keys))
    key, node, smallest = bands.combine(keys, nodes)
    inside = smallest >= 0
    assert set(zip(node[inside].tolist(), smallest[inside].tolist(), strict=True)) == plain_stars(keys, nodes)
    assert np.array_equal(key[inside], node[inside] * bands.SPREAD)
    left = dict(zip(key[~inside].view(np.uint64).tolist(), node[~inside].tolist(), strict=True))
    assert left == {
        k: min(n for row, n in zip(keys.tolist(), nodes.tolist(), strict=True) if k in row) for k in left
    }
    assert set(left) == set(keys.ravel().tolist()) and len(left) == int((~inside).sum())
