"""Kill -9 of a driver at the n-th thing it does to the lake, and a rerun: `python -m
tests.support.kills SCENARIO FOLDER [--engine spark] [--count N]`.

The scenarios are functions of the modules in SCENARIOS; each takes a folder and an engine, does its work
from nothing or from what is there, and is done. An event is anything that changes the lake: a file
written, linked, renamed or deleted. Every point runs in a fork of one warm process, on a lake of
its own. Without --count every event is a point.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake

SCENARIOS = {
    "duplicates": "tests.support.dedup_scenarios",
    "dump": "tests.support.scenarios",
    "release": "tests.support.scenarios",
    "tokens": "tests.support.scenarios",
}
SEED = 20231030


def pointers(lake: Lake) -> dict[str, str]:
    return {path: lake.read_json(path)["content_hash"] for path in lake.files("pointers", recursive=True)}


def half_tables(lake: Lake) -> list[str]:
    """What a reader could see and not read: datasets that a pointer, a key or a manifest makes
    visible."""
    broken = []
    for path in [*lake.files("pointers", recursive=True), *lake.files("keys")]:
        try:
            dataset = lake.open(lake.read_json(path)["path"])
            for i, part in enumerate(dataset.parts):
                name = dataset.file(part.path)
                if len(part.hash) == 64:  # a file that the lake did not write as a table
                    assert hashlib.sha256(lake.read_bytes(name)).hexdigest() == part.hash
                else:
                    assert (
                        dataset.read_part(i).num_rows == part.rows
                        and lake.written_hash(name, part.bytes) == part.hash
                    )
        except Exception as error:
            broken.append(f"{path}: {error}")
    for path in lake.files("tables", recursive=True):
        if path.endswith("_manifest.json"):
            dataset = lake.open(path.removesuffix("/_manifest.json"))
            broken += [f"{path}: {p.path}" for p in dataset.parts if not lake.exists(dataset.file(p.path))]
    return broken


_ASSET = re.compile(r"(^|/)(?:tables|pointers)/(\w+)/")


def watch(event: Callable[[str], None], root: str) -> None:
    """Call `event` with the stage before everything that this process does to the lake in
    `root`."""

    def before(owner: Any, name: str, places: Sequence[int]) -> None:
        inner = getattr(owner, name)

        def outer(*arguments: Any, **named: Any) -> Any:
            paths = [str(arguments[i]) for i in places if i < len(arguments)]
            if any(p.startswith((root, "tables/", "pointers/", "keys/", "staging/")) for p in paths):
                event(next((found[2] for p in paths if (found := _ASSET.search(p))), "staging"))
            return inner(*arguments, **named)

        setattr(owner, name, outer)

    before(Lake, "write_bytes", [1])
    before(Lake, "delete", [1])
    before(pq, "write_table", [1])
    before(os, "link", [1])
    before(os, "rename", [1])
    before(os, "replace", [1])
    before(shutil, "rmtree", [0])


def in_fork(job: Callable[[], Any]) -> tuple[int, Any]:
    """(wait status, what the job returned) of a job in a fork of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            os.close(reading)
            with os.fdopen(writing, "w") as stream:
                json.dump(job(), stream)
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as stream:
        answer = stream.read()
    return os.waitpid(child, 0)[1], json.loads(answer) if answer else None


def events(work: Callable[[], Any], lake: Lake) -> tuple[list[str], dict[str, str]]:
    """(stage of every event, hashes by pointer) of a run that nobody kills."""
    seen: list[str] = []
    watch(seen.append, lake.root)
    work()
    return seen, pointers(lake)


def kill_at(point: int, root: str | Path, work: Callable[[], Any]) -> None:
    """Do the work in the lake of `root`, and die before event number `point`."""
    left = iter(range(point))
    watch(lambda _: None if next(left, None) is not None else os.kill(os.getpid(), signal.SIGKILL), str(root))
    work()


def points(stages: Sequence[str], count: int, seed: int) -> list[int]:
    """`count` events, drawn so that every stage has its turn before one has a second."""
    gen, by_stage = (
        random.Random(seed),
        {s: [i for i, e in enumerate(stages) if e == s] for s in sorted(set(stages))},
    )
    for places in by_stage.values():
        gen.shuffle(places)
    names = sorted(by_stage)
    gen.shuffle(names)
    chosen: list[int] = []
    while len(chosen) < min(count, len(stages)):
        chosen += [by_stage[name].pop() for name in names if by_stage[name]][: count - len(chosen)]
    return chosen


def sweep(root: Path, scenario: str, engine_name: str, count: int) -> dict[str, Any]:
    """Kill a scenario at `count` points; {"points": [[event, stage]], "events": number, "problems":
    [...]}"""
    run = getattr(importlib.import_module(SCENARIOS[scenario]), scenario)

    def work(folder: Path) -> None:
        run(folder, Spark("local[2]") if engine_name == "spark" else InProcess())

    def rerun(folder: Path) -> dict[str, str]:
        work(folder)
        return pointers(Lake(folder))

    status, clean = in_fork(lambda: events(lambda: work(root / "clean"), Lake(root / "clean")))
    if status:
        raise SystemExit(f"the run that nobody kills failed with {status}")
    stages, hashes = clean
    problems = []
    chosen = points(stages, count, SEED)
    for point in chosen:
        folder = root / str(point)
        where, lake = f"event {point} ({stages[point]})", Lake(folder)
        status, _ = in_fork(partial(kill_at, point, folder, partial(work, folder)))
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            problems.append(f"{where}: not killed, status {status}")
        problems += [f"{where}: visible half table {b}" for b in half_tables(lake)]
        if wrong := {k: v for k, v in pointers(lake).items() if hashes.get(k) != v}:
            problems.append(f"{where}: left {wrong}")
        status, again = in_fork(partial(rerun, folder))
        if status or again != hashes:
            problems.append(f"{where}: the rerun gave {again}, status {status}")
        elif left := lake.folders("staging"):
            problems.append(f"{where}: the rerun left {left}")
        else:
            shutil.rmtree(folder)
    return {"points": [[p, stages[p]] for p in chosen], "events": len(stages), "problems": problems}


def sweep_apart(root: Path, scenario: str, engine: str, count: int) -> dict[str, Any]:
    """`sweep` in a process of its own, which may fork; AssertionError where there are problems."""
    command = [
        sys.executable,
        "-m",
        "tests.support.kills",
        scenario,
        str(root),
        "--engine",
        engine,
        "--count",
        str(count),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    assert found["problems"] == []
    assert len(found["points"]) == count
    return found


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("scenario", choices=sorted(SCENARIOS))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--engine", choices=("process", "spark"), default="process")
    parser.add_argument("--count", type=int, default=sys.maxsize)
    options = parser.parse_args()
    print(json.dumps(sweep(options.folder, options.scenario, options.engine, options.count)))
