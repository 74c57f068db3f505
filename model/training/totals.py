"""What all ranks measured in one step: losses by source, norms, times, memory, speed.

Belongs here: one exchange between ranks a step, and the figures that follow from it. Does not
belong here: what a rank measures (norms.py, train.py), where figures are logged (run/logs.py).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from model.network.config import ModelConfig
from model.training import distributed


@dataclass(frozen=True)
class StepTotals:
    """Equal on every rank, float64 on the CPU."""

    losses: Tensor
    """[sources, 2]: sum of losses (nats) and number of targets of each source."""
    squares: Tensor
    """[groups, kinds]: sums of squares as norms.py measures them."""
    seconds: Tensor
    """[ranks]: of the step."""
    data_wait_seconds: Tensor
    """[ranks]: of it, until the batch was there."""
    memory_bytes: Tensor
    """[ranks]: peak of the rank."""

    @classmethod
    def gather(cls, losses: Tensor, squares: Tensor, seconds: float, data_wait_seconds: float) -> StepTotals:
        """Of every rank's own figures; all ranks call it."""
        table = distributed.gather_rows(
            [
                *losses.flatten().tolist(),
                *squares.flatten().tolist(),
                seconds,
                data_wait_seconds,
                distributed.memory_bytes(),
            ]
        )
        first, second = losses.numel(), losses.numel() + squares.numel()
        return cls(
            table[:, :first].sum(dim=0).view(losses.shape),
            table[:, first:second].sum(dim=0).view(squares.shape),
            *table[:, second:].T,
        )

    @property
    def loss(self) -> float:
        """Mean over the global batch's targets, nats; may be NaN."""
        return float(self.losses[:, 0].sum() / self.losses[:, 1].sum())

    def loss_by_source(self, names: Sequence[str]) -> dict[str, float]:
        """Mean of each source that the step has read, where it is finite."""
        rows = zip(names, self.losses.tolist(), strict=True)
        return {name: total / count for name, (total, count) in rows if count and math.isfinite(total)}


def model_speed(
    config: ModelConfig, sequence_length: int, tokens_per_second: float, peak_flops: float
) -> dict[str, float]:
    """FLOP/s of all ranks by the paper's count, and MFU where the peak of a rank's device is known:
    `peak_flops`, or for 0 what the device's name says."""
    flops = tokens_per_second * config.flops_per_token(sequence_length)
    peak = float(peak_flops or distributed.peak_flops())
    return {"model_flops_per_second": flops} | (
        {"mfu": flops / peak / distributed.world_size()} if peak else {}
    )
