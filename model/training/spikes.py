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
    """The last losses of the present phase and the steps of the last spikes; `state` goes into
    checkpoints, so that a resumed run decides alike.

    Another phase reads another mixture at another rate, so that its losses have a level of their
    own: until `minimum` of them are known, a loss is held against the level of the phase before,
    with room for the change.
    """

    def __init__(self, policy: SpikePolicy, state: dict[str, Any] | None = None) -> None:
        state = state or {}
        self.policy = policy
        self.losses: deque[float] = deque(state.get("losses", []), maxlen=policy.window)
        self.steps: list[int] = list(state.get("steps", []))
        self.phase: str | None = state.get("phase")
        self.before: float | None = state.get("before")

    @property
    def state(self) -> dict[str, Any]:
        """Plain values that the constructor takes."""
        return {
            "losses": list(self.losses),
            "steps": self.steps,
            "phase": self.phase,
            "before": self.before,
        }

    def observe(self, step: int, loss: float, phase: str) -> bool:
        """Judge the loss of a step, and remember it unless it was a spike, which would hide the
        next."""
        if self.phase not in (None, phase):
            last = list(self.losses)[-self.policy.minimum :]
            self.before = sum(last) / len(last) if last else self.before
            self.losses.clear()
        self.phase = phase
        spike = not math.isfinite(loss) or loss > self._bound()
        if not spike:
            self.losses.append(loss)
        self.steps = [s for s in self.steps if s > step - self.policy.within] + [step] * spike
        return spike

    def _bound(self) -> float:
        """What a loss exceeds to be a spike."""
        policy = self.policy
        if len(self.losses) >= policy.minimum:
            mean = sum(self.losses) / len(self.losses)
            deviation = math.sqrt(sum((x - mean) ** 2 for x in self.losses) / len(self.losses))
            return mean + max(policy.width * deviation, policy.share * abs(mean))
        return math.inf if self.before is None else self.before * (1.0 + policy.opening)

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
