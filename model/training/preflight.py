"""Preflight: what every rank measures before step 1, and what that means.

    deepspeed --hostfile HOSTS --module model.training.preflight --run-dir DIR

runs it alone; training begins with it.

Belongs here: numbers about hosts and the judgement on them. Does not belong here: the strategy's
own checks (strategy.py), checkpoints.

`measure_ranks` only measures, `judge` decides. A refusal is a configuration that a person has to mend
(other versions on one host, a shard that differs, a full disk), so it is not retried; a slow rank
or a skewed clock is a warning that names the host.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import finished_checkpoints, sha256
from model.plan.card import RunSettings
from model.plan.limits import PreflightLimits
from model.plan.run_file import RunFile
from model.training import distributed
from pipelines.shards.format import LISTING
from pipelines.shards.reader import ShardSet

ROOT = Path(__file__).resolve().parents[2]
STATE_BYTES = 12
"""Of a parameter in a checkpoint, beside its weight: fp32 master weight and two moments (ZeRO paper,
arXiv 1910.02054, section 3.1)."""


class PreflightError(RuntimeError):
    """A host that cannot take part: the message names it and what differs."""


def code_hash(root: Path = ROOT) -> str:
    """SHA-256 over the sources that a rank runs, so that two hosts with two checkouts are
    noticed."""
    h = hashlib.sha256()
    rooms = ("model/**/*.py", "pipelines/shards/*.py", "pipelines/lake/*.py")
    for path in sorted(p for pattern in rooms for p in root.glob(pattern)):
        h.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return h.hexdigest()


def versions() -> dict[str, str]:
    """What must be equal on all hosts."""
    import deepspeed
    import numpy
    import torch

    return {
        "python": platform.python_version(),
        "torch": torch.__version__,
        "deepspeed": deepspeed.__version__,
        "numpy": numpy.__version__,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else platform.machine(),
        "code": code_hash()[:16],
    }


def input_faults(
    folders: Sequence[Path], rank: int, world: int, budget: int
) -> tuple[dict[str, str], list[str], int]:
    """Listing hashes of shard folders, what is wrong with their files as this host sees them, and
    the bytes hashed.

    Sizes are compared for all files; contents for this rank's share of them, up to `budget` bytes.
    """
    hashes, faults, read, number = {}, [], 0, 0
    for folder in folders:
        if not (folder / LISTING).exists():
            faults.append(f"{folder / LISTING} does not exist")
            continue
        hashes[str(folder)] = sha256(folder / LISTING)
        for source in ShardSet.open(folder).sources.values():
            for file in source.files:
                for name, wanted, size in (
                    (file.bin, file.sha256, 2 * file.tokens),
                    (file.idx, file.idx_sha256, 8 * file.documents),
                ):
                    path, number = folder / name, number + 1
                    if not path.exists() or path.stat().st_size != size:
                        faults.append(f"{path} is missing or has another size than {LISTING} says")
                    elif number % world == rank and read + size <= budget:
                        read += size
                        if sha256(path) != wanted:
                            faults.append(f"{path} has another sha256 than {LISTING} says")
    return hashes, faults, read


def shared_folder(folder: Path) -> tuple[Path, bool]:
    """Where rank 0 keeps its checkpoints (the run's folder before the first), and whether this rank
    finds there what rank 0 writes.

    A host that has lost a mount sees an empty folder in its place, and would begin at step 0 while
    others go on. All ranks call it.
    """
    checkpoints = folder / "checkpoints"
    exists, stamp = distributed.gather_rows([float(checkpoints.is_dir()), time.time_ns() // 1000])[0].tolist()
    place = checkpoints if exists else folder
    token = place / f".preflight-{stamp:.0f}"
    if distributed.rank() == 0:
        token.touch()
    distributed.barrier()
    found = place.is_dir() and token.name in os.listdir(
        place
    )  # a listing is asked of the server, a name may be cached
    distributed.barrier()
    if distributed.rank() == 0:
        token.unlink()
    return place, found


def matrix_product_flops(size: int, dtype: Any) -> float:
    """FLOP per second of the best of three square products."""
    import torch

    device = distributed.device()
    a = torch.ones(size, size, dtype=dtype, device=device)
    best = float("inf")
    for _ in range(4):  # the first warms up
        started = time.perf_counter()
        b = a @ a
        _synchronize()
        best = min(best, time.perf_counter() - started)
    del b
    return 2.0 * size**3 / best


def all_reduce_bandwidth(num_bytes: int) -> float:
    """Bus bandwidth in bytes per second: 2 (n - 1) / n x bytes / time, the best of three
    (nccl-tests, doc/PERFORMANCE.md)."""
    import torch
    import torch.distributed as dist

    world = distributed.world_size()
    if world == 1:
        return 0.0
    buffer = torch.zeros(num_bytes // 4, dtype=torch.float32, device=distributed.device())
    best = float("inf")
    for _ in range(4):
        distributed.barrier()
        started = time.perf_counter()
        dist.all_reduce(buffer)
        _synchronize()
        best = min(best, time.perf_counter() - started)
    return 2 * (world - 1) / world * num_bytes / best


def _synchronize() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.synchronize()


def clock_offsets(rounds: int = 5) -> list[float]:
    """Seconds by which each rank's clock is ahead of the earliest, in the round where ranks left
    the barrier most nearly together."""
    best: list[float] = []
    for _ in range(rounds):
        distributed.barrier()
        times = distributed.gather_rows([time.time()])[:, 0].tolist()
        offsets = [t - min(times) for t in times]
        if not best or max(offsets) < max(best):
            best = offsets
    return best


def measure_ranks(folder: Path, run: RunFile, limits: PreflightLimits) -> list[dict[str, Any]]:
    """One record a rank; every rank gets the whole list. All ranks call it, inside the process
    group."""
    import torch

    gpu = torch.cuda.is_available()
    rank, world = distributed.rank(), distributed.world_size()
    # Sets on S3 are compared by the loader, object by object.
    sets = [*run.shards.by_corpus().values(), run.shards.validation]
    folders = [Path(s) for s in dict.fromkeys(sets) if not s.startswith("s3://")]
    hashes, faults, read = input_faults(folders, rank, world, limits.hash_bytes)
    tokenizer = run.tokenizer_file
    if tokenizer is not None and not tokenizer.exists():
        faults.append(f"{tokenizer} does not exist")
    place, shared = shared_folder(folder)
    if not shared:
        faults.append(
            f"{place} is not the folder that rank 0 sees: a run's folder has to be on storage that all"
            f" hosts share"
        )
    mine = {
        "rank": rank,
        "host": platform.node(),
        "versions": versions(),
        "inputs": hashes
        | ({"tokenizer": sha256(tokenizer)} if tokenizer is not None and tokenizer.exists() else {}),
        "faults": faults,
        "hashed_bytes": read,
        "free_bytes": shutil.disk_usage(place if place.exists() else folder).free,
        "checkpoints": len(finished_checkpoints(folder / "checkpoints")),
    }
    offsets = clock_offsets()
    bandwidth = all_reduce_bandwidth((256 << 20) if gpu else (4 << 20))
    mine["flops_per_second"] = matrix_product_flops(
        4096 if gpu else 512, torch.bfloat16 if gpu else torch.float32
    )
    rows = distributed.gather_json(mine)
    return [
        r | {"clock_seconds": o, "all_reduce_bytes_per_second": bandwidth}
        for r, o in zip(rows, offsets, strict=True)
    ]


def needed_bytes(settings: RunSettings, parameters: int, present: int) -> int:
    """Free disk that a run will use: its checkpoints at the fullest moment, less the `present`
    ones, and the weights of an export."""
    bf16 = settings.deepspeed.get("bf16", {}).get("enabled", True)
    weight = 2 if bf16 else 4
    copies = settings.preflight.checkpoint_copies
    if copies is None:
        copies = max(1, settings.keep_last + 1 - present)
    return int((copies * (weight + STATE_BYTES) + weight) * parameters)


def judge(
    rows: Sequence[dict[str, Any]], parameters: int, settings: RunSettings
) -> tuple[list[str], list[str]]:
    """Refusals and warnings, each naming the rank's host."""
    limits = settings.preflight
    refusals, warnings = [], []
    first = rows[0]
    needed = needed_bytes(settings, parameters, first["checkpoints"])
    median = statistics.median(r["flops_per_second"] for r in rows)
    for r in rows:
        who = f"rank {r['rank']} on {r['host']}"
        refusals += [f"{who}: {fault}" for fault in r["faults"]]
        for kind in ("versions", "inputs"):
            different = [k for k in first[kind] if r[kind].get(k) != first[kind][k]]
            refusals += [
                f"{who}: {k} is {r[kind].get(k)}, rank 0 on {first['host']} has {first[kind][k]}"
                for k in different
            ]
        if r["free_bytes"] < needed:
            refusals.append(
                f"{who}: {r['free_bytes']} bytes free for checkpoints, {needed} are needed to keep"
                f" {settings.keep_last} and write one: make room, or set keep_last"
            )
        if r["clock_seconds"] > limits.clock_skew_seconds:
            warnings.append(f"{who}: its clock is {r['clock_seconds']:.1f} s ahead of the earliest")
        if r["flops_per_second"] < limits.slow_share * median:
            warnings.append(
                f"{who}: slow, its matrix product makes {r['flops_per_second'] / median:.0%} of the"
                f" median rank's"
            )
    bandwidth = first["all_reduce_bytes_per_second"]
    if len(rows) > 1 and bandwidth < limits.bandwidth_gigabytes_per_second * 1e9:
        warnings.append(
            f"all-reduce moves {bandwidth / 1e9:.2f} GB/s, expected {limits.bandwidth_gigabytes_per_second}"
        )
    return refusals, warnings


def check(folder: Path, run: RunFile, parameters: int) -> dict[str, Any]:
    """Measure and judge; the report, equal on every rank. PreflightError, on every rank, if the
    run is refused."""
    limits = run.settings.preflight
    rows = measure_ranks(folder, run, limits)
    refusals, warnings = judge(rows, parameters, run.settings)
    if refusals:
        raise PreflightError("preflight refused the run: " + "; ".join(refusals[:8]))
    return {
        "warnings": warnings,
        "versions": rows[0]["versions"],
        "limits": limits.model_dump(),
        "ranks": [{k: v for k, v in r.items() if k not in ("versions", "inputs", "faults")} for r in rows],
    }


def main(argv: list[str] | None = None) -> int:
    """Check the hosts of a run without training; rank 0 prints the report."""
    parser = argparse.ArgumentParser(
        prog="python -m model.training.preflight", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--local_rank", type=int, default=-1, help="set by DeepSpeed's launcher")
    folder = parser.parse_args(argv).run_dir
    run = RunFile.load(folder)
    distributed.start()
    try:
        report = check(folder, run, run.shape.num_parameters)
    except PreflightError as error:
        if distributed.rank() == 0:
            print(error, flush=True)
        return os.EX_CONFIG
    finally:
        distributed.stop()
    if distributed.rank() == 0:
        print(json.dumps(report, indent=1))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
