"""The mixing that ends every hash."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.kernels import hashing64, reference


@settings(deadline=None)
@given(st.integers(0, (1 << 64) - 1))
def test_avalanche_equals_the_plain_form(value: int) -> None:
    assert int(hashing64.avalanche(np.uint64(value))) == reference.avalanche(value)


def test_factors_are_odd_so_that_no_two_words_become_one() -> None:
    factors = (hashing64.GOLDEN, hashing64.MIX, hashing64.STEP, hashing64.FNV_PRIME)
    assert all(int(factor) % 2 for factor in factors)
