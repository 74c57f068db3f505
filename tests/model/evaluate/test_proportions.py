"""Intervals against those of a table, and what is at chance."""

from __future__ import annotations

import pytest

from model.evaluate.proportions import at_chance, effective, wilson


def test_wilson_intervals_are_scipys() -> None:
    scipy = pytest.importorskip("scipy.stats")
    for right, number in ((0, 50), (13, 50), (50, 50), (1, 1), (611, 1346)):
        wanted = scipy.binomtest(right, number).proportion_ci(0.95, "wilson")
        assert wilson(right / number, number) == pytest.approx([wanted.low, wanted.high], abs=1e-6)
    with pytest.raises(ValueError):
        wilson(0.5, 0)


def test_a_mean_over_equal_subjects_counts_every_answer_and_over_unequal_ones_fewer() -> None:
    assert effective([5, 5, 5]) == pytest.approx(15)
    assert effective([1, 100]) == pytest.approx(4 / 1.01)


def test_guessing_is_told_from_knowing() -> None:
    assert at_chance(wilson(0.30, 50), 0.25) and not at_chance(wilson(0.30, 5000), 0.25)
    assert not at_chance(wilson(0.05, 200), 0.25)
