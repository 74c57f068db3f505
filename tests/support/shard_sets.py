"""Small shard sets for tests, written by the format's own definition."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.shards.format import (
    END_OF_DOCUMENT,
    FORMAT,
    PROVENANCE,
    ShardFile,
    pack_files,
    shard_paths,
    table_path,
)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_shards(root: Path, sources: dict[str, int], seed: int = 0, files: int = 2) -> dict[str, Any]:
    """A shard set with about the given tokens of each source, in `files` files; returns its
    listing."""
    listing: dict[str, Any] = {"format": FORMAT, "tokenizer_hash": "t", "sources": {}}
    for name, tokens in sources.items():
        rng = np.random.default_rng([seed, len(name), tokens])
        entries = []
        for i in range(files):
            size = tokens // files
            ends = np.unique(
                np.append(np.sort(rng.integers(1, size + 1, size=max(1, size // 60))), size)
            ).astype("<i8")
            ids = rng.integers(3, 500, size=size).astype("<u2")
            ids[ends - 1] = END_OF_DOCUMENT
            paths = [root / p for p in shard_paths(name, i)]
            paths[0].parent.mkdir(parents=True, exist_ok=True)
            paths[0].write_bytes(ids.tobytes())
            paths[1].write_bytes(ends.tobytes())
            n = len(ends)
            urls = [f"https://{name}/{i}/{d}" for d in range(n)]
            columns = [
                [d.to_bytes(16, "little") for d in range(n)],
                urls,
                ["dump"] * n,
                ["a.warc"] * n,
                list(range(n)),
            ]
            pq.write_table(
                pa.Table.from_arrays(
                    [pa.array(c, f.type) for c, f in zip(columns, PROVENANCE, strict=True)], schema=PROVENANCE
                ),
                paths[2],
            )
            entries.append(ShardFile(*shard_paths(name, i), size, n, size * 4, *(sha(p) for p in paths)))
        listing["sources"][name], table = pack_files(entries)
        (root / table_path(name)).write_bytes(table)
    (root / "shards.json").write_text(json.dumps(listing))
    return listing
