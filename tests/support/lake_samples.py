"""A small dataset for the tests of the lake, and its building by a process that is killed."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipelines.lake import Lake, Writer
from tests.support.kills import kill_at

TABLE = pa.table({"a": [1, 2, 3], "b": ["x", "", None], "c": pa.array([[1], [], None], pa.list_(pa.int32()))})


def write(writer: Writer) -> None:
    """Two parts of TABLE."""
    writer.write_table("part-00000.parquet", TABLE, {"documents": 3})
    writer.write_table("part-00001.parquet", TABLE, {"documents": 3})


def build(root: str | Path) -> str:
    """Content hash of a dataset whose parts are written unless they are there."""

    def unless_there(writer: Writer) -> None:
        for path in ("part-00000.parquet", "part-00001.parquet"):
            if not writer.has(path):
                writer.write_table(path, TABLE, {"documents": 3})

    return Lake(root).publish("documents", "d", version=1, write=unless_there).dataset.content_hash


def die(root: str, point: int) -> None:
    """Build in the lake `root`, and die before event `point`; in a process of its own, for a client
    of S3 does not bear a fork."""
    kill_at(point, root, lambda: build(root))
