"""The run card: what a person asks of a training run.

Belongs here: the keys of the YAML file, and a small card for a start. Does not belong here: one
phase (phases.py), what follows from the card and the shards (build.py). No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import (
    AfterValidator,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
    model_validator,
)

from model.network.config import ModelConfig, preset
from model.plan.base import Config, PlanError, read_yaml, sentence
from model.plan.deepspeed_entry import checked_entry
from model.plan.limits import EvaluationLimits, PreflightLimits, SpikePolicy
from model.plan.mixture import MAX_REPETITIONS, StemShare
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.sources import sequences_of
from model.run.heartbeat import limits
from pipelines.lake import LakeError, plain_name, refuse_not_finite


def _plain_name(value: str) -> str:
    try:
        return plain_name(value)
    except LakeError as error:  # pydantic gathers ValueError only
        raise ValueError(str(error)) from None


Name = Annotated[str, AfterValidator(_plain_name)]
"""A partition key, a file's name, a part of an S3 address."""
NameOrNone = Annotated[str, AfterValidator(lambda v: _plain_name(v) if v else v)]


class RunInputs(Config):
    """Which run it is, and of which shards and which model. Batches are in sequences."""

    name: Name
    """The run's partition key, and the card's file name."""
    release: Name
    """The release whose shards are read, where a phase names no other."""
    tokenizer: NameOrNone = ""
    """The vocabulary that made the release's shards; empty: what the release's card names."""
    preset: str = "debug"
    """Shape of the model: debug, tiny, 1b, 7b, 13b, llama-7b or gpt-7b (paper Table 3)."""
    model: dict[str, Any] = Field(default_factory=dict)
    """Over the preset's values, such as `document_attention: true`; the vocabulary is the
    tokenizer's."""
    sequence_length: int = Field(default=4096, ge=8)
    """Tokens of a sample (paper: 4,096)."""
    global_batch: int = Field(gt=0)
    """Sequences of a step; ranks x `micro_batch` divide it."""
    world_size: int = Field(default=2, gt=0)
    """Ranks of the launcher."""
    checkpoint_store: str = ""
    """`s3://bucket/prefix` or a folder that gets a copy of each checkpoint under the run's name;
    empty: a lake on S3 does, a lake in a folder does not."""
    fork: str = Field(default="", pattern=r"^([^/.][^/]*/step-\d{8})?$")
    """`RUN/step-00000060`: the first start goes on from that checkpoint of another run, whose plan
    up to there must be this one's."""


class RunSettings(Config):
    """What the training loop takes from a card as it stands."""

    seed: int = 1
    """Of the first weights and, unless a phase has its own, of the order of samples."""
    micro_batch: int = Field(default=1, gt=0)
    """Sequences of one forward pass of a rank."""
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
    deepspeed: dict[str, Any] = Field(default_factory=dict)
    """Over the strategy's DeepSpeed configuration (model/training/strategy.py); keys:
    model/plan/deepspeed_entry.py."""
    spikes: SpikePolicy = SpikePolicy()
    """When a loss is a spike, and when the run goes back (model/plan/limits.py)."""
    limit_seconds: dict[str, float] = Field(default_factory=dict)
    """Seconds of silence after which a run counts as hanging, by phase of the loop
    (model/run/heartbeat.py)."""
    preflight: PreflightLimits = PreflightLimits()
    """What is judged before the first step (model/plan/limits.py)."""
    evaluation: EvaluationLimits = EvaluationLimits()
    """How many questions and documents the reports ask (model/plan/limits.py)."""
    peak_flops: float = Field(default=0.0, ge=0)
    """Dense bf16 FLOP/s of one rank, for MFU; 0: the device's by its name
    (model/training/distributed.py), no MFU where that is unknown."""

    @field_validator("deepspeed")
    @classmethod
    def _checked(cls, value: dict[str, Any]) -> dict[str, Any]:
        try:
            return checked_entry(value)
        except ValidationError as error:
            raise ValueError(sentence(error)) from None

    @field_validator("limit_seconds")
    @classmethod
    def _known(cls, value: dict[str, float]) -> dict[str, float]:
        limits(value)
        return value


class RunCard(RunSettings, RunInputs):
    """What a training run is."""

    phases: tuple[Phase, ...] = Field(min_length=1)
    """In order; each keeps weights and optimizer state of the one before."""

    @model_validator(mode="after")
    def _consistent(self) -> RunCard:
        names = [p.name for p in self.phases]
        if len(set(names)) != len(names):
            raise ValueError("two phases have one name")
        stages = [p.stage for p in self.phases]
        if sorted(stages) != stages:
            raise ValueError("phases of stage1 come before those of stage2")
        if self.global_batch % self.micro_batch:
            raise ValueError(
                f"global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch}"
            )
        config = self.config()
        config.shape_of  # noqa: B018 - raises for what could be trained and never exported
        if config.positions == "absolute" and self.sequence_length > config.context:
            raise ValueError(
                f"sequence_length {self.sequence_length} is beyond the {config.context} learned positions"
                " of the model: set model.context to it"
            )
        return self

    @field_serializer("spikes", "preflight", "evaluation")
    def _as_set(self, value: Config) -> dict[str, Any]:
        return value.model_dump(exclude_defaults=True)

    def config(self, vocab_size: int | None = None) -> ModelConfig:
        """The model's shape: the preset under `model`, with the tokenizer's vocabulary where known.
        Raises ValueError."""
        if "vocab_size" in self.model:
            raise ValueError("model: vocab_size comes from the tokenizer")
        return ModelConfig.from_json(preset(self.preset, vocab_size).to_json() | self.model)

    @property
    def settings(self) -> RunSettings:
        """What the run file takes from the card as it stands."""
        return RunSettings(**{name: getattr(self, name) for name in RunSettings.model_fields})

    @property
    def releases(self) -> tuple[str, ...]:
        """The releases that the phases read, each once."""
        return tuple(dict.fromkeys(p.release or self.release for p in self.phases))

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a card; PlanError names the file and every wrong key, or the name that is not the
        file's."""
        try:
            data = read_yaml(Path(path).read_text(encoding="utf-8"))
            if not isinstance(data, dict):
                raise PlanError(
                    f"{path} is no run card: expected a mapping with the keys {', '.join(cls.model_fields)}"
                )
            refuse_not_finite(data)
            card = cls.model_validate(data)
        except FileNotFoundError:
            raise PlanError(f"{path}: no such file; write a run card there") from None
        except yaml.YAMLError as error:
            raise PlanError(f"{path}: not readable as YAML: {error}") from None
        except ValidationError as error:
            raise PlanError(f"{path}: {sentence(error)}") from None
        except ValueError as error:
            raise PlanError(f"{path}: {error}") from None
        if card.name != Path(path).stem:
            raise PlanError(
                f"{path} says `name: {card.name}`, and a card's file name is its name:"
                f" write `name: {Path(path).stem}` into it, or rename the file to {card.name}.yaml"
            )
        return card


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
