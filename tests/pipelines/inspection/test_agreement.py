"""Figures of agreement against counts by hand and scipy's intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from pipelines.inspection.agreement import agreement, proportion, wilson


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_intervals_are_wilsons(counts: tuple[int, int]) -> None:
    hits, of = counts
    wanted = binomtest(hits, of).proportion_ci(method="wilson")
    assert wilson(hits / of, of) == pytest.approx((wanted.low, wanted.high), abs=1e-6)


def test_recalls_and_their_mean_by_hand() -> None:
    found = agreement([True] * 4 + [False] * 2, [True, True, True, False, False, True])
    assert (found.keep.share, found.drop.share, found.balanced) == (0.75, 0.5, 0.625)
    assert (found.keep.hits, found.keep.of, found.drop.of) == (3, 4, 2)
    low, high = found.interval
    assert 0 < low < 0.625 < high < 1
    assert found.lines()[0].startswith("keep recall 0.750 [0.30, 0.95] of 4")


@given(st.lists(st.tuples(st.booleans(), st.booleans(), st.integers(1, 9)), min_size=1, max_size=40))
def test_a_weight_counts_as_so_many_labels_in_the_share_and_as_fewer_in_the_interval(
    rows: list[tuple[bool, bool, int]],
) -> None:
    wanted, kept, weights = (np.array(column) for column in zip(*rows, strict=True))
    weighted = agreement(wanted, kept, weights)
    repeated = agreement(np.repeat(wanted, weights), np.repeat(kept, weights))
    for one, many in ((weighted.keep, repeated.keep), (weighted.drop, repeated.drop)):
        if one.of:
            assert one.share == pytest.approx(many.share)
            assert one.low <= many.low + 1e-9 and one.high >= many.high - 1e-9
            assert 0 <= one.low <= one.share <= one.high <= 1
        else:
            assert math.isnan(one.share) and (one.low, one.high) == (0, 1)


def test_equal_weights_change_nothing() -> None:
    hits = [True, False, True]
    assert proportion(hits, [2.5, 2.5, 2.5]) == proportion(hits)


def test_without_labels_of_an_answer_it_says_so() -> None:
    found = agreement([True], [True])
    assert str(found.drop) == "no labels" and "both answers" in found.lines()[2]
    assert found.interval == (0.0, 1.0)


def test_answers_and_decisions_of_other_lengths_are_refused() -> None:
    with pytest.raises(ValueError, match="2 answers stand beside 1"):
        agreement([True, False], [True])
