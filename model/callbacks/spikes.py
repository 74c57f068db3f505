"""Loss spikes: flagged against the recent past. Every rank sees the same losses and so decides alike."""

from __future__ import annotations

import math
from collections import deque


class Spikes:
    """Mean and spread of the last `window` losses; a loss `width` deviations above is a spike."""

    def __init__(self, window: int = 50, width: float = 6.0) -> None:
        self.losses: deque[float] = deque(maxlen=window)
        self.width = width

    def is_spike(self, loss: float) -> bool:
        """Judge a finite loss, then remember it."""
        spike = False
        if len(self.losses) >= 10:
            mean = sum(self.losses) / len(self.losses)
            deviation = math.sqrt(sum((x - mean) ** 2 for x in self.losses) / len(self.losses))
            # At least 5 %, for smooth curves deviate by next to nothing.
            spike = loss > mean + max(self.width * deviation, 0.05 * abs(mean))
        self.losses.append(loss)
        return spike
