"""Phases of a run as a card asks for them: stage, tokens, learning rate, mixture.

Belongs here: one phase and its schedule. Does not belong here: the card around them (card.py),
where a phase lies in the run (plan.py). No torch.
"""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field, model_validator

from model.plan.base import Config
from model.plan.mixture import StemShare

StageName = Literal["stage1", "stage2"]
STAGES: tuple[StageName, ...] = ("stage1", "stage2")
"""The two stages of the paper, in order."""
Mixture = Literal["table1"] | dict[str, float]
STEM_RAMP = StemShare(kind="quadratic", start=0.10, end=0.40)
"""Paper 3.6.2: from 10 % to 40 %, 20 % on average."""


class Schedule(Config):
    """Learning rate by tokens of the phase: linear warm-up to `peak`, then constant or cosine to
    `final`."""

    kind: Literal["constant", "cosine"] = "constant"
    """What follows the warm-up."""
    peak: float = Field(gt=0)
    """The rate after the warm-up."""
    final: float = Field(default=0.0, ge=0)
    """The rate at the end of a cosine."""
    warmup_tokens: int = Field(default=0, ge=0)
    """Tokens of linear warm-up from 0."""

    def at(self, tokens: int, total: int) -> float:
        """The rate when `tokens` of the phase's `total` have been consumed."""
        if tokens < self.warmup_tokens:
            return self.peak * tokens / self.warmup_tokens
        if self.kind == "constant":
            return self.peak
        done = (tokens - self.warmup_tokens) / max(1, total - self.warmup_tokens)
        return self.final + (self.peak - self.final) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


class Phase(Config):
    """One phase of a run card. Where its release or its seed is not the last phase's, each source
    begins a new pass."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Names the phase in plans and reports."""
    stage: StageName
    """Phases of stage1 come before those of stage2."""
    tokens: int = Field(gt=0)
    """Tokens that the phase reads; rounded up to whole steps."""
    schedule: Schedule
    """Learning rate by tokens of the phase."""
    mixture: Mixture = "table1"
    """Shares of the main sources: the paper's Table 1, or weights by source; `en-webpages` stands for all
    its buckets, `en-webpages/q3` for those that begin so."""
    stem: StemShare = StemShare()
    """Share of SkyPile-STEM over the phase."""
    release: str = ""
    """The card's, unless given."""
    seed: int | None = None
    """Of the order of samples; the card's, unless given."""

    @model_validator(mode="after")
    def _warm_in_time(self) -> Phase:
        if self.schedule.warmup_tokens > self.tokens:
            raise ValueError(
                f"schedule.warmup_tokens {self.schedule.warmup_tokens} are more than the phase's"
                f" {self.tokens} tokens: its rate would never reach the peak"
            )
        return self
