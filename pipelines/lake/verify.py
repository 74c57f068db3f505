"""Which datasets a person means, and what is damaged in them.

Belongs here: datasets by the names of tables, dumps and releases, those that they were made from.
Does not belong here: how one dataset is compared with its manifest (damage.py), building again
(lake.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.lake.damage import read_all
from pipelines.lake.dataset import Dataset
from pipelines.lake.errors import DamagedFile, LakeError, MissingDataset
from pipelines.lake.lake import Lake
from pipelines.lake.manifest import LINEAGE, MANIFEST


def named(lake: Lake, name: str) -> tuple[list[str], list[str]]:
    """(paths of the datasets that `name` means, sentences about pointers that lead nowhere).

    A table (`documents`), a table of one partition (`documents/my-crawl`), or a dump or release:
    its tables, and all that they were made from. LakeError where there is no such table.
    """
    paths, wrong, of_partition = [], [], False
    for pointer in lake.files("pointers", recursive=True):
        table, _, partition = pointer.removeprefix("pointers/").removesuffix(".json").rpartition("/")
        if name not in (table, partition, f"{table}/{partition}"):
            continue
        of_partition |= name == partition
        try:
            paths.append(lake.named_by(pointer))
        except LakeError:
            wrong.append(f"{lake.root}/{pointer} is not readable: run {table} of {partition} again")
    if not paths and not wrong:
        raise LakeError(
            f"{lake.root} has no table, dump or release {name!r}: name one of pointers/TABLE/PARTITION.json"
        )
    return list(made_from(lake, paths) if of_partition else paths), wrong


def made_from(lake: Lake, paths: list[str]) -> Iterator[str]:
    """The paths of datasets, and of all that they were made from as their lineage says."""
    waiting, seen = list(reversed(paths)), set[str]()
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        yield path
        try:
            waiting += sorted(lake.read_json(f"{path}/{LINEAGE}")["inputs"].values())
        except (LakeError, KeyError, TypeError, AttributeError):
            continue  # it is told of inputs alone, and no part of the data


def verify(lake: Lake, path: str) -> tuple[Dataset | None, dict[str, str]]:
    """(the dataset in folder `path`, what is wrong with each damaged part). None where its manifest
    itself is. Every byte is read; what is damaged is noted, so that the next build makes it anew."""
    try:
        dataset = lake.open(path)
    except (MissingDataset, DamagedFile) as error:
        return None, {MANIFEST: str(error)}
    return dataset, read_all(dataset)
