"""The plan of a training run: phases, steps, learning rates, mixtures, counts of every source.

Belongs here: the run card and what follows from it and the shards' manifests, before anything starts and
without a GPU. Does not belong here: reading shards (data/), the loop (train.py). No torch.

A plan is a pure function of the card and the manifests. Steps are numbered over the whole run, Stage-1
first; schedules read tokens consumed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from model.mixture import (
    Counts,
    PlanError,
    StemShare,
    by_size,
    count_table,
    redistribute,
    repetitions,
    shard_sources,
    table_1_weights,
    targets,
)
from pipelines.lake import canonical_json, digest

FORMAT = 1
Stage = Literal["stage1", "stage2"]
STEM_RAMP = StemShare(kind="quadratic", start=0.10, end=0.40)  # paper 3.6.2: from 10 % to 40 %, 20 % on average


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Schedule(_Frozen):
    """Learning rate by tokens of the phase: linear warm-up to `peak`, then constant or cosine to `final`."""

    kind: Literal["constant", "cosine"] = "constant"
    peak: float = Field(gt=0)
    final: float = Field(default=0.0, ge=0)
    warmup_tokens: int = Field(default=0, ge=0)

    def at(self, tokens: int, total: int) -> float:
        """The rate when `tokens` of the phase's `total` have been consumed."""
        if tokens < self.warmup_tokens:
            return self.peak * tokens / self.warmup_tokens
        if self.kind == "constant":
            return self.peak
        done = (tokens - self.warmup_tokens) / max(1, total - self.warmup_tokens)
        return self.final + (self.peak - self.final) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


class Phase(_Frozen):
    """One phase of a run card. `mixture` is `table1`, or weights of main sources by name."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]*$")
    stage: Stage
    tokens: int = Field(gt=0)
    schedule: Schedule
    mixture: Literal["table1"] | dict[str, float] = "table1"
    stem: StemShare = StemShare()


class RunCard(_Frozen):
    """What a training run is. Batches are in sequences; `world_size` is the ranks of the launcher."""

    name: str = Field(min_length=1)
    release: str = Field(min_length=1)
    tokenizer: str = "demo"
    preset: str = "debug"
    sequence_length: int = Field(default=4096, ge=8)
    global_batch: int = Field(gt=0)
    micro_batch: int = Field(default=1, gt=0)
    seed: int = 1
    world_size: int = Field(default=2, gt=0)
    checkpoint_every: int = Field(default=20, gt=0)
    validate_every: int = Field(default=20, gt=0)
    phases: tuple[Phase, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> RunCard:
        names = [p.name for p in self.phases]
        if len(set(names)) != len(names):
            raise ValueError("two phases have the same name")
        stages = [p.stage for p in self.phases]
        if sorted(stages) != stages:
            raise ValueError("phases of stage1 come before those of stage2")
        if self.global_batch % self.micro_batch:
            raise ValueError(f"global_batch {self.global_batch} is not a multiple of micro_batch {self.micro_batch}")
        return self

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


@dataclass(frozen=True)
class Source:
    """One source of a plan; `name` is `<corpus>/<language>-<category>`, `fingerprint` the hash of its manifest."""

    name: str
    tokens: int
    sequences: int
    fingerprint: str

    @property
    def corpus(self) -> str:
        return self.name.partition("/")[0]

    @property
    def shard_name(self) -> str:
        """The source's name inside its shard set."""
        return self.name.partition("/")[2]


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with its place in the run. `weights` are per source, within the source's corpus."""

    name: str
    stage: Stage
    start_step: int
    steps: int
    start_tokens: int
    tokens: int
    schedule: Schedule
    stem: StemShare
    weights: dict[str, float]
    table_hash: str

    @property
    def end_step(self) -> int:
        """The first step after the phase."""
        return self.start_step + self.steps

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "schedule": self.schedule.model_dump(mode="json"), "stem": self.stem.model_dump(mode="json")}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> PlannedPhase:
        schedule, stem = Schedule.model_validate(value["schedule"]), StemShare.model_validate(value["stem"])
        return PlannedPhase(**{**value, "schedule": schedule, "stem": stem})


def lr_at(phase: PlannedPhase, tokens: int) -> float:
    """Learning rate when `tokens` of the whole run have been consumed, by the schedule of `phase`."""
    return phase.schedule.at(tokens - phase.start_tokens, phase.tokens)


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is read at which step and at which learning rate."""

    name: str
    seed: int
    sequence_length: int
    global_batch: int
    sources: tuple[Source, ...]
    phases: tuple[PlannedPhase, ...]
    tokenizer_hash: str = ""

    @property
    def tokens_per_step(self) -> int:
        return self.sequence_length * self.global_batch

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.phases[-1].end_step

    @cached_property
    def hash(self) -> str:
        """Identity of the plan."""
        return digest("plan", canonical_json(self.to_json()))

    def stage_steps(self, stage: str) -> tuple[int, int]:
        """First step of a stage and the first step after it."""
        phases = [p for p in self.phases if p.stage == stage]
        if not phases:
            raise PlanError(f"run {self.name} has no phase of {stage}")
        return phases[0].start_step, phases[-1].end_step

    def total_steps(self, stage: str) -> int:
        """Number of steps of one stage."""
        first, end = self.stage_steps(stage)
        return end - first

    def phase_at(self, step: int) -> PlannedPhase:
        """The phase that step `step` (from 0, over the whole run) belongs to."""
        for phase in self.phases:
            if phase.start_step <= step < phase.end_step:
                return phase
        raise PlanError(f"run {self.name} has steps 0 to {self.steps - 1}, not {step}")

    def lr_at(self, step: int) -> float:
        """Learning rate of the update of `step`: the schedule at the tokens consumed with it."""
        return lr_at(self.phase_at(step), (step + 1) * self.tokens_per_step)

    @cached_property
    def tables(self) -> tuple[Counts, ...]:
        """One table per phase: sequences of each source read since the phase began, [steps + 1, sources]."""
        made = tuple(self._table(p) for p in self.phases)
        for phase, table in zip(self.phases, made, strict=True):
            if _table_hash(table) != phase.table_hash:
                raise PlanError(f"phase {phase.name}: the count table differs from the one planned; this version mixes in another way")
        return made

    def _table(self, phase: PlannedPhase) -> Counts:
        weights = [(s.corpus, phase.weights.get(s.name, 0.0)) for s in self.sources]
        return count_table(targets(phase.steps, self.global_batch, phase.stem, weights), self.global_batch)

    @cached_property
    def _before(self) -> tuple[Counts, ...]:
        """Read counts carried into each phase, and those at the end of the run."""
        counts = [np.zeros(len(self.sources), dtype=np.int64)]
        for table in self.tables:
            counts.append(counts[-1] + table[-1])
        return tuple(counts)

    def counts(self, step: int) -> Counts:
        """Sequences of each source (in the order of `sources`) that the first `step` steps of the run read."""
        if step == self.steps:
            return self._before[-1]
        index = self.phases.index(self.phase_at(step))
        row: Counts = self._before[index] + self.tables[index][step - self.phases[index].start_step]
        return row

    def step_of(self, source: int, read: int) -> int:
        """The step that makes read number `read` (from 0, over the whole run) of a source."""
        for phase, table, before in zip(self.phases, self.tables, self._before, strict=False):
            local = read - int(before[source])
            if local < table[-1, source]:
                return phase.start_step + int(np.searchsorted(table[:, source], local, side="right")) - 1
        raise PlanError(f"run {self.name} reads {self.sources[source].name} {int(self._before[-1][source])} times, not {read + 1}")

    def source_counts(self, step: int) -> dict[str, int]:
        """`counts` by source name."""
        return {s.name: int(c) for s, c in zip(self.sources, self.counts(step), strict=True)}

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` gives an equal plan."""
        phases, sources = [p.to_json() for p in self.phases], [dict(s.__dict__) for s in self.sources]
        fields = ("name", "seed", "sequence_length", "global_batch", "tokenizer_hash")
        return {"format": FORMAT, **{f: getattr(self, f) for f in fields}, "sources": sources, "phases": phases}

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote; PlanError where it is of another format."""
        if value.get("format") != FORMAT:
            raise PlanError(f"plan of format {value.get('format')}: this version reads {FORMAT}; make the plan anew")
        rest = {k: v for k, v in value.items() if k not in ("format", "sources", "phases")}
        sources, phases = tuple(Source(**s) for s in value["sources"]), tuple(PlannedPhase.from_json(p) for p in value["phases"])
        return Plan(sources=sources, phases=phases, **rest)

    def describe(self) -> str:
        """The plan for a person: phases, learning-rate milestones, tokens and repetitions of every source."""
        lines = [f"run {self.name}: {self.steps} steps of {self.tokens_per_step:,} tokens, plan {self.hash[:12]}"]
        for p in self.phases:
            first, last = self.lr_at(p.start_step), self.lr_at(p.end_step - 1)
            warm = math.ceil(p.schedule.warmup_tokens / self.tokens_per_step)
            rate = f"lr {first:.2e}" + (f", {p.schedule.peak:.2e} at step {p.start_step + warm}" if warm else "") + f", ends {last:.2e}"
            stem = "" if p.stem.none else f"; STEM {p.stem.share(0.0):.0%} to {p.stem.share(1.0):.0%}"
            lines.append(f"  {p.stage} {p.name}: steps {p.start_step} to {p.end_step - 1}, {p.tokens:,} tokens; {rate}{stem}")
        lines.append(f"  {'source':<28}{'tokens held':>16}{'tokens read':>18}{'repetitions':>13}{'tail dropped':>14}")
        for s, reads in zip(self.sources, self.counts(self.steps), strict=True):
            tail = s.tokens - s.sequences * self.sequence_length
            read = int(reads) * self.sequence_length
            lines.append(f"  {s.name:<28}{s.tokens:>16,}{read:>18,}{repetitions(int(reads), s.sequences):>13.2f}{tail:>14,}")
        return "\n".join(lines)


def _table_hash(table: Counts) -> str:
    return digest("counts", str(table.shape), np.ascontiguousarray(table, dtype="<i8").tobytes())


def plan_sources(sources: Mapping[str, Mapping[str, Any]], length: int) -> tuple[Source, ...]:
    """The sources that hold at least one whole sequence, by name. A sequence needs one token more, for its last target."""
    found = []
    for corpus in ("main", "stem"):
        for name, entry in shard_sources(sources.get(corpus, {})).items():
            sequences = max(0, int(entry["tokens"]) - 1) // length
            if sequences:
                found.append(Source(f"{corpus}/{name}", int(entry["tokens"]), sequences, digest("source", canonical_json(entry))))
    return tuple(found)


def _tokenizer_hash(sources: Mapping[str, Mapping[str, Any]]) -> str:
    hashes = {str(d["tokenizer_hash"]) for d in sources.values() if d.get("tokenizer_hash")}
    if len(hashes) > 1:
        raise PlanError(f"the shards were made with {len(hashes)} tokenizers ({', '.join(sorted(hashes))}): rebuild them with one")
    return next(iter(hashes), "")


def _main_weights(phase: Phase, main: Mapping[str, int]) -> dict[str, float]:
    if phase.mixture == "table1":
        return table_1_weights(main)
    unknown = sorted(set(phase.mixture) - set(main))
    total = sum(phase.mixture.values())
    if unknown or total <= 0 or min(phase.mixture.values()) < 0:
        reason = f"unknown sources {', '.join(unknown)}" if unknown else "weights must not be negative and need a positive sum"
        raise PlanError(f"phase {phase.name}: {reason}; the release has {', '.join(main) or 'none'}")
    return {n: w / total for n, w in sorted(phase.mixture.items()) if w > 0}


def build_plan(card: RunCard, sources: Mapping[str, Mapping[str, Any]]) -> Plan:
    """The plan of a card over the shards' manifests, `{"main": shards.json, "stem": shards.json}`.

    A phase's tokens are rounded up to whole steps. PlanError names what is missing or read too often.
    """
    found = plan_sources(sources, card.sequence_length)
    main = {s.shard_name: s.sequences for s in found if s.corpus == "main"}
    stem = {s.shard_name: s.sequences for s in found if s.corpus == "stem"}
    per_step = card.global_batch * card.sequence_length
    steps = [-(-p.tokens // per_step) for p in card.phases]
    read = [n * card.global_batch * float(p.stem.integral(np.ones(1))[0]) for n, p in zip(steps, card.phases, strict=True)]
    for phase, of_stem in zip(card.phases, read, strict=True):
        if of_stem and not stem:
            raise PlanError(f"phase {phase.name} reads SkyPile-STEM, of which release {card.release} has no whole sequence")
        if not phase.stem.share(0.0) == 1.0 and not main:
            raise PlanError(f"phase {phase.name} reads SkyPile-Main, of which release {card.release} has no whole sequence")
    names = [p.name for p in card.phases]
    of_main = [(n, s * card.global_batch - r) for n, s, r in zip(names, steps, read, strict=True)]
    main_weights = redistribute("main", of_main, [_main_weights(p, main) for p in card.phases], main)
    stem_weights = redistribute("stem", list(zip(names, read, strict=True)), [by_size(stem)] * len(names), stem)
    phases: list[PlannedPhase] = []
    start = 0
    for phase, count, m, s in zip(card.phases, steps, main_weights, stem_weights, strict=True):
        weights = {f"main/{n}": w for n, w in sorted(m.items())}
        if not phase.stem.none:
            weights |= {f"stem/{n}": w for n, w in sorted(s.items())}
        phases.append(
            PlannedPhase(phase.name, phase.stage, start, count, start * per_step, count * per_step, phase.schedule, phase.stem, weights, "")
        )
        start += count
    plan = Plan(card.name, card.seed, card.sequence_length, card.global_batch, found, tuple(phases), _tokenizer_hash(sources))
    hashed = tuple(replace(p, table_hash=_table_hash(plan._table(p))) for p in plan.phases)
    return replace(plan, phases=hashed)


def default_run_card(name: str, release: str, shards: Mapping[str, Mapping[str, Any]]) -> RunCard:
    """A run of two stages for two CPU ranks, as small as the release asks: 60 + 20 + 40 steps of 8 x 256 tokens at most.

    The paper's shape at a small model's learning rates (Table 3's 6e-4 suits 13 B parameters; 3e-3 suits 1 M):
    warm-up and cosine to a tenth, then constant at that tenth; Stage-2 with the paper's STEM ramp. Steps shrink
    where the release is too small to stay below four repetitions.
    """
    length, batch, peak, final = 256, 8, 3e-3, 3e-4
    found = plan_sources(shards, length)
    room = {}
    for corpus in ("main", "stem"):
        sizes = [s.sequences for s in found if s.corpus == corpus]
        # Four repetitions, and what redistribution needs for rounding below the limit of five.
        room[corpus] = min(4 * sum(sizes), 5 * sum(sizes) - 3 * len(sizes))
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
