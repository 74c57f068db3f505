"""Intervals over seeds: Student's t, and no difference claimed where zero is within."""

from __future__ import annotations

import math

import pytest

from experiments.two_stages.compare import comparison, half_width, spread

# Differences within three seeds with mean .045 and standard deviation .029: p is .115.
THREE = [0.016, 0.045, 0.074]


def test_the_interval_is_of_students_t() -> None:
    assert half_width(THREE) == pytest.approx(4.302653 * 0.029 / math.sqrt(3), rel=1e-6)
    assert spread(THREE) == "+0.045 ± 0.072"
    assert half_width([0.045]) == math.inf


def test_no_difference_is_claimed_where_zero_is_within() -> None:
    assert comparison(THREE).endswith("(not told apart)")
    assert comparison([0.040, 0.045, 0.050]).endswith("(apart)")
    assert comparison([0.9]).endswith("(not told apart)")
