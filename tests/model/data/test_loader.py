"""Audit of the loader: what is read does not depend on who reads it, or on where a run was
stopped."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from model.data.loader import Loader
from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.mixture import StemShare
from model.plan.phases import Phase, Schedule
from model.plan.plan import Plan
from pipelines.shards.format import END_OF_DOCUMENT
from tests.support.shard_sets import write_shards

LENGTH, BATCH = 16, 12
SCHEDULE = Schedule(peak=1e-3)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, Path]]:
    root = tmp_path_factory.mktemp("shards")
    listings = {
        "main": write_shards(root / "main", {"zh-webpages": 6000, "en-webpages": 4000, "en-code": 900}),
        "stem": write_shards(root / "stem", {"en-stem": 1400, "zh-stem": 500}),
    }
    tokens = LENGTH * BATCH
    phases = (
        Phase(name="a", stage="stage1", tokens=20 * tokens, schedule=SCHEDULE),
        Phase(
            name="b",
            stage="stage2",
            tokens=20 * tokens,
            schedule=SCHEDULE,
            stem=StemShare(kind="quadratic", start=0.1, end=0.4),
        ),
    )
    card = RunCard(name="r", release="x", sequence_length=LENGTH, global_batch=BATCH, phases=phases)
    return build_plan(card, listings), {c: root / c for c in listings}


def together(plan: Plan, dirs: dict[str, Path], step: int, size: int, micro: int) -> np.ndarray:
    """The global batch put together from the ranks' micro batches, inputs with the last target."""
    out = np.zeros((BATCH, LENGTH + 1), dtype=np.uint16)
    for rank in range(size):
        rows = []
        for batch in Loader(plan, dirs, rank, size, micro).batch(step):
            assert batch.inputs.dtype == np.uint16 and batch.inputs.shape == (micro, LENGTH)
            assert np.array_equal(batch.inputs[:, 1:], batch.targets[:, :-1])
            rows.append(np.concatenate([batch.inputs, batch.targets[:, -1:]], axis=1))
        out[rank::size] = np.concatenate(rows)
    return out


@pytest.mark.parametrize(("size", "micro"), [(1, 1), (1, 4), (2, 3), (4, 1), (6, 2)])
def test_world_size_and_micro_batch_change_nothing(
    built: tuple[Plan, dict[str, Path]], size: int, micro: int
) -> None:
    plan, dirs = built
    reference = Loader(plan, dirs, micro_batch=BATCH)
    for step in (0, 7, 20, 39):
        [whole] = reference.batch(step)
        assert np.array_equal(together(plan, dirs, step, size, micro)[:, :-1], whole.inputs)
        assert Loader(plan, dirs, size - 1, size, micro).sample_ids(step) == reference.sample_ids(step)


def test_a_loader_made_anew_at_any_step_goes_on_alike(built: tuple[Plan, dict[str, Path]]) -> None:
    plan, dirs = built
    straight = Loader(plan, dirs, 1, 2, 2)
    batches = [straight.batch(step) for step in range(plan.steps)]
    for step in (0, 5, 19, 20, 39):
        again = Loader(Plan.from_json(plan.to_json()), dirs, 1, 2, 2).batch(step)
        assert all(
            np.array_equal(x, y)
            for a, b in zip(again, batches[step], strict=True)
            for x, y in zip(a, b, strict=True)
        )


def test_every_sequence_once_per_pass_over_phases(built: tuple[Plan, dict[str, Path]]) -> None:
    """Read counts carry over from phase to phase: a source's passes fill up one after the other."""
    plan, dirs = built
    loader, seen = Loader(plan, dirs), {}
    for step in range(plan.steps):
        for s in loader.samples(step):
            seen.setdefault(s.source, []).append((s.reading, s.position))
    for source, total in zip(plan.sources, plan.counts(plan.steps), strict=True):
        reads = seen[source.name]
        assert len(reads) == total == len(set(reads))
        passes = [r for r, _ in reads]
        assert max(passes) < 5
        for reading in range(total // source.sequences("x")):
            assert sorted(p for r, p in reads if r == reading) == list(range(source.sequences("x")))


def test_batches_match_the_planned_counts(built: tuple[Plan, dict[str, Path]]) -> None:
    plan, dirs = built
    loader = Loader(plan, dirs, micro_batch=BATCH)
    for step in (0, 13, 25):
        [batch] = loader.batch(step)
        read = np.bincount(batch.sources, minlength=len(plan.sources))
        assert np.array_equal(read, plan.counts(step + 1) - plan.counts(step))


def test_starts_follow_ends(built: tuple[Plan, dict[str, Path]]) -> None:
    plan, dirs = built
    for step in range(0, plan.steps, 5):
        for batch in Loader(plan, dirs, micro_batch=4).batch(step):
            assert np.array_equal(batch.starts[:, 1:], batch.inputs[:, :-1] == END_OF_DOCUMENT)


def test_trace_names_the_documents_of_a_sample(built: tuple[Plan, dict[str, Path]]) -> None:
    plan, dirs = built
    loader = Loader(plan, dirs, micro_batch=BATCH)
    [batch] = loader.batch(3)
    for sample in range(BATCH):
        documents = loader.trace(3, sample)
        assert [d["start"] for d in documents] == [0, *(d["end"] for d in documents[:-1])] and documents[-1][
            "end"
        ] == LENGTH
        starts = set(np.flatnonzero(batch.starts[sample]).tolist())
        assert {d["start"] for d in documents if d["document_token"] == 0} == starts
        assert all(d["url"].startswith(f"https://{d['source'].split('/')[1]}/") for d in documents)


def test_a_batch_that_does_not_divide_is_refused(built: tuple[Plan, dict[str, Path]]) -> None:
    plan, dirs = built
    with pytest.raises(
        PlanError, match="global batch 12 is not divided by 5 data-parallel ranks x micro batch 1"
    ):
        Loader(plan, dirs, 0, 5, 1)


def test_changed_shards_are_refused_by_name(built: tuple[Plan, dict[str, Path]], tmp_path: Path) -> None:
    plan, dirs = built
    write_shards(tmp_path / "main", {"zh-webpages": 6000, "en-webpages": 3800})
    with pytest.raises(
        PlanError, match=r"main/en-code of release x is gone; main/en-webpages of release x has 3800 tokens"
    ):
        Loader(plan, {**dirs, "main": tmp_path / "main"})
    with pytest.raises(PlanError, match="no shards were given for stem"):
        Loader(plan, {"main": dirs["main"]})
