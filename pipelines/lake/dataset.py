"""A published dataset, read-only.

Belongs here: opening one by its manifest, reading its parts. Does not belong here: which dataset a
name stands for (lake.py), how one comes to be (writer.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.lake.errors import LakeError, MissingDataset, safe_name
from pipelines.lake.files import LakeFiles
from pipelines.lake.manifest import MANIFEST, Manifest, Part


@dataclass(frozen=True)
class Dataset:
    """A published dataset: read-only."""

    lake: LakeFiles
    path: str
    manifest: Manifest

    @property
    def content_hash(self) -> str:
        return self.manifest.content_hash

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.manifest.parts

    @property
    def stats(self) -> dict[str, Any]:
        return self.manifest.stats

    def file(self, name: str) -> str:
        """Lake path of one of the dataset's files."""
        return f"{self.path}/{safe_name(name)}"

    def read_part(self, index: int, columns: Sequence[str] | None = None, rows: Any = None) -> pa.Table:
        """Part `index` as an Arrow table, only `columns` and only `rows` (int64, ascending) where
        given."""
        return self.lake.read_parquet(self.file(self.parts[index].path), columns, rows)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table. For small tables; stages work part by part."""
        tables = [self.read_part(i, columns) for i in range(len(self.parts))]
        if not tables:
            raise LakeError(f"{self.path} has no parts")
        return pa.concat_tables(tables)

    def read_json(self, name: str) -> Any:
        return json.loads(self.lake.read_bytes(self.file(name)))

    def local(self, name: str = "") -> Path:
        """A local path of the dataset's folder or of one file (downloaded once from S3)."""
        return self.lake.local(f"{self.path}/{safe_name(name)}" if name else self.path)


def open_dataset(lake: LakeFiles, path: str) -> Dataset:
    """The dataset in folder `path`, by its manifest; MissingDataset where there is none."""
    if not lake.exists(f"{path}/{MANIFEST}"):
        raise MissingDataset(f"{lake.root}/{path} is not a published dataset: it has no {MANIFEST}")
    return Dataset(lake, path, Manifest.from_json(lake.read_json(f"{path}/{MANIFEST}")))


def iter_parts(dataset: Dataset, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The parts of a table, one after the other."""
    for index in range(len(dataset.parts)):
        yield dataset.read_part(index, columns)
