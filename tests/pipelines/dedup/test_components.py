"""Both forms of components against scipy on random graphs with chains and hubs."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.dedup import components
from pipelines.engine import Spark
from tests.support.graphs import expected, frame, random_edges


@pytest.mark.parametrize("seed", range(5))
def test_driver_components(seed: int) -> None:
    edges = random_edges(seed)
    nodes, roots = components.driver_components(edges)
    assert dict(zip(nodes.tolist(), roots.tolist(), strict=True)) == expected(edges)


def test_no_edges_no_components() -> None:
    assert [len(x) for x in components.driver_components(np.zeros((0, 2), np.int64))] == [0, 0]


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
