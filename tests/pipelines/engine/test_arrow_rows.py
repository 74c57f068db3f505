"""Rows of parts through Spark's workers: what a worker is given, and how often."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.engine import InProcess, Spark, collect_parts, map_arrow

TASKS = 12


class Counted:
    """Leaves a file in `folder` for each time that it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        number = len(list(self.folder.glob(f"{os.getpid()}-*")))
        (self.folder / f"{os.getpid()}-{number}").touch()


def test_a_worker_unpickles_its_work_once(spark: Spark, tmp_path: Path) -> None:
    counted = Counted(tmp_path)

    def work(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        assert counted.folder.is_dir()
        yield from batches

    assert map_arrow(spark.session.range(0, TASKS, 1, TASKS), work, "id bigint").count() == TASKS
    found = [path.name.partition("-")[2] for path in tmp_path.iterdir()]
    assert set(found) == {"0"} and len(found) < TASKS


def test_two_pieces_of_work_in_turn_are_not_mistaken(spark: Spark) -> None:
    frames = []
    for factor in (2, 3):

        def work(batches: Iterator[pa.RecordBatch], factor: int = factor) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                yield pa.RecordBatch.from_arrays(
                    [pa.array([factor * v for v in batch.column(0).to_pylist()], pa.int64())], ["id"]
                )

        frames.append(map_arrow(spark.session.range(0, 4, 1, 2), work, "id bigint"))
    both = frames[0].unionByName(frames[1]).unionByName(frames[0])
    assert sorted(r["id"] for r in both.collect()) == sorted([0, 2, 4, 6, 0, 3, 6, 9, 0, 2, 4, 6])


def test_rows_of_parts_come_in_the_order_of_parts(spark: Spark) -> None:
    schema = pa.schema([("n", pa.int64()), ("name", pa.string())])

    def rows(i: int) -> pa.Table:
        return pa.table([[i] * (i % 3), [f"p{i}"] * (i % 3)], schema=schema)

    assert collect_parts(spark, 7, rows, schema).equals(collect_parts(InProcess(), 7, rows, schema))
    assert collect_parts(spark, 0, rows, schema).num_rows == 0
