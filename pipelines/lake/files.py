"""The files of a lake: a folder, or `s3://bucket/prefix`.

Belongs here: reading, writing, listing and deleting by path. Does not belong here: what a dataset
is (dataset.py), how one is written (writer.py), pointers and keys (lake.py).
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pipelines.lake.atomic import (
    TEMPORARY,
    make_folder,
    own_folder,
    replacing,
    space_for,
    sync_file,
    sync_folder,
    sync_folders,
    write_whole,
)
from pipelines.lake.errors import DamagedFile, MissingDataset, safe_name
from pipelines.lake.hashing import digest
from pipelines.lake.manifest import HASH


class LakeFiles:
    """A folder or an `s3://bucket/prefix`. Cheap to construct, picklable, the same on driver and
    workers."""

    def __init__(self, root: str | Path, cache: str | Path | None = None) -> None:
        self.root = str(root).rstrip("/")
        self._cache = str(cache) if cache else os.environ.get("SKYPILE_CACHE", "")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.root, self._cache)

    @property
    def is_s3(self) -> bool:
        return self.root.startswith("s3://")

    @cached_property
    def fs(self) -> pafs.FileSystem:
        """The pyarrow filesystem, rooted at the lake. S3 takes AWS_* variables and
        AWS_ENDPOINT_URL_S3."""
        if not self.is_s3:
            make_folder(Path(os.path.abspath(self.root)))
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

    def exists(self, path: str) -> bool:
        return bool(self.fs.get_file_info(safe_name(path)).type != pafs.FileType.NotFound)

    def sizes(self, paths: Sequence[str]) -> list[int | None]:
        """Bytes of each file; None where there is no file."""
        found = self.fs.get_file_info([safe_name(path) for path in paths])
        return [i.size if i.type == pafs.FileType.File else None for i in found]

    def sizes_below(self, path: str) -> dict[str, int]:
        """Bytes of every file below a folder, by one listing; empty where there is none."""
        selector = pafs.FileSelector(safe_name(path), recursive=True, allow_not_found=True)
        return {i.path: i.size for i in self.fs.get_file_info(selector) if i.type == pafs.FileType.File}

    def read_bytes(self, path: str, size: int | None = None) -> bytes:
        """The content of a file; DamagedFile where it has not `size` bytes, where given."""
        try:
            with self.fs.open_input_stream(safe_name(path)) as stream:
                data = bytes(stream.read())
        except FileNotFoundError:
            raise MissingDataset(f"{self.root}/{path} does not exist") from None
        self._has_size(path, len(data), size)
        return data

    def _has_size(self, path: str, found: int, wanted: int | None) -> None:
        if wanted is not None and found != wanted:
            raise DamagedFile(
                f"{self.root}/{path} has {found:,} bytes, and its manifest names {wanted:,}: it was cut off"
                " or replaced; restore it or rebuild the table (a run of its dump or release does)"
            )

    def write_bytes(self, path: str, data: bytes) -> None:
        """Write a file so that readers see the old content or the new, never a half."""
        safe_name(path)
        if self.is_s3:
            with self.fs.open_output_stream(path) as stream:
                stream.write(data)
            return
        write_whole(Path(self.root, path), data)

    def write_parquet(self, path: str, table: pa.Table, **options: Any) -> int:
        """Write a Parquet file, `options` as pyarrow's write_table takes them; its bytes, which are
        durable. NoSpace names it where the disk is full."""
        with self.writing(path):
            pq.write_table(table, path, filesystem=self.fs, **options)
        return int(self.fs.get_file_info(path).size)

    @contextlib.contextmanager
    def writing(self, path: str) -> Iterator[None]:
        """A block that writes the file `path`, in a folder that is there; at its end the bytes are
        durable."""
        safe_name(path)
        if self.is_s3:
            yield
            return
        local = Path(self.root, path)
        with space_for(local):
            self.fs.create_dir(os.path.dirname(path), recursive=True)
            yield
        sync_file(local)

    def write_json(self, path: str, value: Any) -> None:
        self.write_bytes(
            path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        )

    def read_json(self, path: str) -> Any:
        data = self.read_bytes(path)
        try:
            return json.loads(data)
        except ValueError as error:
            raise DamagedFile(
                f"{self.root}/{path} is not readable as JSON ({error}): restore it, or delete it and run"
                " again"
            ) from None

    def read_parquet(
        self,
        path: str,
        columns: Sequence[str] | None = None,
        rows: Any = None,
        size: int | None = None,
    ) -> pa.Table:
        """A Parquet file as an Arrow table. With `rows` (int64, ascending) only the row groups that
        hold them are read, one at a time. DamagedFile where it has not `size` bytes, where
        given, or is not readable."""
        with self._parquet_errors(path), self.fs.open_input_file(safe_name(path)) as file:
            self._has_size(path, file.size(), size)
            if rows is not None:
                return self._read_rows(file, columns, rows)
            # pq.read_table looks for a dataset of many files first, .35 ms a call
            with pq.ParquetFile(file, page_checksum_verification=True) as parquet:
                table: pa.Table = parquet.read(list(columns) if columns else None)
            return (table.select(list(columns)) if columns else table).replace_schema_metadata()

    def settle(self, path: str) -> None:
        """Make the names below a folder, and its own up to the lake's root, durable: `writing` does
        so with bytes alone."""
        if self.is_s3:
            return
        local, root = Path(self.root, safe_name(path)), Path(self.root)
        sync_folders(local)
        for folder in local.parents:
            if folder == root or root in folder.parents:
                sync_folder(folder)

    @contextlib.contextmanager
    def _parquet_errors(self, path: str) -> Iterator[None]:
        """What fails in the block as a sentence: the Parquet file is missing, or is not readable."""
        try:
            yield
        except FileNotFoundError:
            raise MissingDataset(
                f"{self.root}/{path} is named by a manifest but missing: restore it or rebuild the table"
            ) from None
        except (pa.ArrowInvalid, KeyError, OSError) as error:
            raise DamagedFile(
                f"{self.root}/{path} is not a readable Parquet file ({error}): restore it or rebuild the "
                f"table"
            ) from None

    def _read_rows(self, source: Any, columns: Sequence[str] | None, rows: Any) -> pa.Table:
        with pq.ParquetFile(source, page_checksum_verification=True) as file:
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
        with self._parquet_errors(path), self.fs.open_input_file(safe_name(path)) as file:
            if file.size() != size:
                return ""
            said: bytes = (pq.read_metadata(file).metadata or {}).get(HASH, b"")
            return said.decode()

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
        """Delete a file or a folder, durably; a path that is not there is no error."""
        info = self.fs.get_file_info(safe_name(path))
        if info.type == pafs.FileType.Directory:
            # on S3 a folder is seen that its last object has left
            with contextlib.suppress(FileNotFoundError):
                self.fs.delete_dir(path)
        elif info.type == pafs.FileType.File:
            self.fs.delete_file(path)
        if info.type != pafs.FileType.NotFound and not self.is_s3:
            sync_folder(Path(self.root, path).parent)

    def local(self, path: str) -> Path:
        """A local path with the content of a file or folder of the lake, if it has one.

        Objects on S3 are copied to the cache: those of tables once, since they never change (again
        where the copy has another size); anything else (a card, say) every time, and a copy of what
        is no longer there is deleted.
        """
        safe_name(path)
        if not self.is_s3:
            return Path(self.root, path)
        cache = (Path(self._cache) if self._cache else own_folder("skypile-cache")) / digest(self.root)
        one = self.fs.get_file_info(path)
        sizes = {path: one.size} if one.type == pafs.FileType.File else self.sizes_below(path)
        names = sorted(p for p in sizes if not os.path.basename(p).startswith(TEMPORARY))
        if not path.startswith("tables/"):
            copies = [p for p in (cache / path, *(cache / path).rglob("*")) if p.is_file()]
            for copy in copies:
                if str(copy.relative_to(cache)) not in names:  # deleted from the lake since
                    copy.unlink(missing_ok=True)
        for name in names:
            local = cache / name
            if name.startswith("tables/") and local.exists() and local.stat().st_size == sizes[name]:
                continue
            with self.fs.open_input_stream(name) as source, replacing(local, synced=False) as sink:
                shutil.copyfileobj(source, sink, 1 << 20)
        return cache / path
