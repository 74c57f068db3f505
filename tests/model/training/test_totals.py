from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from model.network.config import preset
from model.training import distributed
from model.training.totals import StepTotals, model_speed


@pytest.fixture
def two_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    """This rank's row, and one of another rank that is a second slower and measured twice as
    much."""

    def gather(values: Any) -> torch.Tensor:
        row = torch.tensor(list(values), dtype=torch.float64)
        other = row * 2
        other[-3] = row[-3] + 1
        return torch.stack([row, other])

    monkeypatch.setattr(distributed, "gather_rows", gather)


def test_losses_and_squares_add_up_over_ranks_and_times_stay_apart(two_ranks: None) -> None:
    losses = torch.tensor([[6.0, 3.0], [0.0, 0.0], [math.nan, 1.0]], dtype=torch.float64)
    squares = torch.ones(4, 3, dtype=torch.float64)
    totals = StepTotals.gather(losses, squares, 5.0, 0.5)
    assert totals.losses[0].tolist() == [18.0, 9.0] and totals.squares.tolist() == [[3.0] * 3] * 4
    assert totals.seconds.tolist() == [5.0, 6.0] and totals.data_wait_seconds.tolist() == [0.5, 1.0]
    # A source that was not read and one that is not finite have no loss.
    assert totals.loss_by_source(["a", "b", "c"]) == {"a": 2.0} and math.isnan(totals.loss)


def test_mfu_is_there_where_the_peak_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    config = preset("debug")
    monkeypatch.setattr(distributed, "peak_flops", lambda: 0.0)
    flops = 100.0 * config.flops_per_token(256)
    assert model_speed(config, 256, 100.0, 0.0) == {"model_flops_per_second": flops}
    assert model_speed(config, 256, 100.0, flops)["mfu"] == pytest.approx(1 / distributed.world_size())
