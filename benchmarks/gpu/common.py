"""What the parts share: result lines, clocks, the device's own matmul rate, shares of peak.

Belongs here: how something is measured and printed. Does not belong here: what is measured.
"""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import torch

from model.network.config import ModelConfig
from model.training import distributed

GPU = torch.cuda.is_available()
MATMUL_SIDE = 8_192
"""Side of the square bf16 product that tells what the device can do."""


def hardware() -> str:
    """The device in words."""
    return (
        torch.cuda.get_device_name() if GPU else f"{platform.machine()} CPU, {os.cpu_count()} cores, dry run"
    )


def line(part: str, metrics: dict[str, Any], goal: dict[str, Any] | None = None) -> None:
    """Print a part's result as one JSON object, at once."""
    out = {"part": part, "metrics": metrics, "goal": goal or {}}
    software = {"torch": torch.__version__, "hardware": hardware()}
    print(json.dumps(out | software), flush=True)


def wait() -> None:
    """Until the device has done what it was given."""
    if GPU:
        torch.cuda.synchronize()


def seconds_of(call: Callable[[], Any], rounds: int, warm: int = 3) -> float:
    """Median wall-clock seconds of `call`, the device's work included."""
    found = []
    for i in range(warm + rounds):
        wait()
        started = time.perf_counter()
        call()
        wait()
        if i >= warm:
            found.append(time.perf_counter() - started)
    return statistics.median(found)


def matmul_flops() -> float:
    """Measured rate of a square bf16 product on random data: the ceiling that a step is held
    against."""
    side = MATMUL_SIDE if GPU else 256
    a, b = (torch.randn(side, side, device=distributed.device(), dtype=torch.bfloat16) for _ in range(2))
    out = torch.empty_like(a)
    return 2.0 * side**3 / seconds_of(lambda: torch.matmul(a, b, out=out), 20, warm=5)


def flops_shares(paper: float, exact: float, matmul: float) -> dict[str, float]:
    """The four shares of a rate in FLOP/s: by the paper's count and by the exact one, of the
    measured matmul rate and of the vendor's peak (0 where that is unknown)."""
    peak = distributed.peak_flops()
    return {
        "mfu_paper_of_matmul": paper / matmul,
        "mfu_exact_of_matmul": exact / matmul,
        "mfu_paper_of_peak": paper / peak if peak else 0.0,
        "mfu_exact_of_peak": exact / peak if peak else 0.0,
    }


def step_shares(
    config: ModelConfig, length: int, tokens_per_second: float, matmul: float
) -> dict[str, float]:
    """`flops_shares` of a training step of the whole model."""
    return flops_shares(
        config.flops_per_token(length) * tokens_per_second,
        config.exact_flops_per_token(length) * tokens_per_second,
        matmul,
    )


def distance(found: torch.Tensor, wanted: torch.Tensor) -> float:
    """Norm of the difference over the norm of `wanted`, in fp32."""
    found, wanted = found.detach().float(), wanted.detach().float()
    return float((found - wanted).norm() / wanted.norm().clamp(min=1e-30))
