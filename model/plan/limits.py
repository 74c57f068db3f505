"""Bounds that a run card may set, and that the training loop and the reports keep.

Belongs here: when a loss is a spike, what preflight judges, how much the reports ask. Does not
belong here: judging (training/spikes.py, training/preflight.py), the longest silence of a rank
(run/heartbeat.py). No torch.
"""

from __future__ import annotations

from pydantic import Field, model_validator

from model.plan.base import Config


class SpikePolicy(Config):
    """When a loss is a spike, and when spikes are too many. Ours: the paper shows spikes (Figure 3)
    and names no rule."""

    window: int = Field(default=128, gt=0)
    """Steps whose losses are the norm (OLMo-core's SkipStepOptimizer)."""
    width: float = Field(default=6.0, gt=0)
    """Deviations above the mean (OLMo-core's SkipStepOptimizer)."""
    share: float = Field(default=0.05, ge=0)
    """Part of the mean that a spike exceeds it by at least: smooth curves deviate by next to
    nothing (ours)."""
    minimum: int = Field(default=10, gt=0)
    """Losses of a phase to have seen before one is judged by them (ours)."""
    opening: float = Field(default=0.5, gt=0)
    """Part of the last phase's level that a loss exceeds it by at least until then: a phase has
    other data, and may lie 30 % higher for good (ours)."""
    limit: int = Field(default=5, gt=0)
    """Spikes among the last `within` steps after which the run goes back (ours)."""
    within: int = Field(default=20, gt=0)
    """Steps among which spikes are counted (ours)."""
    budget: int = Field(default=3, ge=0)
    """Returns of one run at most (ours)."""

    @model_validator(mode="after")
    def _can_be_met(self) -> SpikePolicy:
        if self.minimum > self.window:
            raise ValueError(f"minimum {self.minimum} losses are never in a window of {self.window}")
        if self.limit > self.within:
            raise ValueError(f"limit {self.limit} spikes are never among the last {self.within} steps")
        return self


class PreflightLimits(Config):
    """What is judged before step 1 (ours)."""

    hash_bytes: int = Field(default=256 << 20, ge=0)
    """Shard bytes that a rank hashes at most; sizes are compared for every file."""
    checkpoint_copies: float | None = Field(default=None, ge=0)
    """Free disk, in checkpoints; none: `keep_last` and the one that is written beside them, less
    those that are there."""
    clock_skew_seconds: float = Field(default=5.0, ge=0)
    """By which a rank's clock may be ahead of the earliest without a warning."""
    slow_share: float = Field(default=0.8, ge=0, le=1)
    """Of the median rank's matrix product, below which a rank is called slow."""
    bandwidth_gigabytes_per_second: float = Field(default=0.0, ge=0)
    """All-reduce bus bandwidth below which there is a warning; 0: shown, not judged."""


class EvaluationLimits(Config):
    """How much of each set the reports of a run ask, spread evenly over a benchmark's subjects
    (ours: the paper asks all)."""

    questions: int = Field(default=50, ge=0)
    """Of each benchmark; 0: all."""
    documents: int | None = Field(default=None, ge=0)
    """Of each set of domain perplexity and leakage; 0: all; none: all on a GPU, 100 on a CPU."""

    def of(self, task: str) -> int | None:
        """The limit of a task of `model.evaluate`; validation reads all."""
        return {"benchmarks": self.questions, "overfit": self.questions, "validation": 0}.get(
            task, self.documents
        )
