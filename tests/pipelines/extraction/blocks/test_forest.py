from __future__ import annotations

import json

import numpy as np
import pytest

from pipelines.extraction.blocks.forest import Fit, Forest, fit

HOW = Fit(num_trees=60, depth=3, feature_share=1.0)


def data() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    rows = random.random((3000, 4)).astype(np.float32)
    return rows, ((rows[:, 0] > 0.5) ^ (rows[:, 2] > 0.3)) * 0.8 + 0.1


def test_learns_an_interaction_from_soft_labels() -> None:
    rows, labels = data()
    chances = fit(rows[:2000], labels[:2000], np.ones(2000), HOW).predict(rows[2000:])
    assert np.abs(chances - labels[2000:]).mean() < 0.06


def test_prediction_is_the_sum_of_the_trees() -> None:
    rows, labels = data()
    forest = fit(rows, labels, np.ones(len(rows)), HOW)
    for row, chance in zip(rows[:150], forest.predict(rows[:150]), strict=True):
        odds = forest.bias
        for questions, limits, values in zip(forest.features, forest.thresholds, forest.values, strict=True):
            odds += values[
                int("".join(str(int(row[f] > v)) for f, v in zip(questions, limits, strict=True)), 2)
            ]
        assert np.isclose(chance, 1 / (1 + np.exp(-odds)))


def test_same_data_same_forest_and_json_keeps_it() -> None:
    rows, labels = data()
    a, b = (fit(rows, labels, np.ones(len(rows)), HOW).to_json(tuple("abcd")) for _ in range(2))
    assert a == b
    again = Forest.from_json(json.loads(json.dumps(a)), tuple("abcd"))
    assert again.to_json(tuple("abcd")) == a
    assert np.abs(again.predict(rows) - fit(rows, labels, np.ones(len(rows)), HOW).predict(rows)).max() < 0.02
    with pytest.raises(ValueError, match="'d'"):
        Forest.from_json({"bias": 0, "trees": [{"if": ["d > 1"], "then": [0, 1]}]}, ("a",))
