"""Kill -9 of a driver at the n-th thing it does to the lake, and a rerun: `python -m tests.pipelines.dedup.faults`.

The work is a dump's tables, its release, a second dump and a release of both (which starts from the first). An event is
anything that changes the lake: a file written, renamed or deleted. Every point runs in a fork of one warm process, on a
lake of its own.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from pipelines.dedup.stage import build_duplicates
from pipelines.lake import Lake
from pipelines.spark import InProcess, Spark
from tests.pipelines.dedup.tables import make_dump, make_release
from tests.pipelines.dedup.test_stage import corpus

STAGES = ("documents", "edits", "signatures", "decisions", "clusters", "verified_pairs", "duplicates")


def work(root: Path, engine: Any) -> dict[str, str]:
    """Everything, from nothing or from what is there; pointer -> content hash."""
    lake, rows = Lake(root), corpus(16)
    old = make_dump(lake, "old", rows[::2], parts=2, engine=engine)
    build_duplicates(lake, engine, make_release([old], "first"))
    new = make_dump(lake, "new", rows[1::2], engine=engine)
    build_duplicates(lake, engine, make_release([old, new], "second"))
    return pointers(lake)


def pointers(lake: Lake) -> dict[str, str]:
    return {path: lake.read_json(path)["content_hash"] for path in lake.files("pointers", recursive=True)}


def half_tables(lake: Lake) -> list[str]:
    """What a reader could see and not read: datasets that a pointer, a key or a manifest makes visible."""
    broken = []
    for path in [*lake.files("pointers", recursive=True), *lake.files("keys")]:
        try:
            dataset = lake.open(lake.read_json(path)["path"])
            for i, part in enumerate(dataset.parts):
                assert dataset.read_part(i).num_rows == part.rows
        except Exception as error:
            broken.append(f"{path}: {error}")
    for path in lake.files("tables", recursive=True):
        if path.endswith("_manifest.json"):
            dataset = lake.open(path.removesuffix("/_manifest.json"))
            broken += [f"{path}: {p.path}" for p in dataset.parts if not lake.exists(dataset.file(p.path))]
    return broken


def watch(event: Callable[[str], None]) -> None:
    """Call `event` with the stage before everything that this process does to a lake."""

    def before(owner: Any, name: str, places: Sequence[int]) -> None:
        inner = getattr(owner, name)

        def outer(*arguments: Any, **named: Any) -> Any:
            paths = [str(arguments[i]) for i in places if i < len(arguments)]
            event(next((s for p in paths for s in STAGES if f"/{s}/" in p), "staging"))
            return inner(*arguments, **named)

        setattr(owner, name, outer)

    before(Lake, "write_bytes", [1])
    before(Lake, "delete", [1])
    before(pq, "write_table", [1])
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


def events(root: Path, engine: Callable[[], Any]) -> tuple[list[str], dict[str, str]]:
    """(stage of every event, hashes) of a run that nobody kills."""
    seen: list[str] = []
    watch(seen.append)
    hashes = work(root, engine())
    return seen, hashes


def killed(root: Path, engine: Callable[[], Any], point: int) -> None:
    count = 0

    def event(_: str) -> None:
        nonlocal count
        if count == point:
            os.kill(os.getpid(), signal.SIGKILL)
        count += 1

    watch(event)
    work(root, engine())


def points(stages: Sequence[str], count: int, seed: int) -> list[int]:
    """`count` events, drawn so that every stage has its turn before one has a second."""
    gen, by_stage = random.Random(seed), {s: [i for i, e in enumerate(stages) if e == s] for s in sorted(set(stages))}
    for places in by_stage.values():
        gen.shuffle(places)
    names = sorted(by_stage)
    gen.shuffle(names)
    chosen: list[int] = []
    while len(chosen) < min(count, len(stages)):
        chosen += [by_stage[name].pop() for name in names if by_stage[name]][: count - len(chosen)]
    return chosen


def main(root: Path, engine_name: str, count: int, seed: int) -> dict[str, Any]:
    """Kill at `count` points; {"points": [[event, stage]], "problems": [...]}"""

    def engine() -> Any:
        return Spark("local[2]") if engine_name == "spark" else InProcess()

    status, clean = in_fork(lambda: events(root / "clean", engine))
    if status:
        raise SystemExit(f"the run that nobody kills failed with {status}")
    stages, hashes = clean
    problems = []
    chosen = points(stages, count, seed)
    for point in chosen:
        lake = Lake(root / str(point))
        status, _ = in_fork(lambda p=point: killed(root / str(p), engine, p))  # type: ignore[misc]
        if not os.WIFSIGNALED(status) or os.WTERMSIG(status) != signal.SIGKILL:
            problems.append(f"event {point} ({stages[point]}): not killed, status {status}")
        problems += [f"event {point} ({stages[point]}): visible half table {b}" for b in half_tables(lake)]
        if wrong := {k: v for k, v in pointers(lake).items() if hashes.get(k) != v}:
            problems.append(f"event {point} ({stages[point]}): left {wrong}")
        status, again = in_fork(lambda p=point: work(root / str(p), engine()))  # type: ignore[misc]
        if status or again != hashes:
            problems.append(f"event {point} ({stages[point]}): the rerun gave {again}, status {status}")
    return {"points": [[p, stages[p]] for p in chosen], "events": len(stages), "problems": problems}


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))))
