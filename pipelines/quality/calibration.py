"""From a classifier's score to a probability, by isotonic regression on scores of texts that the
model did not learn.

Belongs here: fitting and applying the curve. Does not belong here: models (classifiers.py), bounds
on the probability (policies).

Both classes weigh one half, however many texts of each there are: a probability of .5 says that a
positive is as likely to have the score as a negative, and .02 that negatives are 49 times as
likely. So a bound does not move when a lake gathers more pages.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

SMALLEST = 1e-6  # scores are read as log odds, those nearer to 0 or 1 than this as if they were this near

Curve = dict[str, list[float]]
"""`score` and `probability` of the knots, both ascending."""


def fit_curve(positive: ArrayLike, negative: ArrayLike) -> Curve:
    """The curve that isotonic regression gives (pool adjacent violators), through the middles of its
    steps.

    Scores are of texts out of fold. Each class adds half a text of the other at every end, so that
    no probability is 0 or 1: with n texts of a class less than 1 in n is not seen. ValueError
    without both classes.
    """
    from scipy.optimize import isotonic_regression

    up, down = np.asarray(positive, float), np.asarray(negative, float)
    if not len(up) or not len(down):
        raise ValueError("a curve needs scores of both classes")
    scores = np.concatenate([up, down])
    truth = np.concatenate([np.ones(len(up)), np.zeros(len(down))])
    weight = np.concatenate([np.full(len(up), 0.5 / len(up)), np.full(len(down), 0.5 / len(down))])
    values, at = np.unique(scores, return_inverse=True)
    mass = np.bincount(at, weight)
    found = isotonic_regression(np.bincount(at, weight * truth) / mass, weights=mass)
    least = 0.5 / (1 + max(len(up), len(down)))
    knots: Curve = {"score": [], "probability": []}
    for start, end in pairwise(found.blocks.tolist()):
        middle = np.average(_log_odds(values[start:end]), weights=mass[start:end])
        knots["score"].append(round(float(1 / (1 + np.exp(-middle))), 7))
        knots["probability"].append(round(float(np.clip(found.x[start], least, 1 - least)), 5))
    return knots


def calibrated(score: ArrayLike, curve: Curve) -> NDArray[np.float64]:
    """The probability of each score: straight between knots over log odds, level beyond the ends."""
    knots = _log_odds(np.asarray(curve["score"], float))
    probabilities: NDArray[np.float64] = np.interp(
        _log_odds(np.asarray(score, float)), knots, curve["probability"]
    )
    return probabilities


def _log_odds(score: NDArray[np.float64]) -> NDArray[np.float64]:
    inside = np.clip(score, SMALLEST, 1 - SMALLEST)
    odds: NDArray[np.float64] = np.log(inside / (1 - inside))
    return odds
