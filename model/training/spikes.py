"""Loss spikes: what counts as one, and when a run goes back.

Belongs here: the decision, from losses that every rank sees alike, so that all decide alike. Does
not belong here: loading and skipping (train.py).

A spike is applied and flagged. When `limit` of the last `within` steps were spikes or not finite,
the run returns to the last checkpoint before the first of them, and leaves out the samples from
that step to the present; at most `budget` times.
"""

from __future__ import annotations

import json
import math
from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import write_json
from model.plan.limits import SpikePolicy

SKIPS = "skips.json"


class Spikes:
    """The last losses and the steps of the last spikes; `state` goes into checkpoints, so that a
    resumed run decides alike."""

    def __init__(self, policy: SpikePolicy, state: dict[str, Any] | None = None) -> None:
        state = state or {}
        self.policy = policy
        self.losses: deque[float] = deque(state.get("losses", []), maxlen=policy.window)
        self.steps: list[int] = list(state.get("steps", []))

    @property
    def state(self) -> dict[str, Any]:
        """Plain values that the constructor takes."""
        return {"losses": list(self.losses), "steps": self.steps}

    def observe(self, step: int, loss: float) -> bool:
        """Judge the loss of a step, and remember it unless it was a spike, which would hide the
        next."""
        spike = not math.isfinite(loss)
        if not spike and len(self.losses) >= self.policy.minimum:
            mean = sum(self.losses) / len(self.losses)
            deviation = math.sqrt(sum((x - mean) ** 2 for x in self.losses) / len(self.losses))
            spike = loss > mean + max(self.policy.width * deviation, self.policy.share * abs(mean))
        if not spike:
            self.losses.append(loss)
        self.steps = [s for s in self.steps if s > step - self.policy.within] + [step] * spike
        return spike

    @property
    def too_many(self) -> bool:
        """Whether the run should go back to before `steps[0]`."""
        return len(self.steps) >= self.policy.limit


@dataclass(frozen=True)
class Skip:
    """Samples of the steps first .. end - 1 are not trained on (steps count from 0); `checkpoint`
    is where the run went back to."""

    first: int
    end: int
    checkpoint: str


class Skips:
    """`skips.json` of a run: written before the return, so that a run killed meanwhile skips the
    same range."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / SKIPS
        self.ranges = [Skip(**v) for v in json.loads(self.path.read_text())] if self.path.exists() else []

    def add(self, skip: Skip, write: bool) -> None:
        """Remember a range; `write` on one rank only."""
        self.ranges.append(skip)
        if write:
            write_json(self.path, [asdict(s) for s in self.ranges])

    def end_of(self, step: int) -> int:
        """The first step at or after `step` that is trained."""
        while inside := [s.end for s in self.ranges if s.first <= step < s.end]:
            step = max(inside)
        return step
