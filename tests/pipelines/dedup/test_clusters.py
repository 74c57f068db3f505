"""The same release on other masters: worker processes of their own, and a standalone cluster of two
workers."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pipelines.dedup.duplicates import duplicates_stage
from pipelines.engine import InProcess, find_java
from pipelines.lake import Lake
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus

ROOT = Path(__file__).parents[3]
RUN = """
import sys
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.dedup import components, incremental
from pipelines.lake import Lake
from pipelines.engine import Spark
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus

def main():
    components.DRIVER_EDGES, incremental.DRIVER_MEMBERS = 0, 0
    lake, rows = Lake(sys.argv[1]), corpus(40)
    loopback = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
    engine = Spark(sys.argv[2], loopback | {"spark.executor.memory": "700m"})
    old = make_dump(lake, "old", rows[::2], 3, engine=engine)
    new = make_dump(lake, "new", rows[1::2], 2, engine=engine)
    print(build(lake, engine, duplicates_stage(make_release([old], "first"))).dataset.content_hash)
    print(build(lake, engine, duplicates_stage(make_release([old, new], "both"))).dataset.content_hash)
    engine.stop()

main()
"""


def expected(tmp: Path) -> list[str]:
    lake, rows = Lake(tmp / "expected"), corpus(40)
    old, new = make_dump(lake, "old", rows[::2], 3), make_dump(lake, "new", rows[1::2], 2)
    return [
        build(lake, InProcess(), duplicates_stage(make_release(d, n))).dataset.content_hash
        for d, n in (([old], "first"), ([old, new], "both"))
    ]


def environment() -> dict[str, str]:
    paths = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    java = {"JAVA_HOME": find_java()} if find_java() else {}
    return {
        **os.environ,
        **java,
        "PYTHONPATH": paths,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }


def hashes(tmp: Path, master: str) -> list[str]:
    """In a process of its own: this one may have a session already."""
    command = [sys.executable, "-c", RUN, str(tmp / "lake"), master]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=ROOT, env=environment(), timeout=1200
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.split()


@pytest.mark.full
def test_local_cluster_gives_the_same(tmp_path: Path) -> None:
    assert hashes(tmp_path, "local-cluster[2,1,1024]") == expected(tmp_path)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int, process: subprocess.Popen[bytes]) -> bool:
    while process.poll() is None:
        with socket.socket() as probe:
            if not probe.connect_ex(("127.0.0.1", port)):
                return True
        time.sleep(0.2)  # until it listens or ends; the suite's own timeout bounds it
    return False


@contextmanager
def standalone(folder: Path) -> Iterator[str]:
    """spark:// of a master with two workers on loopback."""
    import pyspark

    home = Path(pyspark.__file__).parent
    launch = [str(home / "bin" / "spark-class")]
    port, web = _free_port(), _free_port()
    master = f"spark://127.0.0.1:{port}"
    commands = [
        [
            "org.apache.spark.deploy.master.Master",
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--webui-port",
            str(web),
        ]
    ]
    for n in range(2):
        ports = ["--host", "127.0.0.1", "--port", str(_free_port()), "--webui-port", str(_free_port())]
        commands.append(
            [
                "org.apache.spark.deploy.worker.Worker",
                *ports,
                "--cores",
                "1",
                "--memory",
                "1g",
                "--work-dir",
                str(folder / f"w{n}"),
                master,
            ]
        )
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with open(folder / f"log{len(running)}", "wb") as log:
                env = environment() | {"SPARK_HOME": str(home), "SPARK_DAEMON_MEMORY": "256m"}
                running.append(
                    subprocess.Popen(
                        launch + command, stdout=log, stderr=log, cwd=folder, env=env, start_new_session=True
                    )
                )
            if len(running) == 1:
                assert _listens(port, running[0]), (folder / "log0").read_text()[-2000:]
        yield master
    finally:
        for process in reversed(running):
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(20)


@pytest.mark.full
def test_a_standalone_cluster_of_two_workers_gives_the_same(tmp_path: Path) -> None:
    with standalone(tmp_path) as master:
        assert hashes(tmp_path, master) == expected(tmp_path)
