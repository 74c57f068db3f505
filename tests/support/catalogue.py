"""A release that is built by the catalogue's stages, and what of a lake the catalogue does not know."""

from __future__ import annotations

import yaml

from pipelines.catalogue.stages import members, stage_of
from pipelines.catalogue.tables import TABLES, entry_of, names
from pipelines.engine import InProcess
from pipelines.lake import LINEAGE, Dataset, Lake
from pipelines.tables.stage import build
from tests.support.judged import judged


def built_release(lake: Lake, engine: InProcess) -> None:
    """A dump `d` and a release `r` of it, with every table up to the corpora, and the release's card."""
    judged(lake, engine, "d")
    lake.write_bytes("cards/releases/r.yaml", yaml.safe_dump({"name": "r", "dumps": ["d"]}).encode())
    for model in (one for name in names(group="models") for one in members(lake, name)):
        build(lake, engine, stage_of(lake, model))
    for table in ("signatures", "scores", *members(lake, "classifiers"), "decisions"):
        build(lake, engine, stage_of(lake, table, "d"))
    for table in [name for name in names(group="corpus") if not TABLES[name].beside]:
        assert build(lake, engine, stage_of(lake, table, "r")).fresh, table


def datasets(lake: Lake) -> list[Dataset]:
    """The current datasets of a lake."""
    return [lake.open(lake.read_json(p)["path"]) for p in lake.files("pointers", recursive=True)]


def pointers_without_entry(lake: Lake) -> list[str]:
    """Tables of a lake that have no entry."""
    return sorted({d.manifest.asset for d in datasets(lake) if entry_of(d.manifest.asset) is None})


def entry_name(asset: str) -> str:
    """The name of the entry of a table; its own where it has none."""
    entry = entry_of(asset)
    return entry.name if entry else asset


def inputs_without_entry(lake: Lake) -> list[str]:
    """`table <- input` of every input of a dataset that its entry does not name."""
    found = set()
    for dataset in datasets(lake):
        lineage = lake.read_json(f"{dataset.path}/{LINEAGE}")
        name = entry_name(dataset.manifest.asset)
        for path in lineage["inputs"].values():
            read = entry_name(lake.open(path).manifest.asset)
            if read not in (name, *TABLES[name].reads):  # a frozen table reads that of an earlier release
                found.add(f"{name} <- {read}")
    return sorted(found)
