"""Where published data lives: a folder or s3://, manifests, pointers.

Belongs here: reading and writing the lake's files, finding datasets, recompute keys, pointers. Does
not belong here: how a dataset is written and made visible (writer.py), what is inside a table
(documents.py), how parts are scheduled (spark.py), what may be deleted and why (gc.py).

A *dataset* is a folder `tables/<asset>/<partition>/<content hash>/` holding parts (Parquet) or
files (a model, a tokenizer, token shards) and one `_manifest.json`, written last. Nobody sees a
dataset that has no manifest; nobody overwrites one that has. `pointers/<asset>/<partition>.json`
names the current dataset. `keys/<recompute key>.json` remembers what a computation gave, so that
the same computation is never done twice. A crash leaves parts in `staging/<recompute key>/`; the
next try takes them over, at whatever point it came.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.engine.cpu_time import tree_cpu_seconds
from pipelines.lake.hashing import canonical_json as canonical_json
from pipelines.lake.hashing import digest as digest
from pipelines.lake.hashing import logical_hash as logical_hash
from pipelines.lake.manifest import FORMAT, HASH, Manifest, Part
from pipelines.lake.manifest import LINEAGE as LINEAGE
from pipelines.lake.manifest import MANIFEST as MANIFEST
from pipelines.lake.manifest import LakeError as LakeError
from pipelines.lake.manifest import MissingDataset as MissingDataset
from pipelines.lake.manifest import safe_name as safe_name
from pipelines.lake.writer import Writer as Writer

TEMPORARY = ".tmp-"  # prefix of files that are being written


@dataclass(frozen=True)
class Dataset:
    """A published dataset: read-only."""

    lake: Lake
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


@dataclass(frozen=True)
class Built:
    """What a stage returns: the dataset, and whether anything was computed for it."""

    dataset: Dataset
    fresh: bool


class Lake:
    """A folder or an `s3://bucket/prefix`. Cheap to construct, picklable, the same on driver and
    workers."""

    def __init__(self, root: str | Path, cache: str | Path | None = None) -> None:
        self.root = str(root).rstrip("/")
        self._cache = str(cache) if cache else os.environ.get("SKYPILE_CACHE", "")

    def __reduce__(self) -> tuple[Any, ...]:
        return Lake, (self.root, self._cache)

    @property
    def is_s3(self) -> bool:
        return self.root.startswith("s3://")

    @cached_property
    def fs(self) -> pafs.FileSystem:
        """The pyarrow filesystem, rooted at the lake. S3 takes AWS_* variables and
        AWS_ENDPOINT_URL_S3."""
        if not self.is_s3:
            os.makedirs(self.root, exist_ok=True)
            return pafs.SubTreeFileSystem(os.path.abspath(self.root), pafs.LocalFileSystem())
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        options: dict[str, Any] = {"retry_strategy": pafs.AwsStandardS3RetryStrategy(max_attempts=8)}
        if endpoint:
            scheme, _, host = endpoint.rpartition("://")
            options |= {
                "endpoint_override": host,
                "scheme": scheme or "https",
                "force_virtual_addressing": False,
            }
        if region := os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION"):
            options["region"] = region
        return pafs.SubTreeFileSystem(self.root.removeprefix("s3://"), pafs.S3FileSystem(**options))

    # files

    def exists(self, path: str) -> bool:
        return bool(self.fs.get_file_info(safe_name(path)).type != pafs.FileType.NotFound)

    def read_bytes(self, path: str) -> bytes:
        try:
            with self.fs.open_input_stream(safe_name(path)) as stream:
                return bytes(stream.read())
        except FileNotFoundError:
            raise MissingDataset(f"{self.root}/{path} does not exist") from None

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file so that readers see the old content or the new, never a half."""
        safe_name(path)
        if self.is_s3:
            with self.fs.open_output_stream(path) as stream:
                stream.write(data)
            return
        target = Path(self.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=target.parent, prefix=TEMPORARY)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
                stream.flush()
                os.fsync(stream.fileno())
            os.chmod(temporary, 0o644)
            os.replace(temporary, target)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
            raise

    def write_json(self, path: str, value: Any) -> None:
        self.write_bytes(
            path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        )

    def read_json(self, path: str) -> Any:
        return json.loads(self.read_bytes(path))

    def read_parquet(self, path: str, columns: Sequence[str] | None = None, rows: Any = None) -> pa.Table:
        """A Parquet file as an Arrow table. With `rows` (int64, ascending) only the row groups that
        hold them are read, one at a time."""
        try:
            if rows is not None:
                return self._read_rows(safe_name(path), columns, rows)
            table: pa.Table = pq.read_table(
                safe_name(path),
                columns=list(columns) if columns else None,
                filesystem=self.fs,
                partitioning=None,
                page_checksum_verification=True,
            )
            return table.replace_schema_metadata()
        except FileNotFoundError:
            raise MissingDataset(
                f"{self.root}/{path} is named by a manifest but missing: restore it or rebuild the table"
            ) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise LakeError(
                f"{self.root}/{path} is not a readable Parquet file ({error}): restore it or rebuild the table"
            ) from None

    def _read_rows(self, path: str, columns: Sequence[str] | None, rows: Any) -> pa.Table:
        with pq.ParquetFile(path, filesystem=self.fs, page_checksum_verification=True) as file:
            names = list(columns or file.schema_arrow.names)
            found, start = [file.schema_arrow.empty_table().select(names)], 0
            for group in range(file.num_row_groups):
                end = start + file.metadata.row_group(group).num_rows
                own = rows[rows.searchsorted(start) : rows.searchsorted(end)] - start
                if len(own):
                    found.append(
                        file.read_row_group(group, names, use_threads=False).select(names).take(pa.array(own))
                    )
                start = end
            return pa.concat_tables(found).replace_schema_metadata()

    def written_hash(self, path: str, size: int) -> str:
        """The logical hash that a Parquet file of the lake says of itself, read from its end alone;
        "" where it says none.

        A file that is not of `size` bytes is not believed: who reads, changes and writes it anew
        keeps what it says of itself.
        """
        try:
            with self.fs.open_input_file(safe_name(path)) as file:
                if file.size() != size:
                    return ""
                said: bytes = (pq.read_metadata(file).metadata or {}).get(HASH, b"")
                return said.decode()
        except FileNotFoundError:
            raise MissingDataset(
                f"{self.root}/{path} is named by a manifest but missing: restore it or rebuild the table"
            ) from None
        except (pa.ArrowInvalid, OSError) as error:
            raise LakeError(
                f"{self.root}/{path} is not a readable Parquet file ({error}): restore it or rebuild the table"
            ) from None

    def files(self, path: str, recursive: bool = False) -> list[str]:
        """Sorted lake paths of the files below `path`; empty where there is none. What a killed
        `write_bytes` left is no file."""
        selector = pafs.FileSelector(safe_name(path), recursive=recursive, allow_not_found=True)
        found = (i.path for i in self.fs.get_file_info(selector) if i.type == pafs.FileType.File)
        return sorted(p for p in found if not os.path.basename(p).startswith(TEMPORARY))

    def folders(self, path: str) -> list[str]:
        """Sorted lake paths of the folders directly in `path`; empty where there is none."""
        selector = pafs.FileSelector(safe_name(path), recursive=False, allow_not_found=True)
        return sorted(i.path for i in self.fs.get_file_info(selector) if i.type == pafs.FileType.Directory)

    def delete(self, path: str) -> None:
        """Delete a file or a folder; a path that is not there is no error."""
        info = self.fs.get_file_info(safe_name(path))
        if info.type == pafs.FileType.Directory:
            # on S3 a folder is seen that its last object has left
            with contextlib.suppress(FileNotFoundError):
                self.fs.delete_dir(path)
        elif info.type == pafs.FileType.File:
            self.fs.delete_file(path)

    def local(self, path: str) -> Path:
        """A local path with the content of a file or folder of the lake, if it has one.

        Objects on S3 are copied to the cache: those of tables once, since they never change;
        anything else (a card, say) every time.
        """
        safe_name(path)
        if not self.is_s3:
            return Path(self.root, path)
        cache = Path(self._cache or Path(tempfile.gettempdir(), "skypile-cache")) / digest(self.root)
        for name in self.files(path, recursive=True) or ([path] if self.exists(path) else []):
            local = cache / name
            if name.startswith("tables/") and local.exists():
                continue
            local.parent.mkdir(parents=True, exist_ok=True)
            temporary = local.with_name(f".{local.name}.{os.getpid()}")
            with self.fs.open_input_stream(name) as source, open(temporary, "wb") as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
            os.replace(temporary, local)
        return cache / path

    # datasets

    def open(self, path: str) -> Dataset:
        """The dataset in folder `path`, by its manifest."""
        if not self.exists(f"{path}/{MANIFEST}"):
            raise MissingDataset(f"{self.root}/{path} is not a published dataset: it has no {MANIFEST}")
        return Dataset(self, path, Manifest.from_json(self.read_json(f"{path}/{MANIFEST}")))

    def pointer(self, asset: str, partition: str = "all") -> str:
        return f"pointers/{safe_name(asset)}/{safe_name(partition)}.json"

    def current(self, asset: str, partition: str = "all") -> Dataset:
        """The dataset that the pointer of (asset, partition) names."""
        pointer = self.pointer(asset, partition)
        if not self.exists(pointer):
            raise MissingDataset(
                f"no {asset} for {partition!r} in {self.root}: materialize {asset} for that partition first"
            )
        return self.open(self.read_json(pointer)["path"])

    def find(self, recompute_key: str) -> Dataset | None:
        """What the computation of this key gave, if it was done before and is still there."""
        path = f"keys/{recompute_key}.json"
        if not self.exists(path):
            return None
        target = self.read_json(path)["path"]
        return self.open(target) if self.exists(f"{target}/{MANIFEST}") else None

    def reusable(self, asset: str) -> dict[str, list[tuple[Dataset, Part]]]:
        """Parts of the current datasets of `asset`, in every partition, by the key they were
        written under."""
        found: dict[str, list[tuple[Dataset, Part]]] = {}
        for pointer in self.files(f"pointers/{safe_name(asset)}", recursive=True):
            dataset = self.open(self.read_json(pointer)["path"])
            own: dict[str, list[tuple[Dataset, Part]]] = {}
            for part in dataset.parts:
                if part.key:
                    own.setdefault(part.key, []).append((dataset, part))
            found = own | found
        return found

    def build(
        self,
        asset: str,
        partition: str = "all",
        *,
        version: int,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Dataset | str] | None = None,
        write: Callable[[Writer], None],
    ) -> Built:
        """Publish what `write` computes, or find that it was computed before.

        `version` is the stage's own constant: raise it when the same inputs give another output.
        `inputs` are datasets (their content hashes count) or hashes of outside things. `write` is
        called only where no dataset of this recompute key exists; it may be called again after a
        crash, with the finished parts still in the writer. LakeError where another process builds
        the same.
        """
        key, values, hashes = recompute_key(asset, partition, version, parameters, inputs)
        found = self.find(key)
        if found:
            self._point(found)
            self.delete(f"staging/{key}")  # of a try that died behind the last thing that counts
            return Built(found, fresh=False)
        started, cpu = time.time(), tree_cpu_seconds()
        writer = Writer(self, asset, partition, key)
        writer.claim()
        write(writer)
        dataset = writer.publish(values, hashes)
        self.write_json(
            f"{dataset.path}/{LINEAGE}",
            {
                "started": started,
                "wall_seconds": time.time() - started,
                "cpu_seconds": max(0.0, tree_cpu_seconds() - cpu),  # of this host
                "inputs": {k: v.path for k, v in (inputs or {}).items() if isinstance(v, Dataset)},
            },
        )
        self._point(dataset)
        return Built(dataset, fresh=True)

    def _point(self, dataset: Dataset) -> None:
        pointer = self.pointer(dataset.manifest.asset, dataset.manifest.partition)
        value = {"path": dataset.path, "content_hash": dataset.content_hash}
        if not self.exists(pointer) or self.read_json(pointer) != value:
            self.write_json(pointer, value)


def recompute_key(
    asset: str,
    partition: str,
    version: int,
    parameters: Mapping[str, Any] | None,
    inputs: Mapping[str, Dataset | str] | None,
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """(key, parameters as plain JSON, input hashes) of a computation."""
    values: dict[str, Any] = json.loads(canonical_json(dict(parameters or {})))
    hashes = {k: v if isinstance(v, str) else v.content_hash for k, v in sorted((inputs or {}).items())}
    key = digest(
        "skypile", str(FORMAT), asset, partition, str(version), canonical_json(values), canonical_json(hashes)
    )
    return key, values, hashes


def iter_parts(dataset: Dataset, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The parts of a table, one after the other."""
    for index in range(len(dataset.parts)):
        yield dataset.read_part(index, columns)
