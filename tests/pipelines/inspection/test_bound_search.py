"""Numbers between two others, and moves that stand on labels of several hosts."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.filtering.policy import Bound, RuleSet
from pipelines.inspection.bound_search import FitOptions, number_between, search
from pipelines.inspection.fit_rows import FitRows, deal, kept_by

FLOATS = st.floats(-1e6, 1e6, width=32)


def rows(values: list[float], wanted: list[bool], groups: list[str] | None = None) -> FitRows:
    count = len(values)
    return FitRows(
        np.full(count, "webpages", object),
        np.full(count, "zh", object),
        tuple(groups or [f"host{i}" for i in range(count)]),
        np.array(wanted, bool),
        np.ones(count),
        np.zeros(count, bool),
        {"rules/digits": pa.array(values, pa.float32()), "rules/num_lines": pa.array([9.0] * count)},
    )


def a_set(**limits: float) -> RuleSet:
    return RuleSet(
        name="s",
        categories=("*",),
        languages=("*",),
        bounds={"rules/digits": Bound(source="test", **limits)},
    )


@given(FLOATS, FLOATS, FLOATS)
def test_a_number_between_lies_between_as_the_judge_compares(a: float, b: float, near: float) -> None:
    low, high = sorted((a, b))
    if low < high:
        assert low <= float(np.float32(number_between(low, high, near))) < high


@pytest.mark.parametrize(
    ("low", "high", "near", "wanted"),
    [(0.1312, 0.1571, 0.1, 0.14), (0.1312, 0.1571, 0.3, 0.15), (47, 53, 50, 50), (61, float("inf"), 50, 61)],
)
def test_a_number_between_is_short_and_near_the_present_one(
    low: float, high: float, near: float, wanted: float
) -> None:
    assert number_between(low, high, near) == wanted


def test_a_limit_that_removes_good_text_is_loosened_no_further_than_labels_ask_for() -> None:
    good = [0.1] * 10 + [0.35] * 10
    found = rows(good + [0.6] * 10, [True] * 20 + [False] * 10)
    fitted, (move,), short = search(found, a_set(max=0.3), deal(found.groups, 5), FitOptions())
    assert move.new == 0.35 and (move.labels, move.right, move.hosts) == (10, 10, 10) and not short
    assert kept_by(fitted, found).tolist() == found.wanted.tolist()
    assert "was 0.3 (test)" in fitted.bounds["rules/digits"].source


def test_a_limit_is_tightened_where_bad_text_passes() -> None:
    found = rows([0.5] * 20 + [0.1] * 10, [True] * 20 + [False] * 10)
    fitted, (move,), _ = search(found, a_set(min=0.05), deal(found.groups, 5), FitOptions())
    assert 0.1 < move.new <= 0.5 and move.right == 10 and kept_by(fitted, found).sum() == 20


def test_few_labels_one_host_and_lost_good_text_move_nothing() -> None:
    folds = deal([f"host{i}" for i in range(27)], 5)
    few = rows([0.1] * 10 + [0.35] * 7 + [0.6] * 10, [True] * 17 + [False] * 10)
    fitted, moves, short = search(few, a_set(max=0.3), folds, FitOptions())
    assert fitted == a_set(max=0.3) and not moves and short == {("rules/digits", "max"): 7}
    assert search(few, a_set(max=0.3), folds, FitOptions(labels=7))[1]

    groups = [f"host{i}" for i in range(10)] + ["one"] * 7 + [f"other{i}" for i in range(10)]
    one = rows([0.1] * 10 + [0.35] * 7 + [0.6] * 10, [True] * 17 + [False] * 10, groups)
    assert not search(one, a_set(max=0.3), deal(groups, 5), FitOptions(labels=3))[1]

    dear = rows([0.1] * 5 + [0.2] * 95 + [0.15] * 20, [True] * 100 + [False] * 20)
    folds = deal(dear.groups, 5)
    assert not search(dear, a_set(max=0.3), folds, FitOptions())[1]


def test_a_bound_that_asks_for_other_numbers_is_fitted_on_documents_that_have_them() -> None:
    found = rows([0.1] * 10 + [0.35] * 10 + [0.6] * 10, [True] * 20 + [False] * 10)
    quiet = RuleSet(
        name="s",
        categories=("*",),
        languages=("*",),
        bounds={"rules/digits": Bound(source="test", max=0.3, least={"rules/num_lines": 10})},
    )
    assert not search(found, quiet, deal(found.groups, 5), FitOptions())[1]
