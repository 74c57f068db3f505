from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.quality.held_out import auc, held_out_report, precision_at

SCORES = st.lists(st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.0]), min_size=1, max_size=20)


@given(SCORES, SCORES)
def test_auc_is_the_share_of_pairs_in_order(positive: list[float], negative: list[float]) -> None:
    pairs = [(p > n) + (p == n) / 2 for p in positive for n in negative]
    assert auc(positive, negative) == pytest.approx(sum(pairs) / len(pairs), abs=1e-4)


@given(SCORES, SCORES)
def test_recall_at_a_prevalence_equals_counting(positive: list[float], negative: list[float]) -> None:
    best = 0.0
    for threshold in {*positive, *negative}:
        true, false = np.mean(np.array(positive) >= threshold), np.mean(np.array(negative) >= threshold)
        if true and 0.1 * true / (0.1 * true + 0.9 * false) >= 0.9:
            best = max(best, float(true))
    assert held_out_report(positive, negative)["recall_at_precision_0.9_prevalence_0.1"] == pytest.approx(
        best, abs=1e-4
    )


def test_the_chosen_threshold_keeps_its_promise() -> None:
    found = held_out_report([0.9, 0.8, 0.7, 0.2], [0.1] * 97 + [0.75] * 3)
    assert found["threshold"] == 0.8 and found["recall"] == 0.5 and found["precision"] == 1.0


def test_rare_positives_cost_precision() -> None:
    assert precision_at([1.0], [0.01], 0.5)[0] > 0.98 and precision_at([1.0], [0.01], 0.01)[0] < 0.51
    assert auc([], [1]) is None


def test_auc() -> None:
    assert auc([3, 4], [1, 2]) == 1.0 and auc([1], [1]) == 0.5 and auc([], [1]) is None
