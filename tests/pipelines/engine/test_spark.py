"""The Spark engine: every part is worked on once, a failure is told, no work starts no session."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.engine import Spark
from pipelines.engine.spark import find_java


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


def test_the_machines_java_goes_before_the_one_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/usr/lib/some-java")
    assert find_java() == "/usr/lib/some-java"
    monkeypatch.delenv("JAVA_HOME")
    assert find_java() == "" or Path(find_java(), "bin/java").exists()
