"""A stage is found by all that it depends on, and computes only what is not known."""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import Building, InputsChanged, OutputPart, Stage, build, find


def numbers(keys: list[str], computed: list[int], partition: str = "all", version: int = 1) -> Stage:
    """One part for each key, which holds the part's number."""

    def rows(i: int) -> tuple[pa.Table, dict[str, int]]:
        computed.append(i)
        return pa.table({"n": [i]}), {"rows": 1}

    def compute(building: Building) -> None:
        building.write_parts([OutputPart(f"part-{i}.parquet", key) for i, key in enumerate(keys)], rows)

    return Stage("numbers", version, compute, partition, parameters={"keys": keys})


def test_a_stage_is_found_only_after_it_was_built(lake: Lake, engine: InProcess) -> None:
    computed: list[int] = []
    stage = numbers(["", ""], computed)
    assert find(lake, stage) is None and computed == []
    built = build(lake, engine, stage)
    assert built.fresh and computed == [0, 1] and built.dataset.stats == {"rows": 2}
    found = find(lake, stage)
    assert found is not None and found.content_hash == built.dataset.content_hash
    assert not build(lake, engine, stage).fresh and computed == [0, 1]
    assert find(lake, numbers(["", ""], computed, version=2)) is None


def test_a_part_that_another_partition_holds_under_its_key_is_taken_over(
    lake: Lake, engine: InProcess
) -> None:
    computed: list[int] = []
    build(lake, engine, numbers(["a", "b"], computed))
    built = build(lake, engine, numbers(["a", "c"], computed, partition="other"))
    assert computed == [0, 1, 1]
    assert built.dataset.read()["n"].to_pylist() == [0, 1]


def test_a_part_whose_key_needs_its_input_is_computed_only_where_it_is_not_known(
    lake: Lake, engine: InProcess
) -> None:
    computed: list[int] = []

    def stage(partition: str, keys: list[str]) -> Stage:
        def part(i: int) -> tuple[str, Callable[[], tuple[pa.Table, dict[str, int]]]]:
            def rows() -> tuple[pa.Table, dict[str, int]]:
                computed.append(i)
                return pa.table({"n": [i]}), {"rows": 1}

            return keys[i], rows

        paths = [f"part-{i}.parquet" for i in range(len(keys))]
        return Stage("keyed", 1, lambda building: building.write_keyed_parts(paths, part), partition)

    build(lake, engine, stage("p", ["a", "b"]))
    built = build(lake, engine, stage("q", ["c", "b"]))
    assert computed == [0, 1, 0] and built.dataset.stats == {"rows": 2}


def test_files_of_a_known_key_are_taken_over_together(lake: Lake, engine: InProcess) -> None:
    computed: list[int] = []

    def stage(partition: str, keys: list[str]) -> Stage:
        def files(i: int) -> list[tuple[str, pa.Table, dict[str, int]]]:
            computed.append(i)
            return [(f"{name}-{i}.parquet", pa.table({"n": [i]}), {}) for name in "xy"[: i + 1]]

        return Stage("files", 1, lambda building: building.write_files(keys, files), partition)

    build(lake, engine, stage("p", ["a", "b"]))
    built = build(lake, engine, stage("q", ["c", "b"]))
    assert computed == [0, 1, 0]
    assert [part.path for part in built.dataset.parts] == ["x-0.parquet", "x-1.parquet", "y-1.parquet"]


def test_a_stage_whose_input_changed_is_computed_anew(lake: Lake, engine: InProcess) -> None:
    def changed(building: Building) -> None:
        raise InputsChanged

    computed: list[int] = []
    stage = Stage("numbers", 1, changed, renew=lambda: numbers([""], computed))
    assert build(lake, engine, stage).fresh and computed == [0]
    with pytest.raises(InputsChanged):
        build(lake, engine, Stage("numbers", 1, changed, parameters={"other": True}))


def test_a_table_published_beside_is_found_by_its_name(lake: Lake, engine: InProcess) -> None:
    def compute(building: Building) -> None:
        table = pa.table({"n": [1]})
        building.publish_beside("aside", 1, {}, lambda writer: writer.write_table("part.parquet", table))
        building.writer.write_table("part.parquet", table)

    build(lake, engine, Stage("main", 1, compute, "p", beside=("aside",)))
    assert lake.current("aside", "p").read()["n"].to_pylist() == [1]
