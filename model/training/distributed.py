"""Ranks: starting them, and agreeing on numbers.

Belongs here: the process group and small exchanges. Does not belong here: gradients (DeepSpeed
moves them).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

TIMEOUT_MINUTES = 30
"""Of every collective: longer than a save or a validation, which one rank may do while others wait
(DeepSpeed's own default is 10)."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def start() -> None:
    """Join the process group that the launcher describes, or make a group of one without a
    launcher."""
    os.environ.setdefault("RANK", "0")
    os.environ.setdefault("LOCAL_RANK", "0")
    os.environ.setdefault("WORLD_SIZE", "1")
    os.environ.setdefault("LOCAL_SIZE", os.environ["WORLD_SIZE"])
    os.environ.setdefault("MASTER_ADDR", "127.0.0.1")
    if os.environ["WORLD_SIZE"] == "1":
        os.environ.setdefault("MASTER_PORT", str(free_port()))
    import torch

    if not torch.cuda.is_available():
        os.environ.setdefault("DS_ACCELERATOR", "cpu")
    # cuBLAS gives equal bits in every run with these buffers alone (its documentation, "Results
    # reproducibility").
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    import deepspeed
    import deepspeed.ops

    # On a CPU DeepSpeed would compile a shared-memory collective at start; a build that is killed
    # leaves a lock on which every later start waits without a word. gloo serves.
    deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False
    deepspeed.init_distributed(
        dist_backend="nccl" if torch.cuda.is_available() else "gloo",
        timeout=timedelta(minutes=TIMEOUT_MINUTES),
        verbose=False,
    )


def rank() -> int:
    """This process's number."""
    return int(os.environ.get("RANK", "0"))


def world_size() -> int:
    """How many processes train."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def device() -> Any:
    """Where this rank computes."""
    import torch

    return (
        torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if torch.cuda.is_available()
        else torch.device("cpu")
    )


PEAK_FLOPS = {
    "A100": 312e12,
    "A800": 312e12,
    "H100": 989e12,
    "H800": 989e12,
    "H200": 989e12,
    "L40S": 362e12,
    "4090": 165e12,
}
"""Dense bf16 peaks by the vendor's data sheets, by a part of the device's name."""


def peak_flops() -> float:
    """The vendor's peak of this rank's device; 0 where unknown, as for a CPU."""
    import torch

    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((v for k, v in PEAK_FLOPS.items() if k in name), 0.0)


def memory_bytes() -> int:
    """Peak memory of this rank: of the GPU where there is one, else resident."""
    import resource

    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def gather_rows(values: Sequence[float]) -> Any:
    """The same number of values from every rank: float64 [ranks, n] on the CPU, equal on every
    rank."""
    import torch
    import torch.distributed as dist

    row = torch.tensor(list(values), dtype=torch.float64, device=device())
    rows = [torch.empty_like(row) for _ in range(dist.get_world_size())]
    dist.all_gather(rows, row)
    return torch.stack(rows).cpu()


def total(values: Sequence[float]) -> list[float]:
    """Sums over ranks, added in the order of ranks, so that they are equal on every rank and in
    every run."""
    rows = gather_rows(values)
    out = rows[0].clone()
    for row in rows[1:]:
        out += row
    return [float(v) for v in out]


def barrier() -> None:
    """Wait for every rank."""
    import torch.distributed as dist

    dist.barrier()


def stop() -> None:
    """Leave the process group."""
    import torch.distributed as dist

    if dist.is_initialized():
        dist.destroy_process_group()
