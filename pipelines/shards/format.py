"""The format of token shards: names, types, the listing `shards.json`.

Belongs here: what is in a shard and what its listing says. Does not belong here: writing and reading.

A source is a folder `<language>-<category>` (for validation sets: the domain). Shard i of it is
`0000i.bin` (little-endian uint16 tokens, each document ended by `</s>`), `0000i.idx` (little-endian int64,
the end of each document as a token position within the shard) and `0000i.prov.parquet` (PROVENANCE, one row a
document). Documents stand in the order of `order_key`, within a shard and from shard to shard.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.lake import LakeError

FORMAT = 1
LISTING = "shards.json"
TOKEN = np.dtype("<u2")
END = np.dtype("<i8")
END_OF_DOCUMENT = 2  # </s>
PROVENANCE = pa.schema(
    [("doc_id", pa.binary(16)), ("url", pa.string()), ("dump", pa.string()), ("file", pa.string()), ("offset", pa.int64())]
)


class ShardError(LakeError):
    """A shard that may not be read: names the file, what was expected and what was found."""


def order_key(seed: int, doc_id: bytes) -> int:
    """64 bits that place a document within its source: a hash of the seed and the id alone."""
    return int.from_bytes(hashlib.blake2b(seed.to_bytes(8, "little") + doc_id, digest_size=8).digest(), "little")


@dataclass(frozen=True)
class ShardFile:
    """One shard: paths relative to the dataset, sizes and hashes."""

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
        return asdict(self)


def shard_paths(source: str, index: int) -> tuple[str, str, str]:
    """Paths of the bin, idx and provenance of shard `index`."""
    stem = f"{source}/{index:05d}"
    return f"{stem}.bin", f"{stem}.idx", f"{stem}.prov.parquet"
