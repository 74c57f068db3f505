"""The Spark engine: every part is worked on once, a failure is told, no work starts no session."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from pipelines.engine import Spark
from pipelines.engine.spark import find_java

ROOT = Path(__file__).parents[3]
UNKNOWN = ["unshare", "--user", "--map-user=4242", "--map-group=4242"]


def test_every_part_is_worked_on_once(spark: Spark, tmp_path: Path) -> None:
    def work(index: int) -> None:
        with open(tmp_path / str(index), "a") as file:
            file.write("x")

    spark.map_parts(9, work)
    assert {p.name: p.read_text() for p in tmp_path.iterdir()} == {str(i): "x" for i in range(9)}


def test_a_part_that_fails_fails_the_work(spark: Spark) -> None:
    def work(index: int) -> None:
        if index == 2:
            raise ValueError("part two is broken")

    with pytest.raises(Exception, match="part two is broken"):
        spark.map_parts(3, work)


def test_without_work_no_session_starts() -> None:
    engine = Spark("local[1]")
    engine.map_parts(0, lambda index: None)
    engine.stop()
    assert not engine.started


STARTER = """
import sys, time
from pipelines.engine import Spark

spark = Spark("local[1]")
if sys.argv[1] == "working":
    spark.session.sparkContext
    print("started", flush=True)
spark.map_parts(1, lambda index: time.sleep(600))
"""


@pytest.mark.parametrize("while_", ["starting", "working"])
def test_the_jvm_and_its_workers_die_with_a_starter_that_is_killed(while_: str) -> None:
    command = [sys.executable, "-c", STARTER, while_]
    starter = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT)
    assert starter.stdout
    own = psutil.Process(starter.pid)
    try:
        if while_ == "working":
            starter.stdout.readline()
        wanted = 1 if while_ == "starting" else 3  # the JVM; its daemon and a worker
        descendants: list[psutil.Process] = []
        while len([p for p in descendants if p.name() != "bash"]) < wanted:
            assert starter.poll() is None
            descendants = own.children(recursive=True)
    finally:
        starter.kill()
        starter.wait()
    alive = psutil.wait_procs(descendants, timeout=60)[1]
    for process in alive:
        process.kill()
    assert alive == []


def _may_have_another_uid() -> bool:
    try:
        return subprocess.run([*UNKNOWN, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.skipif(not _may_have_another_uid(), reason="needs unshare and user namespaces")
def test_a_session_starts_under_a_user_id_without_a_name_or_home() -> None:
    work = (
        "from pipelines.engine import Spark; s = Spark('local[1]'); s.map_parts(2, lambda i: None); s.stop()"
    )
    without = ("USER", "LOGNAME", "SPARK_USER", "HADOOP_USER_NAME")
    environment = {k: v for k, v in os.environ.items() if k not in without} | {"HOME": "/"}
    command = [*UNKNOWN, sys.executable, "-c", work]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_machines_java_goes_before_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/usr/lib/some-java")
    assert find_java() == "/usr/lib/some-java"
    monkeypatch.delenv("JAVA_HOME")
    assert find_java() == "" or Path(find_java(), "bin/java").exists()
