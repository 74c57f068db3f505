"""Reading token shards: mapped or by ranges, checked against their listing. Imports no torch.

Belongs here: tokens, document ends and provenance by position. Does not belong here: the order in
which a run reads them (model/data), where the bytes lie (storage.py).
"""

from __future__ import annotations

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from pipelines.shards.format import (
    END,
    END_OF_DOCUMENT,
    FILES,
    FORMAT,
    LISTING,
    SUMS,
    TOKEN,
    ShardError,
    ShardFile,
    table_path,
    unpack_file,
)
from pipelines.shards.storage import Folder, blocks, sha256, storage

Tokens = npt.NDArray[np.uint16]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class ShardSource:
    """One source of a shard set: its sums and the table of its shards, FILES[shards]."""

    name: str
    tokens: int
    documents: int
    text_bytes: int
    table: npt.NDArray[np.void]

    @cached_property
    def starts(self) -> Positions:
        """Position of the first token of each shard, and the source's length."""
        return np.concatenate([[0], np.cumsum(self.table["tokens"])])

    def file(self, index: int) -> ShardFile:
        """Shard `index`."""
        return unpack_file(self.name, index, self.table[index])

    @property
    def files(self) -> Iterator[ShardFile]:
        """The shards in order."""
        return (self.file(i) for i in range(len(self.table)))

    def pieces(self, start: int, count: int) -> list[tuple[ShardFile, int, int]]:
        """(shard, first, last + 1) that together hold tokens [start, start + count)."""
        if start < 0 or count < 0 or start + count > self.tokens:
            raise ShardError(
                f"{self.name} has {self.tokens} tokens: [{start}, {start + count}) is not within them"
            )
        found = []
        index = max(0, int(np.searchsorted(self.starts, start, "right")) - 1)
        while count:
            first = start - int(self.starts[index])
            taken = min(count, int(self.table[index]["tokens"]) - first)
            if taken:
                found.append((self.file(index), first, first + taken))
            start, count, index = start + taken, count - taken, index + 1
        return found


class ShardSet:
    """The shards of one dataset, in a folder or on S3. `open` reads only the listing and its
    tables."""

    def __init__(self, root: str | Path, listing: dict[str, Any], listing_hash: str) -> None:
        self.store = storage(root)
        self.root, self.listing, self.hash = self.store.root, listing, listing_hash
        self.tokenizer_hash = str(listing["tokenizer_hash"])
        self._sized: set[str] = set()
        self.sources: dict[str, ShardSource] = {}
        for name, entry in sorted(listing["sources"].items()):
            tokens, documents, text_bytes = (int(entry[n]) for n in SUMS)
            self.sources[name] = ShardSource(name, tokens, documents, text_bytes, self._table(name, entry))

    @classmethod
    def open(cls, root: str | Path, tokenizer_hash: str | None = None) -> ShardSet:
        """The shard set at `root`, a folder or s3://. With `tokenizer_hash`, shards of another
        tokenizer are refused."""
        store, path = storage(root), f"{root}/{LISTING}"
        try:
            data = b"".join(blocks(store, LISTING))
            listing = json.loads(data)
        except ShardError as error:
            raise ShardError(f"{root} is not a published shard set: {error}") from None
        except ValueError as error:
            raise ShardError(
                f"{path} is not readable JSON ({error}): restore it or build the shards again"
            ) from None
        if not isinstance(listing, dict) or listing.get("format") != FORMAT:
            found = listing.get("format") if isinstance(listing, dict) else type(listing).__name__
            raise ShardError(
                f"{path} is of format {found}, this version reads {FORMAT}: build the shards again"
            )
        try:
            shards = cls(root, listing, hashlib.sha256(data).hexdigest())
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ShardError(
                f"{path} is not a complete listing ({error!r}): restore it or build the shards again"
            ) from None
        if tokenizer_hash is not None and tokenizer_hash != shards.tokenizer_hash:
            raise ShardError(
                f"{root} was made with tokenizer {shards.tokenizer_hash}, expected {tokenizer_hash}"
            )
        return shards

    def _table(self, name: str, entry: dict[str, Any]) -> npt.NDArray[np.void]:
        """The table of a source's shards: the one that the listing means, and adding up to its
        sums."""
        path = table_path(name)
        found = sha256(self.store, path)
        if found != entry["files_sha256"]:
            wanted = entry["files_sha256"]
            raise ShardError(
                f"{self.root}/{path} has sha256 {found}, its listing says {wanted}: restore it or build "
                f"the shards again"
            )
        table = self.store.range(path, FILES, 0, int(entry["shards"]))
        if len(table) != entry["shards"] or any(int(table[n].sum()) != entry[n] for n in SUMS):
            raise ShardError(
                f"{self.root}/{LISTING}: the shards of {name} do not add up to its {', '.join(SUMS)}"
            )
        return table

    @property
    def is_remote(self) -> bool:
        """Whether reads cross the network."""
        return not isinstance(self.store, Folder)

    def _share(self, part: int, parts: int) -> Iterator[ShardFile]:
        """Shards `part`, `part + parts`, ... of all sources."""
        return itertools.islice((f for s in self.sources.values() for f in s.files), part, None, parts)

    def verify(self, part: int = 0, parts: int = 1) -> None:
        """Read every shard of a share and compare size, hash and content with the listing.

        `parts` ranks that each verify their `part` verify the set. ShardError names the first file
        that differs.
        """
        for file in self._share(part, parts):
            self._verify(file)

    def check_sizes(self, part: int = 0, parts: int = 1) -> None:
        """`verify` without reading: sizes alone, for a set on S3, where the store keeps and checks
        the bytes."""
        for file in self._share(part, parts):
            for name in (file.bin, file.idx, file.prov):
                self._check_size(file, name)

    def _verify(self, file: ShardFile) -> None:
        for name, wanted in (
            (file.bin, file.sha256),
            (file.idx, file.idx_sha256),
            (file.prov, file.prov_sha256),
        ):
            self._check_size(file, name)
            found = sha256(self.store, name)
            if found != wanted:
                raise ShardError(
                    f"{self.root}/{name} has sha256 {found}, its listing says {wanted}: restore it or "
                    f"build the shards again"
                )
        ends = self._ends(file)
        if (
            len(ends) != file.documents
            or (np.diff(ends, prepend=0) < 1).any()
            or (len(ends) and ends[-1] != file.tokens)
        ):
            raise ShardError(
                f"{self.root}/{file.idx} does not divide {file.tokens} tokens into {file.documents} documents"
            )
        # Readers take the token after an end of document for a start, so no other token may look
        # like one.
        marks = np.concatenate([np.empty(0, np.int64), *self._marks(file)])
        if not np.array_equal(marks + 1, ends):
            raise ShardError(
                f"{self.root}/{file.bin}: its ends of documents are not those of {file.idx}; build the "
                f"shards again"
            )

    def _marks(self, file: ShardFile) -> Iterator[Positions]:
        step = 1 << 22
        for first in range(0, file.tokens, step):
            tokens = self.store.range(file.bin, TOKEN, first, min(first + step, file.tokens))
            yield np.flatnonzero(tokens == END_OF_DOCUMENT) + first

    def _check_size(self, file: ShardFile, name: str) -> None:
        wanted = {file.bin: file.tokens * TOKEN.itemsize, file.idx: file.documents * END.itemsize}.get(name)
        size = self.store.size(name)
        if wanted is not None and size != wanted:
            raise ShardError(
                f"{self.root}/{name} has {size} bytes, its listing says {wanted}: it is truncated or foreign"
            )

    def read(self, file: ShardFile, first: int, last: int) -> Tokens:
        """Tokens [first, last) of one shard; its size is compared before it is first read."""
        if file.bin not in self._sized:
            self._check_size(file, file.bin)
            self._sized.add(file.bin)
        tokens: Tokens = self.store.range(file.bin, TOKEN, first, last)
        return tokens

    def _ends(self, file: ShardFile) -> Positions:
        if file.idx not in self._sized:
            self._check_size(file, file.idx)
            self._sized.add(file.idx)
        ends: Positions = self.store.range(file.idx, END, 0, file.documents)
        return ends

    def source(self, name: str) -> ShardSource:
        """A source by name; ShardError where there is none."""
        if name not in self.sources:
            raise ShardError(
                f"{self.root} has no source {name!r}; it has {', '.join(self.sources) or 'none'}"
            )
        return self.sources[name]

    def tokens(self, source: str, start: int, count: int) -> Tokens:
        """Tokens [start, start + count) of a source, uint16 [count]; within one shard of a folder a
        view of the mapping."""
        arrays = [self.read(f, a, b) for f, a, b in self.source(source).pieces(start, count)]
        return arrays[0] if len(arrays) == 1 else np.concatenate([np.empty(0, TOKEN), *arrays])

    def document_starts(self, source: str, start: int, count: int) -> Positions:
        """Positions relative to `start`, in [0, count), at which a document begins, int64."""
        found = [np.empty(0, np.int64)]
        done = 0
        for file, a, b in self.source(source).pieces(start, count):
            ends = self._ends(file)
            inside = ends[np.searchsorted(ends, a, "left") : np.searchsorted(ends, b, "left")]
            first = np.zeros(1 if a == 0 else 0, np.int64)
            found.append(np.concatenate([first, inside]) - a + done)
            done += b - a
        return np.concatenate(found)

    def document_of(self, source: str, position: int) -> dict[str, Any]:
        """The document that holds a token: doc_id, url, dump, file, offset; its start and end in
        the source; its shard."""
        file, first, _ = self.source(source).pieces(position, 1)[0]
        ends = self._ends(file)
        row = int(np.searchsorted(ends, first, "right"))
        base = position - first
        begin = int(ends[row - 1]) if row else 0
        return {
            **self._provenance(file, row),
            "start": base + begin,
            "end": base + int(ends[row]),
            "shard": file.bin,
        }

    def documents_of(self, source: str, url: str) -> Iterator[dict[str, Any]]:
        """Every document of a URL (in normal form) in a source, as `document_of` gives it. Reads the URLs
        of every shard."""
        import pyarrow.parquet as pq

        from pipelines.cards.urls import normal_url

        wanted = normal_url(url)
        held = self.source(source)
        for index, file in enumerate(held.files):
            with self.store.input(file.prov) as stream:
                urls = pq.read_table(stream, columns=["url"])["url"]
            rows = [
                row for row, known in enumerate(urls.to_pylist()) if known and normal_url(known) == wanted
            ]
            if rows:
                ends, base = self._ends(file), int(held.starts[index])
                yield from (self.document_of(source, base + int(ends[row]) - 1) for row in rows)

    def _provenance(self, file: ShardFile, row: int) -> dict[str, Any]:
        """One row of a provenance file; only its row group is read."""
        import pyarrow.parquet as pq

        try:
            with self.store.input(file.prov) as stream:
                table = pq.ParquetFile(stream)
                for group in range(table.num_row_groups):
                    rows = table.metadata.row_group(group).num_rows
                    if row < rows:
                        return dict(table.read_row_group(group).slice(row, 1).to_pylist()[0])
                    row -= rows
        except (OSError, ValueError) as error:
            raise ShardError(
                f"{self.root}/{file.prov} is not readable ({error}): restore it or build the shards again"
            ) from None
        raise ShardError(f"{self.root}/{file.prov} has fewer rows than its shard has documents")
