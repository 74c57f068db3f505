"""Where the bytes of a shard set lie: a folder, memory-mapped, or s3://, read by ranges.

Belongs here: sizes, whole files and ranges by path, errors that name the object. Does not belong
here: what the bytes mean (reader.py), what will be needed next (model/data/readahead.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.lake import Lake, safe_name
from pipelines.shards.format import ShardError

BLOCK_BYTES = 8 << 20
OPEN_FILES = 256  # handles kept of a remote set: each costs one request to open


class Storage(Protocol):
    """The files of one shard set by their path within it."""

    root: str

    def size(self, path: str) -> int:
        """Bytes of a file; ShardError where it is missing."""

    def range(self, path: str, kind: np.dtype[Any], first: int, last: int) -> npt.NDArray[Any]:
        """Elements [first, last) of a file of `kind`."""

    def input(self, path: str) -> pa.NativeFile:
        """The file, for readers that seek."""


def missing(root: str, path: str) -> ShardError:
    return ShardError(f"{root}/{path} does not exist: restore it or build the shards again")


class Folder:
    """Files are mapped when they are first read."""

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self._maps: dict[str, npt.NDArray[Any]] = {}

    def size(self, path: str) -> int:
        try:
            return Path(self.root, safe_name(path)).stat().st_size
        except FileNotFoundError:
            raise missing(self.root, path) from None

    def range(self, path: str, kind: np.dtype[Any], first: int, last: int) -> npt.NDArray[Any]:
        if path not in self._maps:
            self._maps[path] = (
                np.memmap(Path(self.root, path), kind, mode="r") if self.size(path) else np.empty(0, kind)
            )
        return self._maps[path][first:last]

    def input(self, path: str) -> pa.NativeFile:
        self.size(path)
        return pa.OSFile(str(Path(self.root, path)))


class Bucket:
    """Objects below an s3:// address; only the ranges that are asked for are fetched. Threads may
    share it."""

    def __init__(self, root: str) -> None:
        self.root = root.rstrip("/")
        self._fs = Lake(self.root).fs
        self._open: dict[str, pa.NativeFile] = {}
        self.fetched_bytes = 0

    def _handle(self, path: str) -> pa.NativeFile:
        handle = self._open.get(path)
        if handle is None:
            while len(self._open) >= OPEN_FILES:
                self._open.pop(next(iter(self._open)), None)
            handle = self._open[path] = self.input(path)
        return handle

    def size(self, path: str) -> int:
        return int(self._handle(path).size())

    def range(self, path: str, kind: np.dtype[Any], first: int, last: int) -> npt.NDArray[Any]:
        wanted = (last - first) * kind.itemsize
        if wanted == 0:
            return np.empty(0, kind)
        try:
            data = self._handle(path).read_at(wanted, first * kind.itemsize)
        except OSError as error:
            raise ShardError(
                f"{self.root}/{path} could not be read from byte {first * kind.itemsize} on: {error}"
            ) from None
        if len(data) != wanted:
            raise ShardError(f"{self.root}/{path} gave {len(data)} of {wanted} bytes: it is truncated")
        self.fetched_bytes += wanted
        return np.frombuffer(data, kind)

    def input(self, path: str) -> pa.NativeFile:
        try:
            return self._fs.open_input_file(safe_name(path))
        except FileNotFoundError:
            raise missing(self.root, path) from None
        except OSError as error:
            raise ShardError(f"{self.root}/{path} could not be opened: {error}") from None


def storage(root: str | Path) -> Folder | Bucket:
    """The storage that an address means."""
    return Bucket(str(root)) if str(root).startswith("s3://") else Folder(root)


def blocks(store: Folder | Bucket, path: str) -> Iterator[bytes]:
    """A file in pieces of BLOCK_BYTES."""
    with store.input(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            yield block


def sha256(store: Folder | Bucket, path: str) -> str:
    """Hexadecimal hash of a file."""
    h = hashlib.sha256()
    for block in blocks(store, path):
        h.update(block)
    return h.hexdigest()
