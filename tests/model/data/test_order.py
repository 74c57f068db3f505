"""The order is a permutation, keyed, local to windows."""

from __future__ import annotations

import numpy as np
import pytest

from model.data.order import BLOCK, WINDOW, Bijection, PassOrder


@pytest.mark.parametrize(
    "n", [1, 2, 3, 17, BLOCK - 1, BLOCK, BLOCK + 1, BLOCK * WINDOW + 5, 3 * BLOCK * WINDOW - 7]
)
def test_every_sequence_once_and_back(n: int) -> None:
    for key in range(3):
        order, index = PassOrder(n, key, "main/zh-webpages", 0), np.arange(n)
        position = order.position(index)
        assert np.array_equal(np.sort(position), index)
        assert np.array_equal(order.index(position), index)


def test_passes_seeds_and_sources_differ() -> None:
    index = np.arange(1000)
    first = PassOrder(1000, 1, "a", 0).position(index)
    assert np.array_equal(first, PassOrder(1000, 1, "a", 0).position(index))
    for other in (PassOrder(1000, 1, "a", 1), PassOrder(1000, 2, "a", 0), PassOrder(1000, 1, "b", 0)):
        assert (other.position(index) == first).mean() < 0.02
    assert abs(np.corrcoef(first, index)[0, 1]) < 0.15


def test_what_is_read_together_lies_in_few_blocks() -> None:
    order = PassOrder(100 * BLOCK, 1, "a", 0)
    blocks = np.unique(order.position(np.arange(BLOCK * WINDOW)) // BLOCK)
    assert len(blocks) == WINDOW and blocks.max() - blocks.min() > WINDOW


def test_one_index_costs_no_memory_at_full_size() -> None:
    n = 700_000_000  # 3 T tokens of 4,096
    order = PassOrder(n, 1, "a", 0)
    index = np.array([0, 12345678, n - 1])
    assert np.array_equal(order.index(order.position(index)), index)


def test_the_permutation_is_frozen() -> None:
    """Another permutation would make every running training read other data after an upgrade."""
    assert Bijection(10, "seed").forward(np.arange(10)).tolist() == FROZEN


FROZEN = [5, 4, 7, 8, 2, 6, 0, 9, 3, 1]
