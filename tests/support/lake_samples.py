"""A small dataset for the tests of the lake, and its building by a process that is killed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake import Lake, Writer
from tests.support.kills import kill_at

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", "", None], "c": pa.array([[1], [], None], pa.list_(pa.int32()))})


def write(writer: Writer) -> None:
    """Two parts of TABLE."""
    writer.write_table("part-00000.parquet", TABLE, {"documents": 3})
    writer.write_table("part-00001.parquet", TABLE, {"documents": 3})


def build(root: str | Path, version: int = 1) -> str:
    """Content hash of a dataset whose parts are written unless they are there or known by their
    keys."""
    lake = Lake(root)

    def unless_there(writer: Writer) -> None:
        known = lake.reusable("documents")
        for path in ("part-00000.parquet", "part-00001.parquet", "folder/part-00002.parquet"):
            if not writer.take(path, known) and not writer.has(path):
                writer.write_table(path, TABLE, {"documents": 3}, key=path)
        writer.write_bytes("model.bin", b"m" * 5000)

    published = lake.publish("documents", "d", version=version, write=unless_there)
    return published.dataset.content_hash


def flip(path: Path) -> None:
    """Change bits of the data of a file, of its first column where it is Parquet, in place."""
    data = bytearray(path.read_bytes())
    at = len(data) // 2
    if path.suffix == ".parquet":
        column = pq.read_metadata(path).row_group(0).column(0)
        at = (column.dictionary_page_offset or column.data_page_offset) + column.total_compressed_size - 1
    data[at] ^= 0xFF
    path.write_bytes(data)


def die(root: str, point: int) -> None:
    """Build in the lake `root`, and die before event `point`; in a process of its own, for a client
    of S3 does not bear a fork."""
    kill_at(point, root, lambda: build(root))
