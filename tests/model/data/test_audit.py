"""The audit of a run: one global sequence of samples, whoever reads it, wherever it was stopped,
whatever release comes next."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.loader import Loader
from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.plan import Plan
from tests.support.shard_sets import write_shards

LENGTH, BATCH = 16, 12
PER_STEP = LENGTH * BATCH
WORLDS = [(1, 1), (1, 12), (2, 1), (2, 3), (4, 3), (6, 1), (6, 2)]  # ranks, micro batch
STEPS = (15, 10, 10)


def phases(**later: Any) -> tuple[Phase, ...]:
    """Two phases of Stage-1 and one of Stage-2, `later` laid over the second and third."""
    plain = [
        {"name": "a", "stage": "stage1", "tokens": STEPS[0] * PER_STEP},
        {"name": "b", "stage": "stage1", "tokens": STEPS[1] * PER_STEP} | later,
        {"name": "c", "stage": "stage2", "tokens": STEPS[2] * PER_STEP, "stem": STEM_RAMP} | later,
    ]
    return tuple(Phase.model_validate({"schedule": Schedule(peak=1e-3), **p}) for p in plain)


def card(**later: Any) -> RunCard:
    return RunCard(
        name="r", release="old", sequence_length=LENGTH, global_batch=BATCH, phases=phases(**later)
    )


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Path]]:
    """Two releases: the new one has more of the web, less code (read more than once), and books
    beside."""
    root = tmp_path_factory.mktemp("sets")
    sizes = {
        "old": {"main": {"zh-webpages": 3000, "en-webpages": 2000, "en-code": 700}, "stem": {"en-stem": 900}},
        "new": {
            "main": {"zh-webpages": 5000, "en-webpages": 2000, "en-code": 300, "en-books": 900},
            "stem": {"en-stem": 900},
        },
    }
    for release, corpora in sizes.items():
        for corpus, sources in corpora.items():
            write_shards(root / release / corpus, sources)
    return {r: {c: root / r / c for c in corpora} for r, corpora in sizes.items()}


def listings(sets: dict[str, dict[str, Path]], release: str) -> dict[str, Any]:
    return {c: json.loads((p / "shards.json").read_text()) for c, p in sets[release].items()}


def folders(sets: dict[str, dict[str, Path]]) -> dict[str, Path]:
    return {**sets["old"], **{f"new/{c}": p for c, p in sets["new"].items()}}


@pytest.fixture(scope="module")
def plan(sets: dict[str, dict[str, Path]]) -> Plan:
    return build_plan(card(), listings(sets, "old"))


@pytest.fixture(scope="module")
def renewed(sets: dict[str, dict[str, Path]]) -> Plan:
    return build_plan(card(release="new"), listings(sets, "old"), {"new": listings(sets, "new")})


def global_batch(
    plan: Plan, shards: dict[str, Path], step: int, world: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Tokens, sources and document starts of a step's samples in their order, put together from all
    ranks."""
    size, micro = world
    tokens = np.zeros((BATCH, LENGTH + 1), np.uint16)
    sources = np.zeros(BATCH, np.int64)
    starts = np.zeros((BATCH, LENGTH), np.bool_)
    for rank in range(size):
        batches = Loader(plan, shards, rank, size, micro).batch(step)
        tokens[rank::size] = np.concatenate(
            [np.concatenate([b.inputs, b.targets[:, -1:]], axis=1) for b in batches]
        )
        sources[rank::size] = np.concatenate([b.sources for b in batches])
        starts[rank::size] = np.concatenate([b.starts for b in batches])
    return tokens, sources, starts


def same(a: tuple[np.ndarray, ...], b: tuple[np.ndarray, ...]) -> bool:
    return all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("world", WORLDS)
def test_one_sequence_of_samples_whatever_the_world(
    plan: Plan, sets: dict[str, dict[str, Path]], world: tuple[int, int]
) -> None:
    for step in range(plan.steps):
        assert same(
            global_batch(plan, sets["old"], step, world), global_batch(plan, sets["old"], step, (1, BATCH))
        )


@settings(max_examples=25, deadline=None)
@given(st.integers(1, sum(STEPS) - 1), st.sampled_from(WORLDS), st.sampled_from(WORLDS))
def test_stop_anywhere_and_go_on_in_any_world(
    renewed: Plan,
    sets: dict[str, dict[str, Path]],
    stop: int,
    before: tuple[int, int],
    after: tuple[int, int],
) -> None:
    """The state of the loader is the step: what is read after a resume is what would have been
    read."""
    shards = folders(sets)
    state = json.loads(json.dumps({"plan": renewed.to_json(), "step": stop}))
    again = Plan.from_json(state["plan"])
    assert again.fingerprint(stop) == renewed.fingerprint(stop)
    for step in (state["step"] - 1, state["step"], min(state["step"] + 7, renewed.steps - 1)):
        assert same(global_batch(again, shards, step, after), global_batch(renewed, shards, step, before))


def test_a_phase_with_new_manifests_keeps_the_read_counts(
    renewed: Plan, sets: dict[str, dict[str, Path]]
) -> None:
    counts = [renewed.source_counts(step) for step in range(renewed.steps + 1)]
    border = STEPS[0]
    assert (
        all(counts[border + 1][n] >= counts[border][n] for n in counts[0])
        and counts[border]["main/zh-webpages"] > 0
    )
    assert [sum(c.values()) for c in counts] == [BATCH * step for step in range(renewed.steps + 1)]
    loader, seen = Loader(renewed, folders(sets)), {}
    for step in range(renewed.steps):
        for s in loader.samples(step):
            seen.setdefault(s.source, []).append((step >= border, s.reading, s.position))
    for name, reads in seen.items():
        source = next(s for s in renewed.sources if s.name == name)
        assert len(reads) == counts[-1][name] == len(set(reads))
        # The manifest of en-webpages and en-stem is the same in both releases: their pass goes on.
        # A changed one begins a new pass.
        early, late = [r for r in reads if not r[0]], [r for r in reads if r[0]]
        groups = (
            [early + late]
            if name in ("main/en-webpages", "stem/en-stem")
            else [g for g in (early, late) if g]
        )
        for group in groups:
            passes = sorted({reading for _, reading, _ in group})
            size = source.sequences("new" if group[-1][0] else "old")
            for reading in passes:
                positions = sorted(p for _, r, p in group if r == reading)
                assert len(set(positions)) == len(positions), "a sequence is read once in a pass"
                assert reading == passes[-1] or positions == list(range(size)), (
                    "a pass is whole before the next begins"
                )
        assert len(groups) == 1 or max(r for _, r, _ in early) < min(r for _, r, _ in late), (
            "a new pass has a number of its own"
        )
    assert max(renewed.repetitions().values()) <= 5


def test_another_seed_for_a_phase_begins_new_passes(sets: dict[str, dict[str, Path]], plan: Plan) -> None:
    other = build_plan(card(seed=9), listings(sets, "old"))
    loader, first = Loader(other, sets["old"]), Loader(plan, sets["old"])
    assert loader.samples(STEPS[0] - 1) == first.samples(STEPS[0] - 1) and loader.samples(
        STEPS[0]
    ) != first.samples(STEPS[0])
    assert other.fingerprint(STEPS[0]) == plan.fingerprint(STEPS[0]) and other.fingerprint(
        STEPS[0] + 1
    ) != plan.fingerprint(STEPS[0] + 1)


def test_a_begun_run_takes_new_phases_and_keeps_what_it_has_read(
    sets: dict[str, dict[str, Path]], plan: Plan
) -> None:
    """At step 12, within phase a, the card's later phases turn to the new release: phase a stays
    bit for bit."""
    later = build_plan(card(release="new"), listings(sets, "old"), {"new": listings(sets, "new")}, plan, 12)
    assert later.phases[0] == plan.phases[0] and later.phases[1].release == "new"
    assert later.fingerprint(12) == plan.fingerprint(12) == later.fingerprint(STEPS[0]) and later.fingerprint(
        16
    ) != plan.fingerprint(16)
    old, new = Loader(plan, sets["old"]), Loader(later, folders(sets))
    for step in range(STEPS[0]):
        assert new.samples(step) == old.samples(step)
    assert later.source_counts(STEPS[0])["main/en-code"] == plan.source_counts(STEPS[0])["main/en-code"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"release": "new"}, "phase b has begun and cannot change its release old to new"),
        ({"seed": 5}, "phase b has begun and cannot change its seed 1 to 5"),
        ({"mixture": {"en-code": 1.0}}, "phase b has begun and cannot change its mixture"),
    ],
)
def test_a_begun_phase_does_not_change(
    sets: dict[str, dict[str, Path]], plan: Plan, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(PlanError, match=message):
        build_plan(card(**change), listings(sets, "old"), {"new": listings(sets, "new")}, plan, 20)


def test_a_manifest_that_changed_within_a_phase_is_refused_with_what_changed(
    sets: dict[str, dict[str, Path]], plan: Plan
) -> None:
    with pytest.raises(
        PlanError,
        match=r"release old, .*has other manifests of main/en-books, main/en-code, main/zh-webpages",
    ):
        build_plan(card(), listings(sets, "new"), None, plan, 3)
    with pytest.raises(
        PlanError,
        match=r"main/en-code of release old has 300 tokens and another manifest, planned were 700 tokens",
    ):
        Loader(plan, sets["new"])
    with pytest.raises(PlanError, match="reads release new, whose shards were not given"):
        build_plan(card(release="new"), listings(sets, "old"))


def test_every_read_is_found_from_its_document_over_releases(
    renewed: Plan, sets: dict[str, dict[str, Path]]
) -> None:
    loader = Loader(renewed, folders(sets))
    for step in (0, 14, 15, 24, 25, 34):
        for number, sample in enumerate(loader.samples(step)[:4]):
            release = renewed.phase_at(step).release
            source = [s.name for s in renewed.sources].index(sample.source)
            first = sample.position * LENGTH
            reads = loader.reads_of(source, release, first, first + LENGTH)
            assert (step, number) in reads
            for other, place in reads:
                found = loader.samples(other)[place]
                assert (found.source, found.position) == (sample.source, sample.position)
                assert renewed.phase_at(other).release == release
