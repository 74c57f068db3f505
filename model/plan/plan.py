"""The plan of a training run: steps, learning rates, sources and counts of every phase.

Belongs here: what a plan answers at any step, and its JSON. Does not belong here: how it is made
(build.py), counts within a phase (counts.py), reading shards (data/). No torch.

Steps are numbered over the whole run, Stage-1 first; schedules read tokens consumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from model.plan.base import PlanError
from model.plan.counts import Counts, CountTable, Targets
from model.plan.mixture import StemShare
from model.plan.phases import Mixture, Schedule
from model.plan.sources import Held, PlannedSource
from pipelines.lake import canonical_json, digest

FORMAT = 2
"""Of a plan as JSON."""


@dataclass(frozen=True)
class PlannedPhase:
    """A phase with its place in the run. `weights` are per source, within the source's corpus."""

    name: str
    stage: str
    release: str
    seed: int
    start_step: int
    steps: int
    start_tokens: int
    tokens: int
    schedule: Schedule
    mixture: Mixture
    stem: StemShare
    weights: dict[str, float]
    table: CountTable

    @property
    def end_step(self) -> int:
        """The first step after the phase."""
        return self.start_step + self.steps

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` gives an equal phase."""
        models = {
            "schedule": self.schedule.model_dump(mode="json"),
            "stem": self.stem.model_dump(mode="json"),
        }
        return {**self.__dict__, **models, "table": self.table.to_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any], batch: int) -> PlannedPhase:
        """The phase that `to_json` wrote, of a plan whose steps read `batch` sequences."""
        schedule, stem = Schedule.model_validate(value["schedule"]), StemShare.model_validate(value["stem"])
        table = CountTable.from_json(
            Targets.of(value["steps"], batch, stem, value["weights"]), value["table"]
        )
        return PlannedPhase(**{**value, "schedule": schedule, "stem": stem, "table": table})


@dataclass(frozen=True)
class PassStart:
    """Where a source's present order began: at read number `read` of the run, with pass number
    `reading`."""

    read: int
    reading: int


@dataclass(frozen=True)
class Plan:
    """Everything that decides what is read at which step and at which learning rate."""

    name: str
    sequence_length: int
    global_batch: int
    sources: tuple[PlannedSource, ...]
    phases: tuple[PlannedPhase, ...]
    tokenizer_hash: str = ""

    @property
    def tokens_per_step(self) -> int:
        """Tokens of a global batch."""
        return self.sequence_length * self.global_batch

    @property
    def steps(self) -> int:
        """Steps of the whole run."""
        return self.phases[-1].end_step

    @cached_property
    def hash(self) -> str:
        """Identity of the plan."""
        return digest("plan", canonical_json(self.to_json()))

    def fingerprint(self, step: int) -> str:
        """Identity of what the first `step` steps depended on: the phases begun by then, with their
        sources' manifests.

        So a checkpoint may go on under another plan for what lies ahead (the paper tried three
        learning rates from its 2 T checkpoint, Figure 4), and under none that would have read or
        trained otherwise so far.
        """
        begun = []
        for phase in self.phases:
            if phase.start_step < step:
                value = {k: v for k, v in phase.to_json().items() if k != "table"}
                manifests = {
                    s.name: s.held[phase.release].fingerprint for s in self.sources if s.name in phase.weights
                }
                begun.append({**value, "counts": list(phase.table.hashes), "manifests": manifests})
        batch = [self.sequence_length, self.global_batch, self.tokenizer_hash]
        return digest("begun", canonical_json(batch), canonical_json(begun))

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

    def phase_index(self, step: int) -> int:
        """Which phase step `step` (from 0, over the whole run) belongs to."""
        for index, phase in enumerate(self.phases):
            if phase.start_step <= step < phase.end_step:
                return index
        raise PlanError(f"run {self.name} has steps 0 to {self.steps - 1}, not {step}")

    def phase_at(self, step: int) -> PlannedPhase:
        """The phase that a step belongs to."""
        return self.phases[self.phase_index(step)]

    def lr_at(self, step: int) -> float:
        """Learning rate of the update of `step`: the phase's schedule at the tokens consumed with
        it."""
        phase = self.phase_at(step)
        return phase.schedule.at((step + 1) * self.tokens_per_step - phase.start_tokens, phase.tokens)

    @cached_property
    def _columns(self) -> tuple[Counts, ...]:
        """For each phase: where its sources stand among all sources."""
        names = [s.name for s in self.sources]
        return tuple(
            np.array([names.index(n) for n in sorted(p.weights)], dtype=np.int64) for p in self.phases
        )

    def _of_phase(self, index: int, row: Counts) -> Counts:
        counts = np.zeros(len(self.sources), dtype=np.int64)
        counts[self._columns[index]] = row
        return counts

    @cached_property
    def carried(self) -> tuple[Counts, ...]:
        """Read counts carried into each phase, and those at the end of the run."""
        counts = [np.zeros(len(self.sources), dtype=np.int64)]
        for index, phase in enumerate(self.phases):
            counts.append(counts[-1] + self._of_phase(index, phase.table.at(phase.steps)))
        return tuple(counts)

    def counts(self, step: int) -> Counts:
        """Sequences of each source (in the order of `sources`) that the first `step` steps of the
        run read."""
        if step == self.steps:
            return self.carried[-1]
        index = self.phase_index(step)
        return self.carried[index] + self._of_phase(
            index, self.phases[index].table.at(step - self.phases[index].start_step)
        )

    def source_counts(self, step: int) -> dict[str, int]:
        """`counts` by source name."""
        return {s.name: int(c) for s, c in zip(self.sources, self.counts(step), strict=True)}

    def step_of(self, source: int, read: int) -> int:
        """The step that makes read number `read` (from 0, over the whole run) of a source."""
        for index, phase in enumerate(self.phases):
            if read < self.carried[index + 1][source]:
                column = int(np.flatnonzero(self._columns[index] == source)[0])
                return phase.start_step + phase.table.step_of(column, read - int(self.carried[index][source]))
        raise PlanError(
            f"run {self.name} reads {self.sources[source].name} {int(self.carried[-1][source])} times,"
            f" not {read + 1}"
        )

    @cached_property
    def pass_starts(self) -> tuple[tuple[PassStart, ...], ...]:
        """For each phase and source, where the order that the phase reads in began.

        A source whose manifest and seed are those of its last phase goes on where it was. Else a
        new pass begins, under a number that no pass had, and the read count is carried on.
        """
        found = []
        last: list[tuple[str, int, int, PassStart]] = [("", 0, 0, PassStart(0, 0)) for _ in self.sources]
        for phase, carried in zip(self.phases, self.carried, strict=False):
            for i, source in enumerate(self.sources):
                if phase.release not in source.held:
                    continue
                held = source.held[phase.release]
                fingerprint, seed, sequences, start = last[i]
                if (fingerprint, seed) != (held.fingerprint, phase.seed):
                    begun = -(-(int(carried[i]) - start.read) // sequences) if sequences else 0
                    start = PassStart(int(carried[i]), start.reading + begun)
                last[i] = (held.fingerprint, phase.seed, held.sequences, start)
            found.append(tuple(entry[3] for entry in last))
        return tuple(found)

    def repetitions(self) -> dict[str, float]:
        """How often each source is read over the whole run: reads over what the phase's release
        holds, summed."""
        total = dict.fromkeys((s.name for s in self.sources), 0.0)
        for phase, before, after in zip(self.phases, self.carried, self.carried[1:], strict=False):
            for i, source in enumerate(self.sources):
                if reads := int(after[i] - before[i]):
                    total[source.name] += reads / source.sequences(phase.release)
        return total

    def to_json(self) -> dict[str, Any]:
        """Plain JSON; `from_json` gives an equal plan."""
        sources = [{"name": s.name, "held": {r: asdict(h) for r, h in s.held.items()}} for s in self.sources]
        fields = ("name", "sequence_length", "global_batch", "tokenizer_hash")
        return {
            "format": FORMAT,
            **{f: getattr(self, f) for f in fields},
            "sources": sources,
            "phases": [p.to_json() for p in self.phases],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote; PlanError where it is of another format or has lost or won
        a key."""
        if value.get("format") != FORMAT:
            raise PlanError(
                f"plan of format {value.get('format')}: this version reads {FORMAT}; make the plan anew"
            )
        rest = {k: v for k, v in value.items() if k not in ("format", "sources", "phases")}
        try:
            sources = tuple(
                PlannedSource(held={r: Held(**h) for r, h in s["held"].items()}, **_without(s, "held"))
                for s in value["sources"]
            )
            phases = tuple(PlannedPhase.from_json(p, value["global_batch"]) for p in value["phases"])
            return Plan(sources=sources, phases=phases, **rest)
        except (KeyError, TypeError) as error:
            raise PlanError(f"the plan is damaged ({error!r}): make it anew") from error


def _without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {k: v for k, v in value.items() if k != key}
