"""A stage: one table of the lake, what it is computed from, and how.

Belongs here: the value `Stage`, building it, finding what it gave before, what a stage is handed while
it is computed. Does not belong here: any stage; how a dataset is written and made visible (lake/).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from pipelines.engine import Engine
from pipelines.lake import (
    Built,
    DamagedFile,
    Dataset,
    Lake,
    MissingDataset,
    Writer,
    damaged_parts,
    digest,
    recompute_key,
)

Stats = Mapping[str, Any]
"""Counts of one part: numbers are added up over the parts of a dataset, key by key."""


class InputsChanged(Exception):
    """An input of a stage has changed while it was computed: what was written so far is of the old one."""


@dataclass(frozen=True)
class OutputPart:
    """One part that a stage writes.

    `key` is the hash of everything that the part is computed from. A part that any dataset of this
    asset holds under the same key is taken over; without a key every dataset computes its own.
    """

    path: str
    key: str = ""


@dataclass(frozen=True)
class Building:
    """What a stage is handed while it is computed."""

    lake: Lake
    engine: Engine
    writer: Writer

    def write_parts(self, parts: Sequence[OutputPart], rows: Callable[[int], tuple[pa.Table, Stats]]) -> None:
        """Write `rows(i)` as part i, for each part that is neither finished nor known by its key."""
        writer = self.writer
        missing = self.not_known([part.key for part in parts])

        def work(number: int) -> None:
            index = missing[number]
            part = parts[index]
            if not writer.has(part.path):
                table, stats = rows(index)
                writer.write_table(part.path, table, stats, part.key)

        self.engine.map_parts(len(missing), work)

    def write_files(
        self,
        keys: Sequence[str],
        files: Callable[[int], Iterable[tuple[str, pa.Table, Stats]]],
        beside: Writer | None = None,
    ) -> None:
        """Write every (path, table, stats) of `files(i)`, for each i whose key is not known.

        For stages that write any number of files, none among them, for one part of their input. What
        `files` writes to a table `beside` is taken over with them.
        """
        writer = self.writer
        missing = self.not_known(keys, beside)

        def work(number: int) -> None:
            index = missing[number]
            for path, table, stats in files(index):
                writer.write_table(path, table, stats, keys[index])

        self.engine.map_parts(len(missing), work)

    def write_keyed_parts(
        self, paths: Sequence[str], part: Callable[[int], tuple[str, Callable[[], tuple[pa.Table, Stats]]]]
    ) -> None:
        """Write each path whose part is neither finished nor known by its key.

        For parts whose key is known only once some of their input was read: `part(i)` gives the key,
        and what computes the rows, which is called where no part is known under it.
        """
        writer, known = self.writer, self.lake.reusable(self.writer.asset)

        def work(index: int) -> None:
            if not writer.has(paths[index]):
                key, rows = part(index)
                if not writer.take(key, known):
                    table, stats = rows()
                    writer.write_table(paths[index], table, stats, key)

        self.engine.map_parts(len(paths), work)

    def not_known(self, keys: Sequence[str], beside: Writer | None = None) -> list[int]:
        """Take over the parts that are known by one of the keys, in both tables; the indices of the
        others."""
        writers = [self.writer, *([beside] if beside else [])]
        known = [self.lake.reusable(writer.asset) if any(keys) else {} for writer in writers]
        missing = [index for index, key in enumerate(keys) if not all(key in parts for parts in known)]
        for key in (key for index, key in enumerate(keys) if index not in set(missing)):
            for writer, parts in zip(writers, known, strict=True):
                writer.take(key, parts)
        return missing

    def writer_beside(self, asset: str, version: int, parameters: Mapping[str, Any]) -> Writer:
        """Writes parts of a table that `publish_beside` publishes, with these arguments and nothing
        more to write."""
        partition, made_by = self.writer.partition, {"of": digest(self.writer.key)}
        key, _, _ = recompute_key(asset, partition, version, parameters, made_by)
        return Writer(self.lake, asset, partition, key)

    def publish_beside(
        self, asset: str, version: int, parameters: Mapping[str, Any], write: Callable[[Writer], None]
    ) -> Dataset:
        """Publish a second table that the same computation gives (`Stage.beside` names it)."""
        made_by = {"of": digest(self.writer.key)}
        built = self.lake.publish(
            asset,
            self.writer.partition,
            version=version,
            parameters=parameters,
            inputs=made_by,
            write=write,
        )
        return built.dataset


@dataclass(frozen=True)
class Stage:
    """One table of one partition, before it is computed.

    `version` is the stage's own constant: raise it when equal inputs give another output. `parameters`
    and `inputs` (datasets, by their content hash, or hashes of outside things) are all that the output
    depends on; with asset, partition and version they make the recompute key. `compute` writes the
    parts. `beside` names the tables that the computation publishes on the way. `renew` gives the stage
    anew where `compute` raises InputsChanged.
    """

    asset: str
    version: int
    compute: Callable[[Building], None]
    partition: str = "all"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, Dataset | str] = field(default_factory=dict)
    beside: tuple[str, ...] = ()
    renew: Callable[[], Stage] | None = None

    @property
    def recompute_key(self) -> str:
        return recompute_key(self.asset, self.partition, self.version, self.parameters, self.inputs)[0]


def build(lake: Lake, engine: Engine, stage: Stage) -> Built:
    """Publish what the stage computes, or find that it was computed before.

    `compute` may run again after a crash, with the finished parts still in the writer. LakeError where
    another process builds the same table.
    """
    compute = stage.compute
    if any(_is_damaged(lake, table, stage.partition) for table in stage.beside):
        lake.forget(stage.recompute_key)  # only its computation gives them again
    try:
        return lake.publish(
            stage.asset,
            stage.partition,
            version=stage.version,
            parameters=stage.parameters,
            inputs=stage.inputs,
            write=lambda writer: compute(Building(lake, engine, writer)),
        )
    except InputsChanged:
        if stage.renew is None:
            raise
    return build(lake, engine, stage.renew())


def _is_damaged(lake: Lake, table: str, partition: str) -> bool:
    try:
        return bool(damaged_parts(lake.current(table, partition)))
    except DamagedFile:
        return True
    except MissingDataset:
        return False


def find(lake: Lake, stage: Stage) -> Dataset | None:
    """What the stage gave before, for these inputs and parameters; None where it is to be computed."""
    if any(_is_damaged(lake, table, stage.partition) for table in stage.beside):
        return None
    return lake.computed(stage.recompute_key)


def row_aligned(
    documents: Dataset, rows: Callable[[int], tuple[pa.Table, Stats]]
) -> Callable[[Building], None]:
    """The `compute` of a table of a dump: part i has one row for each row of part i of `documents`."""
    parts = [OutputPart(part.path) for part in documents.parts]

    def compute(building: Building) -> None:
        building.write_parts(parts, rows)

    return compute
