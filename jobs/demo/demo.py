"""`make demo`: the whole graph on real pages, from raw dump to evaluation report.

Belongs here: the sample's cards, the order of jobs, the end table. Does not belong here: any stage.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import yaml
from rich.table import Table

from jobs.demo.sample import make_sample
from jobs.failure import JobFailed
from jobs.progress import STAGES, console
from jobs.settings import Settings
from pipelines.cards.base import CardError
from pipelines.catalogue.tables import TABLES
from pipelines.engine import tree_cpu_seconds
from pipelines.lake import LakeError

RELEASE = RUN = "demo"
# What keeps the demo in its time, in seconds on two quiet cores; the end table shows each beside
# its figure.
BUDGET = {"sample": 60, "dumps": 180, "release": 150, "training": 190, "evaluation": 140}
GROUPS = {"dump": "dumps", "models": "dumps", "training": "training", "evaluation": "evaluation"}
"""The budget that each group of the catalogue counts in; the others count in that of the release."""


def write_card(path: Path, value: dict[str, object]) -> None:
    """Write a card unless there is one: a person's changes are kept."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(yaml.safe_dump(value, sort_keys=False, allow_unicode=True), encoding="utf-8")


def group_of(asset: str) -> str:
    """The budget that a table counts in."""
    return GROUPS.get(TABLES[asset].group, "release")


def end_table(sample_seconds: float, sample_cpu: float) -> Table:
    """Seconds of each group of stages beside its budget, and CPU of all processes on this host."""
    spent = {name: [0.0, 0.0] for name in BUDGET}
    spent["sample"] = [sample_seconds, sample_cpu]
    for row in STAGES.rows:
        for index, key in enumerate(("seconds", "cpu_seconds")):
            spent[group_of(str(row["asset"]))][index] += float(str(row[key]))
    table = Table(title="skypile demo")
    for name in ("stage", "seconds", "budget", "CPU seconds"):
        table.add_column(name, justify="left" if name == "stage" else "right")
    for name, (seconds, cpu) in spent.items():
        table.add_row(name, f"{seconds:.0f}", str(BUDGET[name]), f"{cpu:.0f}")
    table.add_row(
        "all",
        f"{sum(s for s, _ in spent.values()):.0f}",
        str(sum(BUDGET.values())),
        f"{sum(c for _, c in spent.values()):.0f}",
    )
    return table


def main() -> int:
    """Run the demo; returns the exit code."""
    from jobs.runner import (  # Dagster takes seconds to import
        open_instance,
        run_dumps,
        run_release,
        run_training,
    )
    from model.plan.card import default_run_card

    started, settings = time.monotonic(), Settings()
    lake = settings.open_lake()
    root = Path(settings.lake)
    console.print(f"[bold]skypile demo[/bold]: lake {root}")
    dumps = [p.stem for p in make_sample(root, Path(settings.cache), progress=console.print)]
    sampled = time.monotonic() - started, tree_cpu_seconds()
    write_card(
        root / "cards/releases" / f"{RELEASE}.yaml", {"name": RELEASE, "dumps": dumps, "tokenizer": "demo"}
    )
    with open_instance() as instance:
        run_dumps(instance, dumps)
        run_release(instance, RELEASE)
        shards = {n: lake.current(f"{n}_shards", RELEASE).read_json("shards.json") for n in ("main", "stem")}
        write_card(
            root / "cards/runs" / f"{RUN}.yaml",
            default_run_card(RUN, RELEASE, shards).model_dump(mode="json"),
        )
        run_training(instance, RUN)
    fresh = sum(bool(r.get("recomputed")) for r in STAGES.rows)
    console.print(end_table(*sampled))
    if fresh <= 1:
        console.print("Nothing to do: every table, checkpoint and report is as it was.")
    report = root / "reports" / RUN / "report.json"
    numbers = json.loads(report.read_text()) if report.exists() else {}
    console.print(
        f"{len(STAGES.rows)} assets, {fresh} computed, {time.monotonic() - started:.0f} s; report with "
        f"{len(numbers)} sections:"
    )
    console.print(
        f"  {report.with_suffix('.html')}\n  {report}\n  make up   (web UI on http://127.0.0.1:3000)"
    )
    return 0


def run() -> int:
    """`main`, with what a person has to mend as one sentence; returns the exit code."""
    try:
        return main()
    except (JobFailed, LakeError, CardError) as error:
        console.print(f"[red]The demo stopped.[/red] {error}")
        return 1
