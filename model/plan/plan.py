"""The plan of a training run: steps, learning rates, sources and counts of every phase.

Belongs here: what follows from a run card and the shards' listings, before anything starts and
without a GPU. Does not belong here: the card (card.py), counts within a phase (counts.py), reading
shards (data/), what a run costs (cost.py), the loop (train.py). No torch.

A plan is a pure function of the card and the listings. Steps are numbered over the whole run,
Stage-1 first; schedules read tokens consumed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from model.plan.card import Mixture, Phase, RunCard, Schedule
from model.plan.counts import Counts, CountTable, Targets
from model.plan.mixture import (
    PlanError,
    StemShare,
    by_size,
    redistribute,
    sequences_of,
    shard_sources,
    table_1_weights,
)
from pipelines.lake import canonical_json, digest

FORMAT = 2
CORPORA = ("main", "stem")

Listings = Mapping[str, Mapping[str, Any]]  # corpus -> shards.json


@dataclass(frozen=True)
class Held:
    """What a release holds of a source; `fingerprint` is the hash of its manifest, the entry of
    `shards.json`."""

    tokens: int
    sequences: int
    fingerprint: str


@dataclass(frozen=True)
class Source:
    """One source of a plan; `name` is `<corpus>/<language>-<category>`, `held` what each release
    has of it."""

    name: str
    held: dict[str, Held]

    @property
    def corpus(self) -> str:
        return self.name.partition("/")[0]

    @property
    def shard_name(self) -> str:
        """The source's name inside its shard set."""
        return self.name.partition("/")[2]

    def sequences(self, release: str) -> int:
        """Sequences that a release holds, 0 where it has none."""
        return self.held[release].sequences if release in self.held else 0


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
        models = {
            "schedule": self.schedule.model_dump(mode="json"),
            "stem": self.stem.model_dump(mode="json"),
        }
        return {**self.__dict__, **models, "table": self.table.to_json()}

    @staticmethod
    def from_json(value: Mapping[str, Any], batch: int) -> PlannedPhase:
        schedule, stem = Schedule.model_validate(value["schedule"]), StemShare.model_validate(value["stem"])
        table = CountTable.from_json(targets(value["steps"], batch, stem, value["weights"]), value["table"])
        return PlannedPhase(**{**value, "schedule": schedule, "stem": stem, "table": table})


def targets(steps: int, batch: int, stem: StemShare, weights: Mapping[str, float]) -> Targets:
    """The targets of a phase's sources, in the order of their names."""
    return Targets(
        steps, batch, stem, tuple((name.partition("/")[0], w) for name, w in sorted(weights.items()))
    )


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
            f"run {self.name} reads {self.sources[source].name} {int(self.carried[-1][source])} times, not {read + 1}"
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
        sources = [
            {"name": s.name, "held": {r: dict(h.__dict__) for r, h in s.held.items()}} for s in self.sources
        ]
        fields = ("name", "sequence_length", "global_batch", "tokenizer_hash")
        return {
            "format": FORMAT,
            **{f: getattr(self, f) for f in fields},
            "sources": sources,
            "phases": [p.to_json() for p in self.phases],
        }

    @staticmethod
    def from_json(value: Mapping[str, Any]) -> Plan:
        """The plan that `to_json` wrote; PlanError where it is of another format."""
        if value.get("format") != FORMAT:
            raise PlanError(
                f"plan of format {value.get('format')}: this version reads {FORMAT}; make the plan anew"
            )
        rest = {k: v for k, v in value.items() if k not in ("format", "sources", "phases")}
        sources = tuple(
            Source(s["name"], {r: Held(**h) for r, h in s["held"].items()}) for s in value["sources"]
        )
        return Plan(
            sources=sources,
            phases=tuple(PlannedPhase.from_json(p, value["global_batch"]) for p in value["phases"]),
            **rest,
        )

    def describe(self) -> str:
        """The plan for a person: phases, learning-rate milestones, tokens and repetitions of every
        source."""
        lines = [
            f"run {self.name}: {self.steps:,} steps of {self.tokens_per_step:,} tokens, {self.steps * self.tokens_per_step:,} in all"
        ]
        for p in self.phases:
            lines.append(
                f"  {p.stage} {p.name}: steps {p.start_step} to {p.end_step - 1}, {p.tokens:,} tokens of release {p.release}"
            )
            marks = {"begins": p.start_step, "half": p.start_step + p.steps // 2, "ends": p.end_step - 1}
            if p.schedule.warmup_tokens:
                marks["peak"] = (
                    p.start_step + max(1, -(-p.schedule.warmup_tokens // self.tokens_per_step)) - 1
                )
            rates = [
                f"{self.lr_at(step):.2e} {name} (step {step})"
                for name, step in sorted(marks.items(), key=lambda m: (m[1], m[0]))
            ]
            lines.append(f"    learning rate: {', '.join(rates)}")
            if p.stem.none:
                lines.append("    SkyPile-STEM: none")
            else:
                mean = p.stem.integral(np.ones(1))[0]
                lines.append(
                    f"    SkyPile-STEM: {p.stem.share(0.0):.1%} to {p.stem.share(1.0):.1%}, {mean:.1%} on average"
                )
        lines.append(
            f"  {'source':<28}{'tokens held':>20}{'tokens read':>20}{'repetitions':>13}{'tail dropped per pass':>23}"
        )
        repetitions = self.repetitions()
        for source, reads in zip(self.sources, self.carried[-1], strict=True):
            held = list(source.held.values())[-1]
            tail = held.tokens - held.sequences * self.sequence_length
            read, often = int(reads) * self.sequence_length, repetitions[source.name]
            lines.append(f"  {source.name:<28}{held.tokens:>20,}{read:>20,}{often:>13.2f}{tail:>23,}")
        return "\n".join(lines)


def held_of(listings: Listings, length: int) -> dict[str, Held]:
    """The sources of a release that hold at least one whole sequence, by name."""
    found = {}
    for corpus in CORPORA:
        listing = listings.get(corpus, {})
        entries = shard_sources(listing)
        for name, sequences in sequences_of(listing, length).items():
            entry = entries[name]
            found[f"{corpus}/{name}"] = Held(
                int(entry["tokens"]), sequences, digest("source", canonical_json(entry))
            )
    return found


def _tokenizer_hash(releases: Mapping[str, Listings]) -> str:
    hashes = {
        str(d["tokenizer_hash"])
        for listings in releases.values()
        for d in listings.values()
        if d.get("tokenizer_hash")
    }
    if len(hashes) > 1:
        raise PlanError(
            f"the shards were made with {len(hashes)} tokenizers ({', '.join(sorted(hashes))}): rebuild them with one"
        )
    return next(iter(hashes), "")


def _main_weights(phase: Phase, main: Mapping[str, int]) -> dict[str, float]:
    if phase.mixture == "table1":
        return table_1_weights(main)
    unknown = sorted(set(phase.mixture) - set(main))
    total = sum(phase.mixture.values())
    if unknown or total <= 0 or min(phase.mixture.values()) < 0:
        reason = (
            f"unknown sources {', '.join(unknown)}"
            if unknown
            else "weights must not be negative and need a positive sum"
        )
        raise PlanError(f"phase {phase.name}: {reason}; the release has {', '.join(main) or 'none'}")
    return {n: w / total for n, w in sorted(phase.mixture.items()) if w > 0}


def _begun(card: RunCard, before: Plan, step: int) -> tuple[PlannedPhase, ...]:
    """The phases of the plan `before` that have begun by `step`; PlanError where the card has
    changed one."""
    begun = tuple(p for p in before.phases if p.start_step < step)
    if (before.sequence_length, before.global_batch) != (card.sequence_length, card.global_batch):
        raise PlanError(
            f"run {card.name} has begun with batches of {before.global_batch} x {before.sequence_length} tokens: they cannot change"
        )
    for planned, phase in zip(begun, card.phases, strict=False):
        wanted = {
            "name": phase.name,
            "stage": phase.stage,
            "release": phase.release or card.release,
            "seed": card.seed if phase.seed is None else phase.seed,
            "steps": _steps(card, phase),
            "schedule": phase.schedule,
            "mixture": phase.mixture,
            "stem": phase.stem,
        }
        changed = [f"{k} {getattr(planned, k)} to {v}" for k, v in wanted.items() if getattr(planned, k) != v]
        if changed:
            raise PlanError(
                f"phase {planned.name} has begun and cannot change its {'; '.join(changed)}: add a phase after it"
            )
    if len(begun) > len(card.phases):
        raise PlanError(f"phase {begun[-1].name} has begun and is not in the card any more")
    return begun


def _steps(card: RunCard, phase: Phase) -> int:
    return -(-phase.tokens // (card.global_batch * card.sequence_length))


def _weights(
    card: RunCard, phases: Sequence[Phase], held: Sequence[Mapping[str, Held]], used: Mapping[str, float]
) -> list[dict[str, float]]:
    """The weights of phases to come, by source name; `used` are the repetitions that begun phases
    take."""
    steps = [_steps(card, p) for p in phases]
    of_stem = [
        n * card.global_batch * float(p.stem.integral(np.ones(1))[0])
        for n, p in zip(steps, phases, strict=True)
    ]
    of_main = [n * card.global_batch - s for n, s in zip(steps, of_stem, strict=True)]
    weights: list[dict[str, float]] = [{} for _ in phases]
    for corpus, reads in (("main", of_main), ("stem", of_stem)):
        prefix = f"{corpus}/"
        sizes = [
            {n.removeprefix(prefix): h.sequences for n, h in release.items() if n.startswith(prefix)}
            for release in held
        ]
        for phase, wanted, size in zip(phases, reads, sizes, strict=True):
            if wanted and not size:
                release = phase.release or card.release
                title = {"main": "SkyPile-Main", "stem": "SkyPile-STEM"}[corpus]
                raise PlanError(
                    f"phase {phase.name} reads {title}, of which release {release} has no whole sequence"
                )
        given = [
            ({} if not wanted else _main_weights(p, size) if corpus == "main" else by_size(size))
            for p, wanted, size in zip(phases, reads, sizes, strict=True)
        ]
        already = {n.removeprefix(prefix): r for n, r in used.items() if n.startswith(prefix)}
        shared = redistribute(
            corpus, list(zip([p.name for p in phases], reads, strict=True)), given, sizes, already
        )
        for i, w in enumerate(shared):
            weights[i] |= {f"{prefix}{n}": x for n, x in sorted(w.items())}
    return weights


def build_plan(
    card: RunCard,
    listings: Listings,
    others: Mapping[str, Listings] | None = None,
    before: Plan | None = None,
    step: int = 0,
) -> Plan:
    """The plan of a card over the shards' listings, `{"main": shards.json, "stem": shards.json}`.

    `others` are the listings of releases that phases name beside the card's. A run that is at
    `step` of the plan `before` keeps the phases it has begun as they are and plans the rest. A
    phase's tokens are rounded up to whole steps. PlanError names what is missing, read too often,
    or changed though it has begun.
    """
    releases = {card.release: listings, **(others or {})}
    if absent := [r for r in card.releases if r not in releases]:
        raise PlanError(f"run {card.name} reads release {', '.join(absent)}, whose shards were not given")
    tokenizer = _tokenizer_hash(releases)
    begun = _begun(card, before, step) if before else ()
    if begun and before and tokenizer != before.tokenizer_hash:
        raise PlanError(
            f"run {card.name} has begun with tokenizer {before.tokenizer_hash}: its shards now are of {tokenizer}"
        )
    held = {r: held_of(releases[r], card.sequence_length) for r in card.releases}
    kept = (
        {r: {s.name: s.held[r] for s in before.sources if r in s.held} for r in {p.release for p in begun}}
        if before
        else {}
    )
    for release, old in kept.items():
        changed = sorted(
            n for n in old | held.get(release, {}) if old.get(n) != held.get(release, old).get(n)
        )
        if changed:
            raise PlanError(
                f"release {release}, which run {card.name} has begun to read, has other manifests of {', '.join(changed)}"
            )
    held |= kept
    names = sorted(
        {n for h in held.values() for n in h}, key=lambda n: (CORPORA.index(n.partition("/")[0]), n)
    )
    sources = tuple(Source(n, {r: h[n] for r, h in held.items() if n in h}) for n in names)
    plan = Plan(card.name, card.sequence_length, card.global_batch, sources, begun, tokenizer)
    rest = card.phases[len(begun) :]
    weights = _weights(card, rest, [held[p.release or card.release] for p in rest], plan.repetitions())
    phases = list(begun)
    start = begun[-1].end_step if begun else 0
    for phase, w in zip(rest, weights, strict=True):
        count = _steps(card, phase)
        phases.append(
            PlannedPhase(
                name=phase.name,
                stage=phase.stage,
                release=phase.release or card.release,
                seed=card.seed if phase.seed is None else phase.seed,
                start_step=start,
                steps=count,
                start_tokens=start * plan.tokens_per_step,
                tokens=count * plan.tokens_per_step,
                schedule=phase.schedule,
                mixture=phase.mixture,
                stem=phase.stem,
                weights=w,
                table=CountTable.make(targets(count, card.global_batch, phase.stem, w)),
            )
        )
        start += count
    return replace(plan, phases=tuple(phases))
