from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.calibration import calibrated, fit_curve
from pipelines.quality.held_out import auc

SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


@settings(deadline=None)
@given(SCORES, SCORES, SCORES)
def test_a_higher_score_is_never_less_probable(up: list[float], down: list[float], new: list[float]) -> None:
    found = calibrated(sorted(new), fit_curve(up, down))
    assert (np.diff(found) >= 0).all() and ((found > 0) & (found < 1)).all()


def test_probabilities_are_of_classes_that_weigh_alike_however_many_texts_there_are() -> None:
    rng = np.random.default_rng(1)
    up, down = rng.beta(4, 2, 4000), rng.beta(2, 4, 4000)
    whole, few = fit_curve(up, down), fit_curve(up, down[:1000])
    points = np.linspace(0.2, 0.8, 7)
    true = points**2 / (points**2 + (1 - points) ** 2)  # the ratio of the two densities
    assert np.abs(calibrated(points, whole) - true).max() < 0.06
    assert np.abs(calibrated(points, few) - true).max() < 0.09


def test_what_a_score_tells_apart_its_probability_tells_apart() -> None:
    rng = np.random.default_rng(2)
    up, down = rng.beta(3, 2, 500), rng.beta(2, 3, 500)
    curve = fit_curve(up, down)
    before, after = auc(up, down), auc(calibrated(up, curve), calibrated(down, curve))
    assert before is not None and after is not None and after > before - 0.01


def test_a_curve_of_one_class_is_refused() -> None:
    with pytest.raises(ValueError, match="both classes"):
        fit_curve([0.5], [])
