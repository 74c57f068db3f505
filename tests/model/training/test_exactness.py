"""The same bits after any interruption, and the same curve as ever."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.support.ranks import Ranks
from tests.support.training_runs import explain, losses, weights

FP32 = {"bf16": {"enabled": False}}
POINTS = {
    "forward": ("model.network.architecture:Decoder.forward", 24),
    "all-reduce": ("deepspeed.comm:all_reduce", 8),
    "optimizer": ("torch.optim:AdamW.step", 6),
    "save: states": ("deepspeed.runtime.engine:DeepSpeedEngine.save_checkpoint", 2),
    "save: hashes": ("model.training.distributed:barrier", 12),
    "save: manifest": ("model.checkpoints.write:write_json", 2),
    "save: rename": ("os:rename", 2),
    "save: latest": ("model.checkpoints.write:set_latest", 2),
    "save: retention": ("model.checkpoints.retention:retain", 2),
}
"""Where a rank is killed, and how many calls of it six steps with two saves make at least."""
GOLDEN = [4.57974, 4.42936, 4.27112, 4.23094, 4.12763, 4.07959, 4.08569, 4.05090, 4.03555, 4.01748]
"""Losses of ten steps in fp32 on one rank, both stages, written on x86_64 with torch 2.13.0."""


@pytest.fixture(scope="module")
def whole(make_run: Any, ranks: Ranks) -> Path:
    folder: Path = make_run("uninterrupted")
    assert ranks.train(folder, "stage1", 2) == [0, 0], explain(folder)
    return folder


def kill_and_resume(whole: Path, folder: Path, ranks: Ranks, seed: int) -> None:
    """Kill a rank at a place drawn from the seed, start again, compare."""
    draw = random.Random(seed)
    name = sorted(POINTS)[seed % len(POINTS)]
    function, calls = POINTS[name]
    # The later phases of a save are rank 0's alone.
    rank = (
        0
        if name in ("save: manifest", "save: rename", "save: latest", "save: retention")
        else draw.randrange(2)
    )
    fault = {
        "rank": rank,
        "function": function,
        "call": draw.randint(1, calls),
        "before": draw.random() < 0.5,
    }
    codes = ranks.train(folder, "stage1", 2, fault=fault)
    assert codes[rank] == -9, f"{fault}: {explain(folder)}"
    assert ranks.train(folder, "stage1", 2) == [0, 0], f"{fault}: {explain(folder)}"
    assert losses(folder) == losses(whole), fault
    assert weights(folder) == weights(whole), fault


@pytest.mark.parametrize("seed", [0, 5, 7])
def test_kill_at_a_seeded_point_changes_no_bit(whole: Path, make_run: Any, ranks: Ranks, seed: int) -> None:
    kill_and_resume(whole, make_run("killed"), ranks, seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(10, 30))
def test_kill_at_twenty_seeded_points_changes_no_bit(
    whole: Path, make_run: Any, ranks: Ranks, seed: int
) -> None:
    kill_and_resume(whole, make_run("killed"), ranks, seed)


def test_golden_curve_of_ten_steps(make_run: Any, ranks: Ranks) -> None:
    folder = make_run("golden", phase_steps=(6, 2, 2), deepspeed=FP32)
    for stage in ("stage1", "stage2"):
        assert ranks.train(folder, stage, 1) == [0], explain(folder)
    assert losses(folder) == pytest.approx(GOLDEN, abs=1e-4)
