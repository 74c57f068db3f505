"""Reading token shards: memory-mapped, checked against their listing. Imports no torch.

Belongs here: tokens, document ends and provenance by position. Does not belong here: the order in which a
run reads them (model/data).
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from pipelines.shards.format import END, FORMAT, LISTING, TOKEN, ShardError, ShardFile


def _sha256(path: Path) -> str:
    h = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            h.update(block)
    return h.hexdigest()


@dataclass(frozen=True)
class Source:
    """One source of a shard set: its sums and its files in order."""

    name: str
    tokens: int
    documents: int
    text_bytes: int
    files: tuple[ShardFile, ...]

    @cached_property
    def starts(self) -> list[int]:
        """Position of the first token of each file, and the source's length."""
        return list(accumulate((f.tokens for f in self.files), initial=0))


class ShardSet:
    """The shards of one dataset. Files are mapped when they are first read; `open` reads only the listing."""

    def __init__(self, root: Path, listing: dict[str, Any], listing_hash: str) -> None:
        self.root, self.listing, self.hash = root, listing, listing_hash
        self.tokenizer_hash = str(listing["tokenizer_hash"])
        self._bins: dict[str, npt.NDArray[np.uint16]] = {}
        self._ends: dict[str, npt.NDArray[np.int64]] = {}
        self.sources: dict[str, Source] = {}
        for name, entry in sorted(listing["sources"].items()):
            files = tuple(ShardFile(**f) for f in entry["files"])
            self.sources[name] = Source(name, entry["tokens"], entry["documents"], entry["text_bytes"], files)

    @classmethod
    def open(cls, root: str | Path, tokenizer_hash: str | None = None) -> ShardSet:
        """The shard set in folder `root`. With `tokenizer_hash`, shards of another tokenizer are refused."""
        path = Path(root, LISTING)
        try:
            data = path.read_bytes()
            listing = json.loads(data)
        except FileNotFoundError:
            raise ShardError(f"{path} does not exist: {root} is not a published shard set") from None
        except ValueError as error:
            raise ShardError(f"{path} is not readable JSON ({error}): restore it or build the shards again") from None
        if not isinstance(listing, dict) or listing.get("format") != FORMAT:
            found = listing.get("format") if isinstance(listing, dict) else type(listing).__name__
            raise ShardError(f"{path} is of format {found}, this version reads {FORMAT}: build the shards again")
        try:
            shards = cls(Path(root), listing, hashlib.sha256(data).hexdigest())
        except (KeyError, TypeError, AttributeError) as error:
            raise ShardError(f"{path} is not a complete listing ({error}): restore it or build the shards again") from None
        if tokenizer_hash is not None and tokenizer_hash != shards.tokenizer_hash:
            raise ShardError(f"{root} was made with tokenizer {shards.tokenizer_hash}, expected {tokenizer_hash}")
        for source in shards.sources.values():
            sums = [sum(getattr(f, key) for f in source.files) for key in ("tokens", "documents", "text_bytes")]
            if sums != [source.tokens, source.documents, source.text_bytes]:
                raise ShardError(f"{path}: the files of {source.name} do not add up to its tokens, documents and text_bytes")
        return shards

    def verify(self) -> None:
        """Read every file and compare size, hash and content with the listing; ShardError names the first that differs."""
        for source in self.sources.values():
            for file in source.files:
                for name, wanted in ((file.bin, file.sha256), (file.idx, file.idx_sha256), (file.prov, file.prov_sha256)):
                    self._check_size(file, name)
                    found = _sha256(self.root / name)
                    if found != wanted:
                        raise ShardError(
                            f"{self.root / name} has sha256 {found}, its listing says {wanted}: restore it or build the shards again"
                        )
                ends = self._file_ends(file)
                if len(ends) != file.documents or (np.diff(ends, prepend=0) < 1).any() or (len(ends) and ends[-1] != file.tokens):
                    raise ShardError(f"{self.root / file.idx} does not divide {file.tokens} tokens into {file.documents} documents")

    def _check_size(self, file: ShardFile, name: str) -> None:
        path = self.root / name
        wanted = {file.bin: file.tokens * TOKEN.itemsize, file.idx: file.documents * END.itemsize}.get(name)
        try:
            size = path.stat().st_size
        except FileNotFoundError:
            raise ShardError(f"{path} is named by {LISTING} but missing: restore it or build the shards again") from None
        if wanted is not None and size != wanted:
            raise ShardError(f"{path} has {size} bytes, its listing says {wanted}: it is truncated or foreign")

    def _map(self, file: ShardFile, name: str, kind: np.dtype[Any]) -> npt.NDArray[Any]:
        self._check_size(file, name)
        if (self.root / name).stat().st_size == 0:
            return np.empty(0, kind)
        return np.memmap(self.root / name, kind, mode="r")

    def _file_tokens(self, file: ShardFile) -> npt.NDArray[np.uint16]:
        if file.bin not in self._bins:
            self._bins[file.bin] = self._map(file, file.bin, TOKEN)
        return self._bins[file.bin]

    def _file_ends(self, file: ShardFile) -> npt.NDArray[np.int64]:
        if file.idx not in self._ends:
            self._ends[file.idx] = self._map(file, file.idx, END)
        return self._ends[file.idx]

    def _source(self, name: str) -> Source:
        if name not in self.sources:
            raise ShardError(f"{self.root} has no source {name!r}; it has {', '.join(self.sources) or 'none'}")
        return self.sources[name]

    def _pieces(self, name: str, start: int, count: int) -> list[tuple[ShardFile, int, int]]:
        """(file, first, last + 1) that together hold tokens [start, start + count) of a source."""
        source = self._source(name)
        if start < 0 or count < 0 or start + count > source.tokens:
            raise ShardError(f"{name} has {source.tokens} tokens: [{start}, {start + count}) is not within them")
        pieces = []
        index = max(0, bisect_right(source.starts, start) - 1)
        while count:
            file, first = source.files[index], start - source.starts[index]
            taken = min(count, file.tokens - first)
            if taken:
                pieces.append((file, first, first + taken))
            start, count, index = start + taken, count - taken, index + 1
        return pieces

    def tokens(self, source: str, start: int, count: int) -> npt.NDArray[np.uint16]:
        """Tokens [start, start + count) of a source, uint16 [count]; within one file a view of the mapping."""
        arrays = [self._file_tokens(f)[a:b] for f, a, b in self._pieces(source, start, count)]
        return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, TOKEN), *arrays])

    def document_starts(self, source: str, start: int, count: int) -> npt.NDArray[np.int64]:
        """Positions relative to `start`, in [0, count), at which a document begins, int64."""
        found = [np.empty(0, np.int64)]
        done = 0
        for file, a, b in self._pieces(source, start, count):
            ends = self._file_ends(file)
            inside = ends[np.searchsorted(ends, a, "left") : np.searchsorted(ends, b, "left")]
            first = np.zeros(1 if a == 0 else 0, np.int64)
            found.append(np.concatenate([first, inside]) - a + done)
            done += b - a
        return np.concatenate(found)

    def document_of(self, source: str, position: int) -> dict[str, Any]:
        """Provenance of the document that holds a token: doc_id, url, dump, file, offset; and its start and end in the source."""
        file, first, _ = self._pieces(source, position, 1)[0]
        ends = self._file_ends(file)
        row = int(np.searchsorted(ends, first, "right"))
        base = position - first
        begin = int(ends[row - 1]) if row else 0
        return {**self._provenance(file, row), "start": base + begin, "end": base + int(ends[row])}

    def _provenance(self, file: ShardFile, row: int) -> dict[str, Any]:
        """One row of a provenance file; only its row group is read."""
        try:
            table = pq.ParquetFile(self.root / file.prov)
            for group in range(table.num_row_groups):
                rows = table.metadata.row_group(group).num_rows
                if row < rows:
                    return dict(table.read_row_group(group).slice(row, 1).to_pylist()[0])
                row -= rows
        except (OSError, ValueError) as error:
            raise ShardError(f"{self.root / file.prov} is not readable ({error}): restore it or build the shards again") from None
        raise ShardError(f"{self.root / file.prov} has fewer rows than its shard has documents")
