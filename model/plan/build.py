"""Making a plan from a run card and the shards' listings.

Belongs here: weights, limits of repetitions, phases that have begun. Does not belong here: what a
plan answers (plan.py), whole counts (counts.py). No torch.

A plan is a pure function of the card and the listings, and of the plan before where the run has
begun.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from model.plan.base import PlanError
from model.plan.card import RunCard
from model.plan.counts import CountTable, Targets
from model.plan.mixture import by_size, redistribute, table_1_weights, weights_by_name
from model.plan.phases import Phase
from model.plan.plan import Plan, PlannedPhase
from model.plan.sources import CORPORA, Held, Listings, PlannedSource, held_of


def _tokenizer_hash(releases: Mapping[str, Listings]) -> str:
    hashes = {
        str(d["tokenizer_hash"])
        for listings in releases.values()
        for d in listings.values()
        if d.get("tokenizer_hash")
    }
    if len(hashes) > 1:
        raise PlanError(
            f"the shards were made with {len(hashes)} tokenizers ({', '.join(sorted(hashes))}): rebuild"
            f" them with one"
        )
    return next(iter(hashes), "")


def _main_weights(phase: Phase, main: Mapping[str, int]) -> dict[str, float]:
    if phase.mixture == "table1":
        return table_1_weights(main)
    try:
        return weights_by_name(phase.mixture, main)
    except PlanError as error:
        has = ", ".join(main) or "none"
        raise PlanError(f"phase {phase.name}: {error}; the release has {has}") from None


def _begun(card: RunCard, before: Plan, step: int) -> tuple[PlannedPhase, ...]:
    """The phases of the plan `before` that have begun by `step`; PlanError where the card has
    changed one."""
    begun = tuple(p for p in before.phases if p.start_step < step)
    if (before.sequence_length, before.global_batch) != (card.sequence_length, card.global_batch):
        raise PlanError(
            f"run {card.name} has begun with batches of {before.global_batch} x"
            f" {before.sequence_length} tokens: they cannot change"
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
                f"phase {planned.name} has begun and cannot change its {'; '.join(changed)}: add a"
                f" phase after it"
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
            f"run {card.name} has begun with tokenizer {before.tokenizer_hash}: its shards now are of"
            f" {tokenizer}"
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
                f"release {release}, which run {card.name} has begun to read, has other manifests of"
                f" {', '.join(changed)}"
            )
    held |= kept
    names = sorted(
        {n for h in held.values() for n in h}, key=lambda n: (CORPORA.index(n.partition("/")[0]), n)
    )
    sources = tuple(PlannedSource(n, {r: h[n] for r, h in held.items() if n in h}) for n in names)
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
                table=CountTable.make(Targets.of(count, card.global_batch, phase.stem, w)),
            )
        )
        start += count
    return replace(plan, phases=tuple(phases))
