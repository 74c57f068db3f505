"""A bit table never hides a key that it was made of, and hides most others."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels.bit_tables import bit_table, may_hold


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=50))
def test_no_key_is_hidden(keys: list[int]) -> None:
    table = bit_table(np.array(keys, np.uint64))
    mask = np.uint64(len(table) - 1)
    assert all(may_hold(table, mask, np.uint64(key)) for key in keys)


def test_most_other_keys_are_hidden() -> None:
    rng = np.random.default_rng(0)
    keys, others = rng.integers(0, 1 << 63, (2, 2000)).astype(np.uint64)
    table = bit_table(keys)
    mask = np.uint64(len(table) - 1)
    assert sum(bool(may_hold(table, mask, key)) for key in others) < 200
