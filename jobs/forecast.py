"""What building a dump's or a release's tables would compute, read and cost, before anything starts.

Belongs here: asking for each table of the catalogue whether its stage was done before, and what such
tables cost so far. Does not belong here: training runs (model/plan/), the command (commands/plan.py).

A table that follows from one that is to be computed may still come out equal and stop there; it is said
to follow.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from jobs.settings import Settings
from pipelines.cards.base import card_names
from pipelines.cards.classifier import FOLDER
from pipelines.catalogue.stages import (
    Outside,
    dump_card,
    members,
    release_card,
    release_tables,
    stage_of,
)
from pipelines.catalogue.tables import TABLES, entry_of, follows, names
from pipelines.dumps.raw_dump import list_files
from pipelines.filtering.policy import classifiers_of, current_policy
from pipelines.lake import LINEAGE, Dataset, Lake, LakeError
from pipelines.tables.stage import find


@dataclass(frozen=True)
class Step:
    """One table: `state` is unchanged, compute, or follows (after one that is computed).

    num_bytes are those of the table that is there, or those to expect, on disk. cpu_seconds is what
    it cost in this lake for each byte of input before, times the input; None where it was never
    computed here.
    """

    table: str
    state: str
    why: str
    rows: int
    num_bytes: int
    cpu_seconds: float | None


@dataclass(frozen=True)
class Forecast:
    """The steps of a dump or release, with the size of what it is made from."""

    name: str
    files: int
    input_bytes: int
    reused_parts: int  # of a release: parts of documents of dumps that an earlier release of this lake holds
    parts: int
    steps: tuple[Step, ...]

    @property
    def computed(self) -> list[Step]:
        return [s for s in self.steps if s.state != "unchanged"]

    @property
    def cpu_hours(self) -> float:
        return sum(s.cpu_seconds or 0.0 for s in self.computed) / 3600

    @property
    def disk_bytes(self) -> int:
        return sum(s.num_bytes for s in self.computed)


class _Costs:
    """What tables of this lake cost and weigh for each byte of what their partition is made from.

    `sizes`: bytes of the input of known partitions; `size`: of the one that is forecast.
    """

    def __init__(self, lake: Lake, sizes: Mapping[str, int], size: int) -> None:
        self.lake, self.sizes, self.size = lake, sizes, size

    @cached_property
    def _datasets(self) -> dict[str, list[Dataset]]:
        found: dict[str, list[Dataset]] = {}
        for pointer in self.lake.files("pointers", recursive=True):
            dataset = self.lake.open(self.lake.read_json(pointer)["path"])
            found.setdefault(dataset.manifest.asset, []).append(dataset)
        return found

    def of(self, table: str) -> tuple[float | None, int]:
        """(CPU seconds or None, bytes) to expect of a table."""
        seconds, weight, known, timed = 0.0, 0, 0, 0
        for dataset in self._datasets.get(table, ()):
            size = self.sizes.get(dataset.manifest.partition, 0)
            if not size:
                continue
            lineage = f"{dataset.path}/{LINEAGE}"
            cost = self.lake.read_json(lineage).get("cpu_seconds") if self.lake.exists(lineage) else None
            if cost is not None:
                seconds, timed = seconds + float(cost), timed + size
            weight, known = weight + dataset.manifest.bytes, known + size
        cpu = seconds * self.size / timed if timed else None
        return cpu, int(weight * self.size / known) if known else 0


def _steps(
    lake: Lake, tables: Sequence[str], partition: str, costs: _Costs, unread: Collection[str] = ()
) -> tuple[Step, ...]:
    """Steps of the catalogue's entries `tables`; nothing follows from a table in `unread`."""
    settings = Settings()
    outside = Outside(benchmarks=Path(settings.benchmarks) if settings.benchmarks else None)
    steps: list[Step] = []
    stale: list[str] = []
    for entry, name in [(each, name) for each in tables for name in members(lake, each)]:
        before = [other for other in stale if follows(entry, [other])]
        nearest = [o for o in before if o in TABLES[entry].reads or o == TABLES[entry].beside]
        state, why, found = "follows", f"follows {', '.join(sorted(nearest or before))}", None
        if not before:
            state, why, found = _ask(lake, name, partition, outside)
        if found is None:
            stale += [entry] if name not in unread else []
            seconds, weight = costs.of(name)
            steps.append(Step(name, state, why, 0, weight, seconds))
        else:
            steps.append(Step(name, state, why, found.manifest.rows, found.manifest.bytes, None))
    return tuple(steps)


def _ask(lake: Lake, table: str, partition: str, outside: Outside) -> tuple[str, str, Dataset | None]:
    """(state, why, the dataset where it is unchanged)."""
    try:
        found = find(lake, stage_of(lake, table, partition, outside))
    except LakeError as error:
        return "compute", str(error), None
    if found is None:
        return "compute", f"{table} is not there for these inputs and parameters", None
    beside = (entry := entry_of(table)) is not None and entry.beside
    return "unchanged", "", lake.current(table, partition) if beside else found


def of_dump(lake: Lake, name: str) -> Forecast:
    """Forecast of a dump that has a card; its files are listed, and none is read."""
    card = dump_card(lake, name)
    files = [listed.bytes for _, _, listed in list_files(card, Path(lake.root), hashed=False)]
    size = sum(files)
    known = [Path(p).stem for p in lake.files("pointers/raw_dump")]
    sizes = {dump: lake.current("raw_dump", dump).stats["bytes"] for dump in known}
    read = {f"{FOLDER}/{n}" for n in classifiers_of(current_policy(lake))}
    unread = set(members(lake, FOLDER)) - read  # the policy bounds no column of theirs
    steps = _steps(lake, names(life="dump"), name, _Costs(lake, sizes, size), unread)
    return Forecast(name, len(files), size, 0, 0, steps)


def of_release(lake: Lake, name: str) -> Forecast:
    """Forecast of a release that has a card. MissingDataset names what a dump of it lacks."""
    release = release_tables(lake, name)
    sizes = {}
    for other in card_names(lake, "cards/releases"):
        dumps = release_card(lake, other).dumps
        if all(lake.exists(lake.pointer("documents", d)) for d in dumps):
            sizes[other] = sum(lake.current("documents", d).manifest.bytes for d in dumps)
    known = {part.path for parts in lake.reusable("release_decisions").values() for _, part in parts}
    parts = [part.path for part in release.parts]
    size = sum(t.documents.manifest.bytes for t in release.dumps.values())
    steps = _steps(lake, names(life="release"), name, _Costs(lake, sizes, size))
    return Forecast(name, len(parts), size, sum(p in known for p in parts), len(parts), steps)


def describe(kind: str, forecast: Forecast) -> str:
    """A table for people."""
    parts = (
        f", {forecast.parts} parts of which {forecast.reused_parts} are known from a release"
        if forecast.parts
        else ""
    )
    lines = [f"{kind} {forecast.name}: {forecast.files} files, {forecast.input_bytes:,} bytes{parts}"]
    for step in forecast.steps:
        cost = (
            ""
            if step.state == "unchanged"
            else "unknown"
            if step.cpu_seconds is None
            else f"{step.cpu_seconds:.1f} s"
        )
        detail = f"{step.rows:,} rows" if step.state == "unchanged" else step.why
        lines.append(f"  {step.table:18} {step.state:10} {step.num_bytes:>14,} B {cost:>9}  {detail}")
    cost = f"{forecast.cpu_hours:.3f} CPU hours, {forecast.disk_bytes:,} bytes of disk"
    lines.append(f"  to compute: {cost}, by what such tables cost in this lake")
    if unknown := [s.table for s in forecast.computed if s.cpu_seconds is None]:
        lines.append(f"  not in this sum, for none was computed in this lake yet: {', '.join(unknown)}")
    return "\n".join(lines)
