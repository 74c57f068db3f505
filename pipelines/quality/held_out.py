"""How good a classifier is on what it was not trained on.

Belongs here: numbers from scores of positives and negatives. Does not belong here: models, choosing
examples.

Precision depends on how rare positives are. The held-out sample has a share of them that means
nothing, so precision and recall are given for prevalences that a crawl has: with false positive
rate f and true positive rate t, precision = p t / (p t + (1 - p) f).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

PRECISION = 0.9
PREVALENCES = (0.01, 0.1)
CHOSEN_AT = 0.1  # the prevalence for which the card names a threshold


def auc(positive: ArrayLike, negative: ArrayLike) -> float | None:
    """Area under the ROC curve, ties counted half; None without both classes."""
    ordered, scores = np.sort(np.asarray(negative, float)), np.asarray(positive, float)
    if not len(ordered) or not len(scores):
        return None
    below = np.searchsorted(ordered, scores, "left") + np.searchsorted(ordered, scores, "right")
    return round(float(below.mean() / 2 / len(ordered)), 4)


def rates(
    positive: ArrayLike, negative: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(thresholds, true positive rates, false positive rates) of `score >= threshold`, thresholds
    ascending."""
    up, down = np.sort(np.asarray(positive, float)), np.sort(np.asarray(negative, float))
    thresholds = np.unique(np.concatenate([up, down]))
    true = 1 - np.searchsorted(up, thresholds, "left") / max(len(up), 1)
    false = 1 - np.searchsorted(down, thresholds, "left") / max(len(down), 1)
    return thresholds, true, false


def precision_at(true: ArrayLike, false: ArrayLike, prevalence: float) -> NDArray[np.float64]:
    """Precision of a classifier with these rates where a share `prevalence` is positive; 0 where
    nothing is found."""
    hits, alarms = prevalence * np.asarray(true, float), (1 - prevalence) * np.asarray(false, float)
    return np.divide(hits, hits + alarms, out=np.zeros_like(hits), where=hits + alarms > 0)


def held_out_report(positive: ArrayLike, negative: ArrayLike) -> dict[str, Any]:
    """AUC; recall at PRECISION for each prevalence; the threshold that gives it at CHOSEN_AT, and
    precision and recall there.

    With n negatives a false positive rate below 1 / n is not seen: `negatives` says how fine the
    figures are.
    """
    found: dict[str, Any] = {
        "positives": len(np.asarray(positive)),
        "negatives": len(np.asarray(negative)),
        "auc": auc(positive, negative),
    }
    if found["auc"] is None:
        return found
    thresholds, true, false = rates(positive, negative)
    for prevalence in PREVALENCES:
        good = np.flatnonzero(precision_at(true, false, prevalence) >= PRECISION)
        found[f"recall_at_precision_{PRECISION}_prevalence_{prevalence}"] = (
            round(float(true[good[0]]), 4) if len(good) else 0.0
        )
        if prevalence == CHOSEN_AT and len(good):
            k = good[0]
            found |= {"threshold": round(float(thresholds[k]), 4), "recall": round(float(true[k]), 4)}
            found["precision"] = round(
                float(precision_at(true[k : k + 1], false[k : k + 1], prevalence)[0]), 4
            )
    return found
