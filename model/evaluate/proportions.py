"""How far a measured share of right answers can be trusted.

Belongs here: intervals of proportions, and whether a score differs from guessing. Does not belong
here: which answers are right (choices.py, gsm8k.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

Z = 1.959964
"""Of a two-sided interval of 95 %."""


def wilson(share: float, number: float) -> list[float]:
    """The 95 % interval of a share measured on `number` independent answers (Wilson 1927): [low,
    high], within 0 to 1. `number` may be a fraction (see `effective`)."""
    if number <= 0:
        raise ValueError("the interval of a share of no answers is asked for")
    z2 = Z * Z / number
    centre = (share + z2 / 2) / (1 + z2)
    half = Z * math.sqrt(share * (1 - share) / number + z2 / (4 * number)) / (1 + z2)
    return [max(0.0, centre - half), min(1.0, centre + half)]


def effective(counts: Sequence[int]) -> float:
    """How many equally weighted answers say as much as a mean over subjects of these sizes does
    (Kish 1965: the square of the summed weights by the sum of their squares)."""
    return len(counts) ** 2 / sum(1 / n for n in counts)


def at_chance(interval: Sequence[float], chance: float) -> bool:
    """Whether guessing is within the interval, so that the score shows no knowledge."""
    return interval[0] <= chance <= interval[1]
