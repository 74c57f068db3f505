"""What materializing a dump or a release would compute, read and write: asked of the assets
themselves, before anything starts.

Belongs here: calling each asset on a lake that looks up what was computed before, and computes
nothing. Does not belong here: training runs (model/plan.py), the command (commands/plan.py).

Every stage ends in `Lake.build`, which knows by the recompute key whether it has been done. Here it
answers with the earlier result or stops the asset. What follows from an asset that is to be
computed may still come out equal and stop there; it is said to follow.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import dagster as dg

from assets import dump as dump_assets
from assets import release as release_assets
from assets.resources import FilesResource, LakeResource, SparkResource
from jobs.settings import Settings
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard
from pipelines.dumps.raw_dump import list_files
from pipelines.engine import InProcess
from pipelines.lake import LINEAGE, Built, Dataset, Lake, LakeError, Writer, recompute_key
from pipelines.tables.inputs import part_path, resolve

RELEASE_TABLES = (
    "duplicates",
    "recurring_blocks",
    "validation_sets",
    "contamination",
    "release_decisions",
    "skypile_main",
    "skypile_stem",
    "rejected",
)
SHARDS = ("main_shards", "stem_shards", "validation_shards")
DUMP_TABLES = (
    *("raw_dump", "split", "documents", "edits"),
    *("signals/language", "signals/rules", "signals/safety", "signals/code"),
    *("signatures", "scores", "decisions"),
)


class WouldCompute(Exception):
    """The asset's result is not there: this is the first table of it that would be computed."""

    def __init__(self, table: str) -> None:
        super().__init__(table)
        self.table = table


class LookingLake(Lake):
    """A lake that is read and never written."""

    def publish(
        self,
        asset: str,
        partition: str = "all",
        *,
        version: int,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Dataset | str] | None = None,
        write: Callable[[Writer], None],
    ) -> Built:
        found = self.computed(recompute_key(asset, partition, version, parameters, inputs)[0])
        if found is None:
            raise WouldCompute(asset)
        return Built(found, fresh=False)

    def write_bytes(self, path: str, data: bytes) -> None:
        raise WouldCompute(path)


class _Lake(LakeResource):
    @property
    def lake(self) -> Lake:
        return LookingLake(self.root, cache=self.cache or None)


class _NoSpark(SparkResource):
    @property
    def engine(self) -> Any:
        return InProcess()  # never used: nothing is computed


@dataclass(frozen=True)
class Step:
    """One asset: `state` is unchanged, compute, or follows (after one that is computed).

    num_bytes are those of the table that is there, or of the last one, on disk. cpu_seconds is what
    it cost in this lake for each byte of input before, times the input; None where it was never
    computed here.
    """

    asset: str
    state: str
    why: str
    rows: int
    num_bytes: int
    cpu_seconds: float | None


@dataclass(frozen=True)
class Foresight:
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
    """What tables of this lake cost and weigh for each byte of what their partition is made
    from."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake

    @cached_property
    def _tables(self) -> list[tuple[str, str, Dataset]]:
        found = []
        for pointer in self.lake.files("pointers", recursive=True):
            dataset = self.lake.open(self.lake.read_json(pointer)["path"])
            found.append((dataset.manifest.asset, dataset.manifest.partition, dataset))
        return found

    def of(self, tables: tuple[str, ...], sizes: Mapping[str, int], size: int) -> tuple[float | None, int]:
        """(CPU seconds or None, bytes) to expect of `tables` for an input of `size` bytes; `sizes`
        are the inputs of known partitions."""
        seconds, weight, known, timed = 0.0, 0, 0, 0
        for asset, partition, dataset in self._tables:
            if asset not in tables or not sizes.get(partition):
                continue
            lineage = f"{dataset.path}/{LINEAGE}"
            cost = self.lake.read_json(lineage).get("cpu_seconds") if self.lake.exists(lineage) else None
            if cost is not None:
                seconds, timed = seconds + float(cost), timed + sizes[partition]
            weight += dataset.manifest.bytes
            known += sizes[partition]
        # an asset's tables are of the same partitions, so that both sums count each input once for
        # each table
        tables_each = len(tables)
        cpu = seconds * size * tables_each / timed if timed else None
        return cpu, int(weight * size * tables_each / known) if known else 0


# what one asset publishes, where it is more than the table of its own name
TABLES_OF = {
    "duplicates": ("duplicates", "clusters", "verified_pairs"),
    "release_decisions": ("cuts", "exclusions", "final_duplicates", "release_decisions"),
}


def _ask(asset: dg.AssetsDefinition, partition: str, resources: Mapping[str, Any]) -> str:
    """ "" where the asset is unchanged, else why it would be computed."""
    function = asset.op.compute_fn.decorated_fn  # type: ignore[union-attr]
    context = dg.build_asset_context(partition_key=partition)
    named = {k: v for k, v in resources.items() if k in inspect.signature(function).parameters}
    try:
        function(context, **named)
    except WouldCompute as stop:
        return f"{stop.table} is not there for these inputs and parameters"
    except LakeError as error:
        return str(error)
    return ""


def _steps(
    module: Any, names: tuple[str, ...], partition: str, lake: Lake, sizes: Mapping[str, int], size: int
) -> tuple[Step, ...]:
    settings = Settings()
    resources = {
        "lake": _Lake(root=lake.root),
        "spark": _NoSpark(),
        "files": FilesResource(benchmarks=settings.benchmarks, peers=settings.tokenizers),
    }
    costs, steps, stale = _Costs(lake), [], set()
    for name in names:
        asset: dg.AssetsDefinition = getattr(module, name.replace("/", "_"))
        after = sorted(k.to_user_string() for k in asset.dependency_keys if k.to_user_string() in stale)
        why = f"follows {', '.join(after)}" if after else _ask(asset, partition, resources)
        tables = TABLES_OF.get(name, (name,))
        seconds, weight = costs.of(tables, sizes, size)
        rows = 0
        if not why:
            current = [lake.current(t, partition) for t in tables]
            rows, weight = (
                current[tables.index(name) if name in tables else -1].manifest.rows,
                sum(c.manifest.bytes for c in current),
            )
        else:
            stale.add(name)
        steps.append(
            Step(name, "follows" if after else "compute" if why else "unchanged", why, rows, weight, seconds)
        )
    return tuple(steps)


def _raw(lake: Lake, names: list[str]) -> dict[str, int]:
    """Bytes of the files of each dump that is listed."""
    return {
        n: lake.current("raw_dump", n).stats["bytes"]
        for n in names
        if lake.exists(lake.pointer("raw_dump", n))
    }


def of_dump(lake: Lake, name: str) -> Foresight:
    """Foresight of a dump that has a card; its files are listed, and none is read."""
    card = DumpCard.load(lake.local(f"cards/dumps/{name}.yaml"))
    files = [entry for uri in card.uris for entry in list_files(card, uri, Path(lake.root))]
    size = sum(entry[2] or 0 for entry in files)
    sizes = _raw(lake, [p.rsplit("/", 1)[1].removesuffix(".json") for p in lake.files("pointers/raw_dump")])
    return Foresight(name, len(files), size, 0, 0, _steps(dump_assets, DUMP_TABLES, name, lake, sizes, size))


def of_release(lake: Lake, name: str) -> Foresight:
    """Foresight of a release that has a card. MissingDataset names what a dump of it lacks."""
    card = ReleaseCard.load(lake.local(f"cards/releases/{name}.yaml"))
    release = resolve(lake, card)
    cards = [p.rsplit("/", 1)[1].removesuffix(".yaml") for p in lake.files("cards/releases")]
    sizes = {}
    for other in cards:
        dumps = ReleaseCard.load(lake.local(f"cards/releases/{other}.yaml")).dumps
        if all(lake.exists(lake.pointer("documents", d)) for d in dumps):
            sizes[other] = sum(lake.current("documents", d).manifest.bytes for d in dumps)
    known = {part.path for parts in lake.reusable("release_decisions").values() for _, part in parts}
    places = [part_path(dump, i) for dump, _, i in release.parts]
    size = sum(t.documents.manifest.bytes for t in release.dumps.values())
    files = sum(len(t.documents.parts) for t in release.dumps.values())
    steps = _steps(release_assets, (*RELEASE_TABLES, *SHARDS), name, lake, sizes, size)
    return Foresight(name, files, size, sum(p in known for p in places), len(places), steps)


def describe(kind: str, foresight: Foresight) -> str:
    """A table for people."""
    parts = (
        f", {foresight.parts} parts of which {foresight.reused_parts} are known from a release"
        if foresight.parts
        else ""
    )
    lines = [f"{kind} {foresight.name}: {foresight.files} files, {foresight.input_bytes:,} bytes{parts}"]
    for step in foresight.steps:
        cost = (
            ""
            if step.state == "unchanged"
            else "unknown"
            if step.cpu_seconds is None
            else f"{step.cpu_seconds:.1f} s"
        )
        detail = f"{step.rows:,} rows" if step.state == "unchanged" else step.why
        lines.append(f"  {step.asset:18} {step.state:10} {step.num_bytes:>14,} B {cost:>9}  {detail}")
    cost = f"{foresight.cpu_hours:.3f} CPU hours, {foresight.disk_bytes:,} bytes of disk"
    lines.append(f"  to compute: {cost}, by what such tables cost in this lake")
    if unknown := [s.asset for s in foresight.computed if s.cpu_seconds is None]:
        lines.append(f"  not in this sum, for none was computed in this lake yet: {', '.join(unknown)}")
    return "\n".join(lines)
