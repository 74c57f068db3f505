"""Bounds that a run card may set and that the training loop keeps.

Belongs here: when a loss is a spike, what preflight judges. Does not belong here: judging
(training/spikes.py, training/preflight.py), the longest silence of a rank (run/heartbeat.py). No
torch.
"""

from __future__ import annotations

from model.plan.base import Config


class SpikePolicy(Config):
    """When a loss is a spike, and when spikes are too many. Ours: the paper shows spikes (Figure 3)
    and names no rule."""

    window: int = 128
    """Steps whose losses are the norm (OLMo-core's SkipStepOptimizer)."""
    width: float = 6.0
    """Deviations above the mean (OLMo-core's SkipStepOptimizer)."""
    share: float = 0.05
    """Part of the mean that a spike exceeds it by at least: smooth curves deviate by next to
    nothing (ours)."""
    minimum: int = 10
    """Losses to have seen before any is judged (ours)."""
    limit: int = 5
    """Spikes among the last `within` steps after which the run goes back (ours)."""
    within: int = 20
    """Steps among which spikes are counted (ours)."""
    budget: int = 3
    """Returns of one run at most (ours)."""


class PreflightLimits(Config):
    """What is judged before step 1 (ours)."""

    hash_bytes: int = 256 << 20
    """Shard bytes that a rank hashes at most; sizes are compared for every file."""
    checkpoint_copies: float = 2.0
    """Free disk, in checkpoints: the one that is written beside the last."""
    clock_skew_seconds: float = 5.0
    """By which a rank's clock may be ahead of the earliest without a warning."""
    slow_share: float = 0.8
    """Of the median rank's matrix product, below which a rank is called slow."""
    bandwidth_gigabytes_per_second: float = 0.0
    """All-reduce bus bandwidth below which there is a warning; 0: shown, not judged."""
