"""The run card: what a person asks of a training run.

Belongs here: phases, schedules, mixtures and batches as they are written in YAML. Does not belong
here: what follows from them and the shards (plan.py). No torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.network.config import ModelConfig, preset
from model.plan.mixture import MAX_REPETITIONS, PlanError, StemShare, sequences_of
from model.run.heartbeat import limits
from model.training.spikes import SpikePolicy

Stage = Literal["stage1", "stage2"]
Mixture = Literal["table1"] | dict[str, float]
STEM_RAMP = StemShare(
    kind="quadratic", start=0.10, end=0.40
)  # paper 3.6.2: from 10 % to 40 %, 20 % on average


SETTINGS = (
    "seed",
    "micro_batch",
    "checkpoint_every",
    "validate_every",
    "validation_sequences",
    "keep_last",
    "keep_every",
    "deepspeed",
    "spikes",
    "limit_seconds",
    "preflight",
    "peak_flops",
)
"""Entries of a card that the training loop reads from run.json."""


def settings_of(run: Mapping[str, Any]) -> dict[str, Any]:
    """A run.json's settings, with the card's defaults where it has none."""
    return {name: run[name] if name in run else RunCard.model_fields[name].default for name in SETTINGS}


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class Schedule(_Frozen):
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


class Phase(_Frozen):
    """One phase of a run card. Where `release` or `seed` changes, each source begins a new pass."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    """Names the phase in plans and reports."""
    stage: Stage
    """Phases of stage1 come before those of stage2."""
    tokens: int = Field(gt=0)
    """Tokens that the phase reads; rounded up to whole steps."""
    schedule: Schedule
    """Learning rate by tokens of the phase."""
    mixture: Mixture = "table1"
    """Shares of the main sources: the paper's Table 1, or weights by source."""
    stem: StemShare = StemShare()
    """Share of SkyPile-STEM over the phase."""
    release: str = ""
    """The card's, unless given."""
    seed: int | None = None
    """Of the order of samples; the card's, unless given."""


class RunCard(_Frozen):
    """What a training run is.

    Fields of several keys (`model`, `deepspeed`, `spikes`, `limit_seconds`, `preflight`) are laid
    over the defaults of who reads them; unknown keys are refused in each.
    """

    name: str = Field(min_length=1)
    """The run's partition key, and the card's file name."""
    release: str = Field(min_length=1)
    """The release whose shards are read."""
    tokenizer: str = ""
    """The vocabulary that made the release's shards; empty: what the release's card names."""
    preset: str = "debug"
    """Shape of the model: debug, tiny, 1b, 7b, 13b, llama-7b or gpt-7b (paper Table 3)."""
    model: dict[str, Any] = {}
    """Over the preset's values, such as `document_attention: true`; the vocabulary is the tokenizer's."""
    sequence_length: int = Field(default=4096, ge=8)
    """Tokens of a sample (paper: 4,096)."""
    global_batch: int = Field(gt=0)
    """Sequences of a step; ranks x `micro_batch` divide it."""
    micro_batch: int = Field(default=1, gt=0)
    """Sequences of one forward pass of a rank."""
    seed: int = 1
    """Of the first weights and of the order of samples."""
    world_size: int = Field(default=2, gt=0)
    """Ranks of the launcher."""
    checkpoint_every: int = Field(default=20, gt=0)
    """Steps from one checkpoint to the next."""
    validate_every: int = Field(default=20, gt=0)
    """Steps from one look at the validation sets to the next."""
    validation_sequences: int = Field(default=64, gt=0)
    """Of a domain, read at most: a look every few steps, where the evaluation reads all (ours)."""
    keep_last: int = Field(default=3, gt=0)
    """Last checkpoints that are kept; the last of each stage always is."""
    keep_every: int = Field(default=0, ge=0)
    """Every checkpoint whose step is a multiple is kept; 0: none."""
    checkpoint_store: str = ""
    """`s3://bucket/prefix` or a folder that gets a copy of each checkpoint under the run's name; empty:
    a lake on S3 does, a lake in a folder does not."""
    fork: str = Field(default="", pattern=r"^([^/.][^/]*/step-\d{8})?$")
    """`RUN/step-00000060`: the first start goes on from that checkpoint of another run, whose plan
    up to there must be this one's."""
    deepspeed: dict[str, Any] = {}
    """Over the strategy's DeepSpeed configuration (model/training/strategy.py)."""
    spikes: dict[str, Any] = {}
    """Over the policy for spikes of the loss (model/training/spikes.py)."""
    limit_seconds: dict[str, float] = {}
    """Seconds of silence after which a run counts as hanging, by phase of the loop
    (model/run/heartbeat.py)."""
    preflight: dict[str, Any] = {}
    """Over the limits of the checks before the first step (model/training/preflight.py)."""
    peak_flops: float = Field(default=0.0, ge=0)
    """Dense bf16 FLOP/s of one rank, for MFU; 0: the device's by its name (model/training/distributed.py),
    no MFU where that is unknown."""
    phases: tuple[Phase, ...] = Field(min_length=1)
    """In order; each keeps weights and optimizer state of the one before."""

    @model_validator(mode="after")
    def _consistent(self) -> RunCard:
        names = [p.name for p in self.phases]
        if len(set(names)) != len(names):
            raise ValueError("two phases have the same name")
        stages = [p.stage for p in self.phases]
        if sorted(stages) != stages:
            raise ValueError("phases of stage1 come before those of stage2")
        if self.global_batch % self.micro_batch:
            raise ValueError(
                f"global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch}"
            )
        return self

    @model_validator(mode="after")
    def _entries(self) -> RunCard:
        """Refuse at once what the entries' readers would refuse later."""
        from model.training.preflight import Limits, PreflightError

        if self.model:
            self.config()
        SpikePolicy.from_json(self.spikes)
        limits(self.limit_seconds)
        try:
            Limits.parse(self.preflight)
        except PreflightError as error:
            raise ValueError(error) from None
        return self

    def config(self, vocab_size: int | None = None) -> ModelConfig:
        """The model's shape: the preset under `model`, with the tokenizer's vocabulary where known.
        Raises ValueError."""
        if "vocab_size" in self.model:
            raise ValueError("model: vocab_size comes from the tokenizer")
        return ModelConfig.from_json(preset(self.preset, vocab_size).to_json() | self.model)

    @property
    def settings(self) -> dict[str, Any]:
        """What run.json takes from the card as it stands."""
        return {name: getattr(self, name) for name in SETTINGS}

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases that the phases read, each once."""
        return tuple(dict.fromkeys(p.release or self.release for p in self.phases))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a card; PlanError names the file and every wrong key."""
        try:
            return cls.model_validate(yaml.safe_load(Path(path).read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise PlanError(f"{path}: no such file; write a run card there") from None
        except yaml.YAMLError as error:
            raise PlanError(f"{path}: not readable as YAML: {error}") from None
        except ValidationError as error:
            lines = [f"{'.'.join(str(p) for p in e['loc']) or 'card'}: {e['msg']}" for e in error.errors()]
            raise PlanError(f"{path}: " + "; ".join(lines)) from None


def default_run_card(name: str, release: str, shards: Mapping[str, Mapping[str, Any]]) -> RunCard:
    """A run of two stages for two CPU ranks, as small as the release asks: 60 + 20 + 40 steps of 8
    x 256 tokens at most.

    The paper's shape at a small model's learning rates (Table 3's 6e-4 suits 13 B parameters; 3e-3
    suits 1 M): warm-up and cosine to a tenth, then constant at that tenth; Stage-2 with the paper's
    STEM ramp. Steps shrink where the release is too small to stay below four repetitions. `shards`
    are the listings of main and stem.
    """
    length, batch, peak, final = 256, 8, 3e-3, 3e-4
    room = {}
    for corpus in ("main", "stem"):
        sizes = list(sequences_of(shards.get(corpus, {}), length).values())
        # Four repetitions, and what redistribution needs for rounding below the limit of five.
        room[corpus] = min((MAX_REPETITIONS - 1) * sum(sizes), MAX_REPETITIONS * sum(sizes) - 3 * len(sizes))
    # 120 steps read 960 sequences; a step of Stage-2 reads a fifth of its batch from SkyPile-STEM.
    a, b, c = (max(2, int(n * min(1.0, room["main"] / 960))) for n in (60, 20, 40))
    with_stem = room["stem"] >= 2 * batch * 0.2
    if with_stem:
        c = max(2, min(c, int(room["stem"] / (batch * 0.2))))
    per_step = length * batch
    constant, ramp = Schedule(kind="constant", peak=final), STEM_RAMP if with_stem else StemShare()
    cosine = Schedule(kind="cosine", peak=peak, final=final, warmup_tokens=max(1, a // 10) * per_step)
    return RunCard(
        name=name,
        release=release,
        sequence_length=length,
        global_batch=batch,
        micro_batch=2,
        phases=(
            Phase(name="stage1-a", stage="stage1", tokens=a * per_step, schedule=cosine),
            Phase(name="stage1-b", stage="stage1", tokens=b * per_step, schedule=constant),
            Phase(name="stage2", stage="stage2", tokens=c * per_step, schedule=constant, stem=ramp),
        ),
    )
