"""What the two engines compute alike."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.gradients import gradients
from tests.support.ranks import Ranks
from tests.support.training_runs import explain

STRATEGIES: dict[str, dict[str, Any]] = {
    "zero-1": {},
    "zero-2": {"zero_optimization": {"stage": 2}},
    "zero-3": {"zero_optimization": {"stage": 3}},
}


def one_step(ranks: Ranks, folder: Path, given: dict[str, Any], world: int) -> dict[str, torch.Tensor]:
    folder.mkdir()
    codes = ranks.run("tests.support.gradients:main", [json.dumps(given), str(folder)], folder, world)
    assert codes == [0] * world, explain(folder)
    return gradients(folder)


@pytest.fixture(scope="module")
def alone(ranks: Ranks, tmp_path_factory: pytest.TempPathFactory) -> dict[str, torch.Tensor]:
    """The gradients of one rank, whose micro batches are added in fp32."""
    return one_step(ranks, tmp_path_factory.mktemp("alone") / "one", {}, 1)


@pytest.mark.parametrize("name", ["zero-1", "zero-2", pytest.param("zero-3", marks=pytest.mark.full)])
def test_gradients_are_reduced_over_ranks_in_fp32(
    ranks: Ranks, tmp_path: Path, alone: dict[str, torch.Tensor], name: str
) -> None:
    """Each micro batch's gradient is bf16, as its weights are; what follows adds up in fp32, so
    that two ranks agree with one."""
    found = one_step(ranks, tmp_path / name, STRATEGIES[name], 2)
    for parameter, wanted in alone.items():
        difference = float((found[parameter] - wanted).norm() / wanted.norm())
        assert difference < 1e-6, parameter


def test_stages_of_a_pipeline_reduce_in_fp32_too(
    ranks: Ranks, tmp_path: Path, alone: dict[str, torch.Tensor]
) -> None:
    given = {"pipeline_stages": 2}
    two = one_step(ranks, tmp_path / "two", given, 2)
    four = one_step(ranks, tmp_path / "four", given, 4)
    for parameter, wanted in two.items():
        assert float((four[parameter] - wanted).norm() / wanted.norm()) < 1e-6, parameter
        assert float((alone[parameter] - wanted).norm() / wanted.norm()) < 1e-2, parameter
