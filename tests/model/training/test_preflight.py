from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from model.plan.card import RunSettings
from model.plan.limits import PreflightLimits
from model.plan.run_file import RunFile
from model.training.preflight import input_faults, judge, needed_bytes
from tests.support.ranks import Ranks

SLOW = RunSettings(preflight=PreflightLimits(bandwidth_gigabytes_per_second=2.0))


def row(rank: int, **changes: Any) -> dict[str, Any]:
    value = {
        "rank": rank,
        "host": f"node{rank}",
        "versions": {"torch": "2"},
        "inputs": {"main": "a"},
        "faults": [],
        "free_bytes": 10**12,
        "checkpoints": 0,
        "clock_seconds": 0.0,
        "flops_per_second": 1e12,
        "all_reduce_bytes_per_second": 1e9,
    }
    return value | changes


def test_like_hosts_pass() -> None:
    assert judge([row(0), row(1)], 1000, RunSettings()) == ([], [])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"versions": {"torch": "3"}}, "rank 1 on node1: torch is 3, rank 0 on node0 has 2"),
        ({"inputs": {"main": "b"}}, "main is b"),
        ({"faults": ["x.bin is missing"]}, "rank 1 on node1: x.bin is missing"),
        ({"free_bytes": 57_999}, "57999 bytes free for checkpoints, 58000 are needed to keep 3"),
    ],
)
def test_what_a_person_must_mend_is_refused_and_the_host_named(changes: dict[str, Any], message: str) -> None:
    refusals, warnings = judge([row(0), row(1, **changes), row(2)], 1000, RunSettings())
    assert len(refusals) == 1 and message in refusals[0] and not warnings


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"flops_per_second": 5e11}, "rank 1 on node1: slow, its matrix product makes 50%"),
        ({"clock_seconds": 9.0}, "rank 1 on node1: its clock is 9.0 s ahead"),
    ],
)
def test_a_slow_node_and_a_skewed_clock_are_warnings_that_name_it(
    changes: dict[str, Any], message: str
) -> None:
    refusals, warnings = judge([row(0), row(1, **changes), row(2)], 1000, RunSettings())
    assert not refusals and len(warnings) == 1 and message in warnings[0]


@pytest.mark.parametrize(
    ("settings", "present", "needed"),
    [
        ({}, 0, 4 * 14 + 2),
        ({}, 3, 14 + 2),
        ({}, 9, 14 + 2),
        ({"keep_last": 10}, 4, 7 * 14 + 2),
        ({"deepspeed": {"bf16": {"enabled": False}}, "keep_last": 1}, 0, 2 * 16 + 4),
        ({"preflight": {"checkpoint_copies": 0}}, 0, 2),
    ],
)
def test_the_disk_holds_what_the_run_keeps_and_the_one_being_written(
    settings: dict[str, Any], present: int, needed: int
) -> None:
    assert needed_bytes(RunSettings.model_validate(settings), 1000, present) == 1000 * needed


def test_slow_network_is_a_warning_when_a_rate_is_expected() -> None:
    assert judge([row(0), row(1)], 1000, SLOW)[1] == ["all-reduce moves 1.00 GB/s, expected 2.0"]


def test_damaged_and_truncated_shards_are_found(make_run: Any, tmp_path: Path) -> None:
    import shutil

    run = RunFile.load(make_run("inputs"))
    folder = Path(shutil.copytree(run.shards.main, tmp_path / "main"))
    assert input_faults([folder], 0, 1, 1 << 20)[1] == []
    victim = next(iter(folder.rglob("*.bin")))
    data = bytearray(victim.read_bytes())
    data[7] ^= 1
    victim.write_bytes(data)
    # The share of one of two ranks holds the file: together they find it once.
    found = [f for r in (0, 1) for f in input_faults([folder], r, 2, 1 << 20)[1]]
    assert found == [f"{victim} has another sha256 than shards.json says"]
    assert input_faults([folder], 0, 1, 0)[1] == []  # no budget: sizes only
    victim.write_bytes(data[:-2])
    assert "another size" in input_faults([folder], 0, 1, 0)[1][0]


def test_ranks_measure_and_a_host_that_differs_stops_all(make_run: Any, ranks: Ranks, tmp_path: Path) -> None:
    """Every rank is refused before step 1, with the same sentence."""
    folder = make_run("refused", preflight={"checkpoint_copies": 1e12})
    codes = ranks.train(folder, "stage1", 2)
    assert 0 not in codes
    for rank in (0, 1):
        assert "bytes free for checkpoints" in (folder / f"rank{rank}.log").read_text()
    assert not (folder / "checkpoints").exists()


def test_the_shards_of_every_release_are_looked_at(make_run: Any, ranks: Ranks, tmp_path: Path) -> None:
    """A phase may read another release's sets."""
    import shutil

    folder = make_run("releases")
    run = RunFile.load(folder)
    other = Path(shutil.copytree(run.shards.main, tmp_path / "other"))
    victim = next(iter(other.rglob("*.bin")))
    victim.write_bytes(victim.read_bytes()[:-2])
    sets = run.shards.model_copy(update={"others": {"old": {"main": str(other)}}})
    run.model_copy(update={"shards": sets}).write(folder)
    assert ranks.train(folder, "stage1", 1) != [0]
    assert f"{victim} is missing or has another size" in (folder / "rank0.log").read_text()


def test_a_rank_that_sees_other_storage_is_named(make_run: Any, ranks: Ranks) -> None:
    """Rank 1 finds an empty folder where rank 0 writes, as on a host that has lost a mount."""
    folder = make_run("apart")
    blind = {
        "rank": 1,
        "function": "model.training.preflight:os.listdir",
        "call": 1,
        "times": 10**6,
        "factor": 0,
    }
    codes = ranks.train(folder, "stage1", 2, fault=blind)
    assert 0 not in codes
    assert (
        "rank 1 on" in (folder / "rank0.log").read_text()
        and "is not the folder that rank 0 sees" in (folder / "rank0.log").read_text()
    )
    assert not list(folder.glob("**/.preflight*"))
