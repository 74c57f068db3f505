"""How far decisions agree with what people said of the documents.

Belongs here: recalls, balanced accuracy and their intervals, from answers and decisions of documents
that are given side by side. Does not belong here: which labels there are (cards/labels.py), which
documents they are of (labelled.py), choosing bounds (fitting.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Z = 1.959964
"""Of a two-sided interval of 95 %."""


@dataclass(frozen=True)
class Proportion:
    """A share of labels, with its 95 % interval; without labels it is nan within [0, 1]."""

    share: float
    low: float
    high: float
    hits: int
    of: int

    def __str__(self) -> str:
        if not self.of:
            return "no labels"
        return f"{self.share:.3f} [{self.low:.2f}, {self.high:.2f}] of {self.of:,}"


@dataclass(frozen=True)
class Agreement:
    """Decisions beside answers. `border` answers are not among them."""

    keep: Proportion
    """Of the documents that a person would keep, those that are kept."""
    drop: Proportion
    """Of the documents that a person would drop, those that are dropped."""

    @property
    def balanced(self) -> float:
        """Mean of both recalls; nan where there are labels of one answer alone."""
        return (self.keep.share + self.drop.share) / 2

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of `balanced`, from those of both recalls (Newcombe 1998, method 10:
        distances to the limits are added as squares)."""
        pair = (self.keep, self.drop)
        if any(p.of == 0 for p in pair):
            return 0.0, 1.0
        down = math.hypot(*(p.share - p.low for p in pair)) / 2
        up = math.hypot(*(p.high - p.share for p in pair)) / 2
        return max(0.0, self.balanced - down), min(1.0, self.balanced + up)

    def lines(self) -> list[str]:
        """The three figures in words."""
        low, high = self.interval
        known = self.keep.of and self.drop.of
        return [
            f"keep recall {self.keep}",
            f"drop recall {self.drop}",
            f"balanced    {self.balanced:.3f} [{low:.2f}, {high:.2f}]"
            if known
            else "balanced    asks for labels of both answers",
        ]


def agreement(
    wanted: Sequence[bool] | NDArray[np.bool_],
    kept: Sequence[bool] | NDArray[np.bool_],
    weights: ArrayLike | None = None,
) -> Agreement:
    """Recalls of decisions `kept` against answers `wanted` (True: keep), documents side by side.

    `weights`: for how many documents of a dump each label stands, where labels were drawn more
    densely in some places; each counts one without them. Weighted intervals are those of as many
    equal labels as say as much (Kish 1965).
    """
    truth, found = np.asarray(wanted, bool), np.asarray(kept, bool)
    if len(truth) != len(found):
        raise ValueError(f"{len(truth)} answers stand beside {len(found)} decisions")
    weight = np.ones(len(truth)) if weights is None else np.asarray(weights, float)
    return Agreement(proportion(found[truth], weight[truth]), proportion(~found[~truth], weight[~truth]))


def proportion(hits: ArrayLike, weights: ArrayLike | None = None) -> Proportion:
    """The share of `hits` (booleans) with Wilson's interval."""
    hit = np.asarray(hits, bool)
    weight = np.ones(len(hit)) if weights is None else np.asarray(weights, float)
    total = float(weight.sum())
    if total <= 0:
        return Proportion(math.nan, 0.0, 1.0, int(hit.sum()), len(hit))
    share = float(weight[hit].sum()) / total
    low, high = wilson(share, total**2 / float((weight**2).sum()))
    return Proportion(share, low, high, int(hit.sum()), len(hit))


def wilson(share: float, number: float) -> tuple[float, float]:
    """The 95 % interval of a share measured on `number` > 0 independent labels (Wilson 1927);
    `number` may be a fraction."""
    z2 = Z * Z / number
    centre = (share + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(share * (1 - share) / number + z2 / (4 * number)) / (1 + z2)
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
