"""Speed of the loader and of a resume at full scale: `python -m benchmarks.loader`.

Two figures. (1) Tokens a second that one core reads from page cache, at the paper's context of
4,096. (2) Seconds and memory of opening a plan of 3 T tokens over 100,000 shards and naming the
samples of a late step. Both use made-up tokens: what is in them has no influence. Prints a table
and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from model.data.loader import Loader
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import STEM_RAMP, Phase, Schedule
from model.plan.plan import Plan
from pipelines.shards.format import (
    END,
    END_OF_DOCUMENT,
    FORMAT,
    LISTING,
    ShardFile,
    pack_files,
    shard_paths,
    table_path,
)

LENGTH = 4096
SCHEDULE = Schedule(kind="cosine", peak=6e-4, final=6e-5)


def listing(root: Path, sources: dict[str, tuple[int, int]], write: bool) -> dict[str, Any]:
    """A shard set of sources name -> (shards, tokens a shard), its listing returned; with `write`
    also the shards."""
    value: dict[str, Any] = {"format": FORMAT, "tokenizer_hash": "t", "sources": {}}
    rng = np.random.default_rng(0)
    for name, (shards, tokens) in sources.items():
        documents = tokens // 1000
        (root / name).mkdir(parents=True)
        files = [
            ShardFile(*shard_paths(name, i), tokens, documents, 4 * tokens, *["0" * 64] * 3)
            for i in range(shards)
        ]
        if write:
            for file in files:
                data = rng.integers(3, 65536, tokens, dtype=np.uint16)
                ends = np.linspace(1, tokens, documents).astype(END)
                data[ends - 1] = END_OF_DOCUMENT
                data.tofile(root / file.bin)
                ends.tofile(root / file.idx)
        value["sources"][name], table = pack_files(files)
        (root / table_path(name)).write_bytes(table)
    (root / LISTING).write_text(json.dumps(value))
    return value


def card(batch: int, stage1: int, stage2: int) -> RunCard:
    tokens = batch * LENGTH
    phases = (
        Phase(name="stage1", stage="stage1", tokens=stage1 * tokens, schedule=SCHEDULE),
        Phase(
            name="stage2",
            stage="stage2",
            tokens=stage2 * tokens,
            schedule=Schedule(peak=6e-5),
            stem=STEM_RAMP,
        ),
    )
    return RunCard(name="speed", release="speed", sequence_length=LENGTH, global_batch=batch, phases=phases)


def reading(root: Path, seconds: float) -> dict[str, Any]:
    """Tokens a second of `batch` on one thread, with every token added up so that it is really
    read."""
    main = listing(
        root / "main",
        {"zh-webpages": (4, 4_000_000), "en-webpages": (4, 4_000_000), "en-code": (2, 2_000_000)},
        True,
    )
    stem = listing(root / "stem", {"en-stem": (1, 3_000_000)}, True)
    plan = build_plan(card(64, 100, 20), {"main": main, "stem": stem})
    loader = Loader(plan, {"main": root / "main", "stem": root / "stem"}, micro_batch=8)
    for step in range(20):
        loader.batch(step)
    started, cpu, steps = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        for batch in loader.batch(steps % plan.steps):
            batch.inputs.sum()
        steps += 1
    wall, cpu = time.perf_counter() - started, time.process_time() - cpu
    return {
        "tokens_per_cpu_second": steps * plan.tokens_per_step / cpu,
        "tokens_per_second": steps * plan.tokens_per_step / wall,
    }


def resume(root: Path) -> dict[str, Any]:
    """Run in a process of its own, so that its peak memory is the resume's."""
    started, cpu = time.perf_counter(), time.process_time()
    plan = Plan.from_json(json.loads((root / "plan.json").read_text()))
    loader = Loader(
        plan, {"main": root / "main", "stem": root / "stem"}, dp_rank=3, dp_size=256, micro_batch=1
    )
    loader.sample_ids(plan.steps - 2)
    seconds = time.perf_counter() - started
    return {
        "seconds": seconds,
        "cpu_seconds": time.process_time() - cpu,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def prepare_resume(root: Path) -> None:
    """3.2 T tokens in 100,000 shards, planned with the paper's batch of 16 M tokens."""
    main = listing(
        root / "main",
        {
            "zh-webpages": (40_000, 32_000_000),
            "en-webpages": (50_000, 32_000_000),
            "en-code": (8_000, 32_000_000),
        },
        False,
    )
    stem = listing(root / "stem", {"en-stem": (2_000, 32_000_000)}, False)
    plan = build_plan(card(4096, 178_814, 7_749), {"main": main, "stem": stem})
    (root / "plan.json").write_text(json.dumps(plan.to_json()))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.loader", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="two seconds of reading instead of five")
    parser.add_argument("--resume", type=Path, help="internal: measure a resume from this folder")
    arguments = parser.parse_args()
    if arguments.resume:
        print(json.dumps(resume(arguments.resume)))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        speed = reading(Path(folder, "small"), 2.0 if arguments.quick else 5.0)
        started = time.perf_counter()
        prepare_resume(Path(folder, "large"))
        planning = time.perf_counter() - started
        command = [sys.executable, "-m", "benchmarks.loader", "--resume", str(Path(folder, "large"))]
        started = time.perf_counter()
        again = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        process = time.perf_counter() - started
    metrics = {
        "tokens_per_second": round(speed["tokens_per_second"]),
        "tokens_per_cpu_second": round(speed["tokens_per_cpu_second"]),
        "resume_seconds": round(again["seconds"], 3),
        "resume_cpu_seconds": round(again["cpu_seconds"], 3),
        "resume_megabytes": round(again["peak_mb"], 1),
        "resume_process_seconds": round(process, 3),
        "planning_seconds": round(planning, 2),
    }
    cpu, wall = metrics["tokens_per_cpu_second"] / 1e6, metrics["tokens_per_second"] / 1e6
    print(f"reading   {cpu:8.1f} M tokens a CPU second, {wall:.1f} M a second")
    print(
        f"resume    {again['seconds']:8.3f} s, {again['cpu_seconds']:.3f} s of CPU, {again['peak_mb']:.0f} "
        f"MB; process {process:.1f} s"
    )
    print(f"planning  {planning:8.2f} s for 3.1 T tokens in 100,000 shards")
    result = {
        "name": "loader",
        "metrics": metrics,
        "goal": {"tokens_per_second": 50_000_000, "resume_seconds": 1.0, "resume_megabytes": 200},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count()},
        "command": "python -m benchmarks.loader" + (" --quick" if arguments.quick else ""),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
