"""Rows of parts as Arrow tables, through Spark's workers or in this process.

Belongs here: handing functions to workers, Spark frames of what they give, collecting few rows. Does
not belong here: the session (spark.py), what is done to a part.
"""

from __future__ import annotations

import gc
import pickle
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa

from pipelines.engine.protocol import Engine


def map_arrow(
    frame: Any, function: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], schema: str
) -> Any:
    """Spark frame of what `function` makes of the batches of each task; `schema` in Spark's words.

    As `mapInArrow`, but a worker unpickles the function once and not in every task: with it come
    the manifests of all parts of a release, 400 bytes each.
    """
    shared = frame.sparkSession.sparkContext.broadcast(_ByValue(function))

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        _set_modules_apart()
        yield from shared.value(batches)

    return frame.mapInArrow(run, schema)


def rows_of_parts(session: Any, count: int, rows: Callable[[int], pa.Table], schema: str) -> Any:
    """Spark frame of the rows that `rows(i)` gives for each part i in range(count), one task each;
    `schema` in Spark's words."""

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for index in batch.column(0).to_pylist():
                yield from rows(index).to_batches()

    return map_arrow(session.range(0, count, 1, max(1, count)), run, schema)


class _ByValue:
    """A function on its way to a worker, with all that it closes over: unpickled, it is the
    function."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Any, ...]:
        from pyspark import cloudpickle

        return pickle.loads, (cloudpickle.dumps(self.function),)


_modules_apart = 0


def _set_modules_apart() -> None:
    """Spare the collector the objects of imported modules.

    A Python worker of Spark collects garbage after every task, and walks all that numba and its
    like hold each time: .1 CPU seconds, several times what a task of a small dump needs. Called at
    a task's start, behind the collection of the task before, so that no garbage is kept.
    """
    global _modules_apart
    if len(sys.modules) != _modules_apart:
        gc.freeze()
        _modules_apart = len(sys.modules)


def collect_parts(engine: Engine, count: int, work: Callable[[int], pa.Table], schema: pa.Schema) -> pa.Table:
    """The rows that `work(i)` gives for each part (few: they come to this process), in the order of
    parts."""
    session = engine.session
    if session is None or not count:
        return pa.concat_tables([schema.empty_table(), *(work(i).cast(schema) for i in range(count))])
    names = {pa.int64(): "bigint", pa.string(): "string", pa.bool_(): "boolean", pa.int32(): "int"}
    wire = pa.schema([(f.name, f.type if f.type in names else pa.binary()) for f in schema])

    def rows(index: int) -> pa.Table:
        found = work(index).cast(wire)
        return found.append_column("_part", pa.array([index] * found.num_rows, pa.int64()))

    ddl = ", ".join(f"`{f.name}` {names.get(f.type, 'binary')}" for f in wire) + ", _part bigint"
    table: pa.Table = rows_of_parts(session, count, rows, ddl).toArrow()
    return table.sort_by("_part").drop_columns(["_part"]).cast(schema)
