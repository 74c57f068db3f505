"""Ranks: starting them, and agreeing on numbers.

Belongs here: the process group and small exchanges. Does not belong here: gradients (DeepSpeed
moves them).
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

TIMEOUT_MINUTES = 30
"""Of every collective: longer than a save or a validation, which one rank may do while others wait
(DeepSpeed's own default is 10)."""


LOOPBACK = "127.0.0.1"


class RendezvousError(ValueError):
    """Ranks cannot find each other as they were told to: the message says what to set."""


def free_port() -> int:
    """A TCP port that nobody listens on now."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def one_machine() -> bool:
    """Whether all ranks are on this machine, as the launcher says (LOCAL_SIZE of WORLD_SIZE)."""
    return os.environ["LOCAL_SIZE"] == os.environ["WORLD_SIZE"]


def listen_address() -> str:
    """Where rank 0 listens for the others: loopback on one machine, else the address of
    MASTER_ADDR alone. RendezvousError where other machines could not reach that."""
    if one_machine():
        return LOOPBACK
    name = os.environ["MASTER_ADDR"]
    try:
        address = socket.gethostbyname(name)
    except OSError as error:
        raise RendezvousError(
            f"MASTER_ADDR {name} is not known here ({error}): set master_addr in the cluster file to the"
            " address of the first host on the ranks' network"
        ) from None
    if address.startswith("127."):
        raise RendezvousError(
            f"MASTER_ADDR {name} is {address} on its own host, which other hosts cannot reach: set"
            " master_addr in the cluster file to the address of the first host on the ranks' network"
        )
    return address


def rendezvous(timeout: timedelta) -> Any:
    """The store by which ranks find each other; rank 0 serves it, on one address alone. Raises
    RendezvousError."""
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    address, port = listen_address(), int(os.environ["MASTER_PORT"])
    serves = rank() == 0
    descriptor = None
    if serves:
        try:
            # torch's own listener would be on every interface.
            descriptor = socket.create_server((address, port), backlog=world_size() + 8).detach()
        except OSError as error:
            raise RendezvousError(
                f"rank 0 cannot listen on {address}:{port} ({error}): MASTER_ADDR has to be an address of"
                " its host, set master_addr in the cluster file to it"
            ) from None
    return TCPStore(address, port, world_size(), serves, timeout, master_listen_fd=descriptor)


def start() -> None:
    """Join the process group that the launcher describes, or make a group of one without a
    launcher. On one machine everything listens on loopback."""
    os.environ.setdefault("RANK", "0")
    os.environ.setdefault("LOCAL_RANK", "0")
    os.environ.setdefault("WORLD_SIZE", "1")
    os.environ.setdefault("LOCAL_SIZE", os.environ["WORLD_SIZE"])
    os.environ.setdefault("MASTER_ADDR", LOOPBACK)
    if os.environ["WORLD_SIZE"] == "1":
        os.environ.setdefault("MASTER_PORT", str(free_port()))
    if one_machine():
        os.environ["MASTER_ADDR"] = LOOPBACK
        # What gloo and NCCL listen on themselves.
        names = [name for _, name in socket.if_nameindex() if name in ("lo", "lo0")]
        os.environ.update({k: names[0] for k in ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME") if names})
    import torch
    import torch.distributed as dist

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
    timeout = timedelta(minutes=TIMEOUT_MINUTES)
    backend = "nccl" if torch.cuda.is_available() else "gloo"
    dist.init_process_group(
        backend,
        store=rendezvous(timeout),
        rank=rank(),
        world_size=world_size(),
        timeout=timeout,
        # As DeepSpeed does it: a group of one has no peer to bind the device for.
        device_id=device() if backend == "nccl" and world_size() > 1 else None,
    )
    deepspeed.init_distributed(dist_backend=backend, timeout=timeout, verbose=False)


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


def gather_json(value: Any) -> list[Any]:
    """A JSON value of every rank, on every rank, in the order of ranks. As bytes in tensors: what
    torch calls object collectives would run what another rank's pickle says."""
    import torch
    import torch.distributed as dist

    data = json.dumps(value).encode()
    sizes = gather_rows([float(len(data))])[:, 0].int().tolist()
    padded = torch.zeros(max(sizes), dtype=torch.uint8)
    padded[: len(data)] = torch.frombuffer(bytearray(data), dtype=torch.uint8)
    padded = padded.to(device())
    rows = [torch.empty_like(padded) for _ in range(dist.get_world_size())]
    dist.all_gather(rows, padded)
    return [json.loads(bytes(row[:size].cpu().numpy())) for row, size in zip(rows, sizes, strict=True)]


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
