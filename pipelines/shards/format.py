"""The format of token shards: names, types, the listing `shards.json`.

Belongs here: what is in a shard and what its listing says. Does not belong here: writing and
reading.

A source is a folder `<language>-<category>`, in a release with buckets with theirs behind it
(`en-webpages/q3/science`); for validation sets it is the domain. Shard i of it is
`0000i.bin` (little-endian uint16 tokens, each document ended by `</s>`, which no text gives),
`0000i.idx` (little-endian int64, the end of each document as a token position within the shard) and
`0000i.prov.parquet` (PROVENANCE, one row a document). Documents stand in the order of `order_key`,
within a shard and from shard to shard.

`shards.json` says what each source holds in all; `<source>/files.table` (FILES, one record a shard)
says what each shard holds. The table is mapped, not parsed: a set of 100,000 shards opens at once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.lake import LakeError

FORMAT = 2
LISTING = "shards.json"
TOKEN = np.dtype("<u2")
END = np.dtype("<i8")
END_OF_DOCUMENT = 2  # </s>
PROVENANCE = pa.schema(
    [
        ("doc_id", pa.binary(16)),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("file", pa.string()),
        ("offset", pa.int64()),
    ]
)
SUMS = ("tokens", "documents", "text_bytes")
HASHES = ("sha256", "idx_sha256", "prov_sha256")
FILES = np.dtype([*((name, "<i8") for name in SUMS), *((name, "V32") for name in HASHES)])


class ShardError(LakeError):
    """A shard that may not be read: names the file, what was expected and what was found."""


def order_key(seed: int, doc_id: bytes) -> int:
    """64 bits that place a document within its source: a hash of the seed and the id alone."""
    return int.from_bytes(
        hashlib.blake2b(seed.to_bytes(8, "little") + doc_id, digest_size=8).digest(), "little"
    )


@dataclass(frozen=True)
class ShardFile:
    """One shard: paths relative to the dataset, sizes and hashes (hexadecimal)."""

    bin: str
    idx: str
    prov: str
    tokens: int
    documents: int
    text_bytes: int  # UTF-8 bytes of the text, for bits per byte
    sha256: str  # of bin
    idx_sha256: str
    prov_sha256: str

    def to_json(self) -> dict[str, Any]:
        return dict(self.__dict__)


def shard_paths(source: str, index: int) -> tuple[str, str, str]:
    """Paths of the bin, idx and provenance of shard `index`."""
    stem = f"{source}/{index:05d}"
    return f"{stem}.bin", f"{stem}.idx", f"{stem}.prov.parquet"


def table_path(source: str) -> str:
    """Path of the table of a source's shards."""
    return f"{source}/files.table"


def pack_files(files: Sequence[ShardFile]) -> tuple[dict[str, Any], bytes]:
    """The entry of `shards.json` and the content of `files.table` for the shards of one source, in
    order."""
    table = np.zeros(len(files), FILES)
    for row, file in enumerate(files):
        table[row] = (*(getattr(file, n) for n in SUMS), *(bytes.fromhex(getattr(file, n)) for n in HASHES))
    data = table.tobytes()
    sums = {n: int(table[n].sum()) for n in SUMS}
    return {**sums, "shards": len(files), "files_sha256": hashlib.sha256(data).hexdigest()}, data


def unpack_file(source: str, index: int, record: np.void) -> ShardFile:
    """Shard `index` of a source, from its record in the table."""
    bin_path, idx_path, prov_path = shard_paths(source, index)
    tokens, documents, text_bytes = (int(record[n]) for n in SUMS)
    sha256, idx_sha256, prov_sha256 = (record[n].tobytes().hex() for n in HASHES)
    return ShardFile(
        bin_path, idx_path, prov_path, tokens, documents, text_bytes, sha256, idx_sha256, prov_sha256
    )
