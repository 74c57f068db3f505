"""Reading from S3: the same batches as from a folder, few bytes more than are read, within the
cache."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.data.loader import Loader
from model.data.readahead import MAX_WASTE, RANGE_BYTES, Need, merge
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.plan import Plan
from pipelines.shards.format import ShardError
from pipelines.shards.reader import ShardSet
from pipelines.shards.storage import Bucket
from tests.support.shard_sets import write_shards

LENGTH, BATCH, STEPS = 128, 8, 40


class Set:
    root = "s3://bucket/set"


SET = Set()


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(0, 400), min_size=1, max_size=200), st.integers(1, 200), st.booleans())
def test_ranges_cover_every_need_with_little_waste(positions: list[int], length: int, overlap: bool) -> None:
    needs = [Need(SET, "ab"[p % 2], p * length, (p + 1) * length + overlap) for p in positions]  # type: ignore[arg-type]
    ranges = merge(needs)
    for need in needs:
        assert any(r.source == need.source and r.first <= need.first and need.last <= r.last for r in ranges)
    wanted = len({(n.source, t) for n in needs for t in range(n.first, n.last)})
    doubled = overlap * len(ranges)  # where two ranges meet
    assert sum(r.last - r.first for r in ranges) <= (1 + MAX_WASTE) * wanted + doubled
    assert all((r.last - r.first) * 2 <= RANGE_BYTES for r in ranges)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Plan, dict[str, Path]]:
    root = tmp_path_factory.mktemp("sets")
    listings = {
        "main": write_shards(root / "main", {"zh-webpages": 60_000, "en-webpages": 40_000}),
        "stem": write_shards(root / "stem", {"en-stem": 16_000}),
    }
    per_step = LENGTH * BATCH
    phases = (
        Phase(name="a", stage="stage1", tokens=20 * per_step, schedule=Schedule(peak=1e-3)),
        Phase(name="b", stage="stage2", tokens=20 * per_step, schedule=Schedule(peak=1e-3), stem=STEM_RAMP),
    )
    return build_plan(
        RunCard(name="r", release="x", sequence_length=LENGTH, global_batch=BATCH, phases=phases), listings
    ), {c: root / c for c in listings}


@pytest.fixture(scope="module")
def remote(made: tuple[Plan, dict[str, Path]], s3: Any) -> dict[str, str]:
    s3.create_bucket(Bucket="shards")
    for corpus, folder in made[1].items():
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            s3.put_object(Bucket="shards", Key=f"{corpus}/{path.relative_to(folder)}", Body=path.read_bytes())
    return {c: f"s3://shards/{c}" for c in made[1]}


@pytest.mark.parametrize(("size", "micro", "cache_bytes"), [(1, 4, 1 << 20), (2, 2, 1 << 14)])
def test_batches_from_s3_are_those_of_the_folder(
    made: tuple[Plan, dict[str, Path]],
    remote: dict[str, str],
    size: int,
    micro: int,
    cache_bytes: int,
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    plan, folders = made
    monkeypatch.setenv("SKYPILE_CACHE", str(tmp_path))
    fetched = used = 0
    for rank in range(size):
        here, there = (
            Loader(plan, folders, rank, size, micro),
            Loader(plan, remote, rank, size, micro, cache_bytes),
        )
        there.verify(rank, size)
        stores = [s.store for s in there.shard_sets]
        assert all(isinstance(s, Bucket) for s in stores)
        before = sum(s.fetched_bytes for s in stores)
        for step in range(plan.steps):
            for a, b in zip(here.batch(step), there.batch(step), strict=True):
                assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))
                used += b.inputs.nbytes + 2 * len(b.inputs)
            assert there.ahead is not None and there.ahead.cached_bytes <= cache_bytes
        fetched += sum(s.fetched_bytes for s in stores) - before
        there.close()
    assert 0.95 < fetched / used <= 1.2, "bytes fetched over bytes used"
    assert os.listdir(tmp_path) == [], "the cache leaves nothing behind"


def test_a_jump_reads_on_from_there(made: tuple[Plan, dict[str, Path]], remote: dict[str, str]) -> None:
    plan, folders = made
    here, there = Loader(plan, folders), Loader(plan, remote)
    for step in (30, 31, 32, 5, 6, 39):
        for a, b in zip(here.batch(step), there.batch(step), strict=True):
            assert np.array_equal(a.inputs, b.inputs) and np.array_equal(a.starts, b.starts)
    assert there.trace(7, 3) == here.trace(7, 3)
    there.close()


def test_objects_that_are_cut_gone_or_foreign_are_refused_by_name(
    made: tuple[Plan, dict[str, Path]], remote: dict[str, str], s3: Any
) -> None:
    plan, folders = made
    key = "main/zh-webpages/00001.bin"
    whole = (folders["main"] / "zh-webpages/00001.bin").read_bytes()
    try:
        s3.put_object(Bucket="shards", Key=key, Body=whole[:-2])
        with pytest.raises(ShardError, match=r"zh-webpages/00001.bin has .* bytes, its listing says"):
            Loader(plan, remote).verify()
        loader = Loader(plan, remote)
        with pytest.raises(ShardError, match=r"zh-webpages/00001.bin"):
            for step in range(plan.steps):
                loader.batch(step)
        loader.close()
        s3.put_object(Bucket="shards", Key=key, Body=whole[:-2] + b"\7\7")
        with pytest.raises(ShardError, match=r"zh-webpages/00001.bin has sha256"):
            ShardSet.open(remote["main"]).verify()
        s3.delete_object(Bucket="shards", Key=key)
        with pytest.raises(ShardError, match=r"zh-webpages/00001.bin does not exist"):
            Loader(plan, remote).verify()
    finally:
        s3.put_object(Bucket="shards", Key=key, Body=whole)
