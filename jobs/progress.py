"""What a person sees while a job runs in this process: a moving line, and a line for each finished
asset.

Belongs here: the terminal. Does not belong here: anything stored, anything that a job's result
depends on.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from model.plan.run_file import RUN_FILE, RunFile
from pipelines.engine import tree_cpu_seconds

console = Console(highlight=False)
LOOK_EVERY = 0.5  # seconds


@dataclass
class Stages:
    """Seconds and freshness of every finished asset of this process."""

    rows: list[dict[str, object]] = field(default_factory=list)
    last: float = field(default_factory=time.monotonic)
    last_cpu: float = field(default_factory=tree_cpu_seconds)

    def start(self) -> None:
        """What is spent from now on belongs to the next asset that finishes."""
        self.last, self.last_cpu = time.monotonic(), tree_cpu_seconds()

    def add(self, name: str, partition: str, figures: dict[str, object], of_job: float = 0.0) -> None:
        """An asset has finished; `of_job`: CPU seconds of its job on the cluster, whose processes
        are not of this tree."""
        wall, cpu = time.monotonic() - self.last, max(0.0, tree_cpu_seconds() - self.last_cpu) + of_job
        self.rows.append(
            {
                "asset": name,
                "partition": partition,
                "seconds": round(wall, 2),
                "cpu_seconds": round(cpu, 2),
                **figures,
            }
        )
        self.start()


STAGES = Stages()


def asset_of(op: str) -> dg.AssetKey:
    """The asset that an op computes: that of signals/rules is called signals__rules."""
    return dg.AssetKey(op.split("__"))


@dg.success_hook
def report_stage(context: dg.HookContext) -> None:
    """Print the asset's name, seconds and main figures when its step has succeeded."""
    key = asset_of(str(context.op.name))
    name = key.to_user_string()
    event = context.instance.get_latest_materialization_event(key)
    if event is None or event.asset_materialization is None:
        return
    materialization = event.asset_materialization
    values: dict[str, Any] = {k: getattr(v, "value", v) for k, v in materialization.metadata.items()}
    rows = values.get("dagster/partition_row_count", values.get("dagster/row_count"))
    recomputed = bool(values.get("recomputed", True))
    STAGES.add(
        name,
        materialization.partition or "",
        {"recomputed": recomputed, "rows": rows},
        float(values.get("cpu_seconds") or 0.0),
    )
    state = f"{STAGES.rows[-1]['seconds']:>7.1f} s" if recomputed else "unchanged"
    figures = f"{rows:,} rows" if isinstance(rows, int) and rows else ""
    console.print(f"  {name:<22}{materialization.partition or '':<18}{state:>10}  {figures}")
    if read := values.get("read"):
        console.print(f"    {read}")


def spark_work() -> tuple[int, int, str] | None:
    """(finished tasks, tasks, "Spark tasks") of the stages that Spark runs now; None where no
    session runs anything."""
    from assets.resources import running_engines

    finished = total = 0
    for engine in running_engines():
        tracker = engine.session.sparkContext.statusTracker()
        for stage in tracker.getActiveStageIds():
            if info := tracker.getStageInfo(stage):
                finished, total = finished + info.numCompletedTasks, total + info.numTasks
    return (finished, total, "Spark tasks") if total else None


def training_work(run_dir: Path) -> Callable[[], tuple[int, int, str] | None]:
    """A look at a training run's own log: (steps done, planned steps, "step" and its loss)."""

    def look() -> tuple[int, int, str] | None:
        log = run_dir / "logs" / "steps.jsonl"
        if not (log.exists() and (run_dir / RUN_FILE).exists()):
            return None
        with open(log, "rb") as stream:
            stream.seek(max(0, log.stat().st_size - 8192))
            lines = stream.read().splitlines()
        for line in reversed(lines):
            try:
                record = json.loads(line)
            except ValueError:  # cut at either end
                continue
            steps = RunFile.load(run_dir).plan.steps
            return int(record["step"]), steps, f"steps, loss {record['loss']:.3f}"
        return None

    return look


@contextmanager
def moving(label: str, assets: int, look: Callable[[], tuple[int, int, str] | None]) -> Iterator[None]:
    """Draw a line that moves while the block runs, where the console is a terminal; nothing
    elsewhere.

    `assets`: how many the job has; `look` tells what is done within the current one.
    """
    if not console.is_terminal:
        yield
        return
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(30),
        TextColumn("{task.fields[detail]}"),
        TimeElapsedColumn(),
    )
    ended, before = threading.Event(), len(STAGES.rows)
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(label, total=assets, detail="")

        def watch() -> None:
            while not ended.wait(LOOK_EVERY):
                done = len(STAGES.rows) - before
                try:
                    inner = look()
                except Exception:  # a display must not end the work: sessions stop and files move under it
                    inner = None
                share = inner[0] / inner[1] if inner and inner[1] else 0.0
                detail = f"{done}/{assets} assets" + (f", {inner[0]}/{inner[1]} {inner[2]}" if inner else "")
                progress.update(task, completed=min(assets, done + share), detail=detail)

        thread = threading.Thread(target=watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()
