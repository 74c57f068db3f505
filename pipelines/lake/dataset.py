"""A published dataset, read-only.

Belongs here: opening one by its manifest, reading its parts. Does not belong here: which dataset a
name stands for (lake.py), how one comes to be (writer.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.lake.errors import DamagedFile, LakeError, MissingDataset, safe_name
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

    def read_part(self, part: int | str, columns: Sequence[str] | None = None, rows: Any = None) -> pa.Table:
        """The part of this index or path as an Arrow table, only `columns` and only `rows` (int64,
        ascending) where given. DamagedFile where it has not the size that the manifest names, or is
        not readable."""
        path = self.parts[part].path if isinstance(part, int) else part
        return self.lake.read_parquet(self.file(path), columns, rows, self._sizes.get(path))

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """The whole table. For small tables; stages work part by part."""
        tables = [self.read_part(i, columns) for i in range(len(self.parts))]
        if not tables:
            raise LakeError(f"{self.path} has no parts")
        return pa.concat_tables(tables)

    def read_bytes(self, name: str) -> bytes:
        """The content of one of the dataset's files; DamagedFile where it has another size."""
        return self.lake.read_bytes(self.file(name), self._sizes.get(name))

    def read_json(self, name: str) -> Any:
        return json.loads(self.read_bytes(name))

    def local(self, name: str = "") -> Path:
        """A local path of the dataset's folder or of one file (downloaded once from S3).
        DamagedFile where a part has not the size that the manifest names."""
        wanted = {name: self._sizes[name]} if name in self._sizes else {} if name else self._sizes
        local = self.lake.local(f"{self.path}/{safe_name(name)}" if name else self.path)
        for part, size in wanted.items():
            file = local if name else local / part
            found = file.stat().st_size if file.is_file() else None
            if found != size:
                raise DamagedFile(
                    f"{file} has {'no' if found is None else f'{found:,}'} bytes, and the manifest of"
                    f" {self.path} names {size:,}: restore it or rebuild the table (a run of its dump or"
                    " release does)"
                )
        return local

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return {part.path: part.bytes for part in self.parts}


def open_dataset(lake: LakeFiles, path: str) -> Dataset:
    """The dataset in folder `path`, by its manifest. MissingDataset where there is none,
    DamagedFile where it is not readable or another dataset's."""
    if not lake.exists(f"{path}/{MANIFEST}"):
        raise MissingDataset(f"{lake.root}/{path} is not a published dataset: it has no {MANIFEST}")
    data = lake.read_json(f"{path}/{MANIFEST}")
    try:
        manifest = Manifest.from_json(data)
    except (KeyError, TypeError, AttributeError) as error:
        raise DamagedFile(
            f"{lake.root}/{path}/{MANIFEST} is no manifest ({error}): restore it or rebuild the table"
        ) from None
    if manifest.content_hash != path.rsplit("/", 1)[-1]:
        raise DamagedFile(
            f"{lake.root}/{path}/{MANIFEST} is the manifest of {manifest.content_hash}: restore it or rebuild"
            " the table"
        )
    return Dataset(lake, path, manifest)


def iter_parts(dataset: Dataset, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The parts of a table, one after the other."""
    for index in range(len(dataset.parts)):
        yield dataset.read_part(index, columns)
