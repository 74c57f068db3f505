"""The lake: nothing half-written is visible, equal content has equal hashes, nothing is computed
twice."""

from __future__ import annotations

import os
import pickle
import signal
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake import Lake, LakeError, MissingDataset, Writer, logical_hash, safe_name
from tests.support.kills import half_tables, in_fork, kill_at
from tests.support.lake_samples import TABLE, build, write


def test_a_dataset_is_built_once_and_found_again(lake: Lake) -> None:
    first = lake.publish("documents", "d", version=1, write=write)
    again = lake.publish("documents", "d", version=1, write=lambda w: pytest.fail("computed twice"))
    assert first.fresh and not again.fresh
    assert again.dataset == first.dataset
    assert first.dataset.manifest.rows == 6 and first.dataset.stats == {"documents": 6}
    assert lake.current("documents", "d").read().equals(pa.concat_tables([TABLE, TABLE]))


@pytest.mark.parametrize("change", [{"version": 2}, {"parameters": {"x": 1}}, {"inputs": {"raw": "00"}}])
def test_another_version_parameter_or_input_is_another_computation(lake: Lake, change: dict) -> None:
    lake.publish("documents", "d", version=1, write=write)
    assert lake.publish("documents", "d", **({"version": 1} | change), write=write).fresh


def test_the_same_content_has_the_same_hash_in_another_lake(tmp_path: Path) -> None:
    built = [Lake(tmp_path / n).publish("documents", "d", version=1, write=write).dataset for n in "ab"]
    assert built[0].content_hash == built[1].content_hash


def test_a_crash_leaves_nothing_visible_and_finished_parts_are_kept(lake: Lake) -> None:
    def crash(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", TABLE)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.publish("documents", "d", version=1, write=crash)
    with pytest.raises(MissingDataset, match="materialize documents"):
        lake.current("documents", "d")
    kept = []

    def resume(writer: Writer) -> None:
        kept.append(writer.has("part-00000.parquet"))
        writer.write_table("part-00001.parquet", TABLE)

    assert lake.publish("documents", "d", version=1, write=resume).dataset.manifest.rows == 6
    assert kept == [True]
    assert lake.folders("staging") == []


def test_a_kill_before_any_change_of_the_lake_is_made_up_for(lake: Lake, tmp_path: Path) -> None:
    wanted = build(Path(lake.root))
    for point in range(100):
        root = tmp_path / str(point)
        status, _ = in_fork(partial(kill_at, point, root, partial(build, root)))
        if not status:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL and half_tables(Lake(root)) == []
        again = Lake(root)
        assert build(root) == wanted and again.folders("staging") == []
        names = os.listdir(Path(root, again.current("documents", "d").path))
        assert {name for name in names if name[0] not in "._"} == {"part-00000.parquet", "part-00001.parquet"}
    assert point > 10


def test_two_processes_do_not_build_the_same_at_a_time(lake: Lake) -> None:
    reading, writing = os.pipe()
    child = os.fork()
    if not child:

        def endless(writer: Writer) -> None:
            writer.write_table("part-00000.parquet", TABLE, {"documents": 3})
            os.write(writing, b"x")
            signal.pause()

        lake.publish("documents", "d", version=1, write=endless)
    os.read(reading, 1)
    with pytest.raises(LakeError, match=f"documents of d is being built by process {child} of"):
        lake.publish("documents", "d", version=1, write=write)
    assert lake.publish("documents", "e", version=1, write=write).fresh  # another one may be
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert lake.publish("documents", "d", version=1, write=write).dataset.manifest.rows == 6


def test_who_was_taken_over_publishes_nothing(lake: Lake) -> None:
    elsewhere = {"host": "elsewhere", "pid": 1, "started": "never"}

    def taken_over(writer: Writer) -> None:
        write(writer)
        lake.write_json(f"{writer.staging}/owner.json", elsewhere)

    def published(writer: Writer) -> None:
        write(writer)
        lake.delete(writer.staging)  # the other one has done it all

    for interrupted in (taken_over, published):
        with pytest.raises(LakeError, match="another process meanwhile"):
            lake.publish("documents", "d", version=1, write=interrupted)
        assert lake.files("tables", recursive=True) == [] == lake.files("pointers", recursive=True)
    assert lake.publish("documents", "d", version=1, write=write).fresh


def test_parts_of_different_schema_are_refused(lake: Lake) -> None:
    def mixed(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", TABLE)
        writer.write_table("part-00001.parquet", TABLE.select(["a"]))

    with pytest.raises(LakeError, match="2 different schemas"):
        lake.publish("documents", "d", version=1, write=mixed)


def test_a_part_can_be_taken_over_from_another_dataset(lake: Lake) -> None:
    old = lake.publish("documents", "d", version=1, write=write).dataset
    new = lake.publish(
        "documents",
        "d",
        version=2,
        write=lambda w: [w.reuse(p.path, old, p, {"documents": 3}) for p in old.parts],
    ).dataset
    assert new.content_hash == old.content_hash


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/../b", "", "a\\b", "./a"])
def test_paths_that_escape_are_refused(lake: Lake, name: str) -> None:
    with pytest.raises(LakeError):
        safe_name(name)
    with pytest.raises(LakeError):
        lake.write_bytes(name, b"")


@pytest.mark.parametrize("rows", [[], [0], [8191, 8192], [5, 20_000, 20_001, 24_999]])
def test_chosen_rows_are_those_of_the_whole_part(lake: Lake, rows: list[int]) -> None:
    table = pa.table(
        {
            "a": pa.array(range(25_000)),
            "b": pa.array([[{"x": i}] for i in range(25_000)]),
            "c": ["t"] * 25_000,
        }
    )
    dataset = lake.publish(
        "t", version=1, write=lambda writer: writer.write_table("part-00000.parquet", table)
    ).dataset
    read = dataset.read_part(0, ["b", "a"], np.array(rows, np.int64))
    assert read.to_pylist() == table.select(["b", "a"]).take(pa.array(rows, pa.int64())).to_pylist()
    path, part = dataset.file(dataset.parts[0].path), dataset.parts[0]
    assert lake.written_hash(path, part.bytes) == part.hash
    written = pq.read_table(f"{lake.root}/{path}")
    pq.write_table(written.slice(1), f"{lake.root}/{path}")  # keeps what the file says of itself
    assert lake.written_hash(path, part.bytes) == ""


def test_a_damaged_part_is_named(lake: Lake) -> None:
    dataset = lake.publish("documents", "d", version=1, write=write).dataset
    (Path(lake.root) / dataset.file("part-00000.parquet")).write_bytes(b"not parquet")
    with pytest.raises(LakeError, match=r"part-00000\.parquet is not a readable"):
        dataset.read_part(0)


def test_a_lake_travels_to_workers(lake: Lake) -> None:
    lake.write_json("x.json", {"a": 1})
    assert pickle.loads(pickle.dumps(lake)).read_json("x.json") == {"a": 1}


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20), st.integers(0, 20))
def test_the_logical_hash_ignores_chunks_and_sees_values(values: list[str | None], cut: int) -> None:
    whole = pa.table({"t": pa.array(values, pa.string())})
    chunked = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert logical_hash(whole) == logical_hash(chunked)
    changed = pa.table({"t": pa.array([*values, "x"], pa.string())})
    assert logical_hash(whole) != logical_hash(changed)


def test_the_logical_hash_tells_null_from_empty() -> None:
    assert logical_hash(pa.table({"t": pa.array([None], pa.string())})) != logical_hash(
        pa.table({"t": pa.array([""])})
    )


def test_parts_are_known_again_by_what_they_were_computed_from(lake: Lake) -> None:
    def written(writer: Writer) -> None:
        writer.write_table("a/part-0.parquet", pa.table({"x": [1, 2]}), {"rows": 2}, key="k1")
        writer.write_table("b/part-0.parquet", pa.table({"x": [3]}), {"rows": 1}, key="k1")
        writer.write_table("part-1.parquet", pa.table({"x": [4]}), {"rows": 1})

    first = lake.publish("t", "one", version=1, write=written).dataset

    def taken(writer: Writer) -> None:
        known = lake.reusable("t")
        assert writer.take("k1", known) and not writer.take("k2", known)

    second = lake.publish("t", "two", version=1, write=taken).dataset
    assert [p.path for p in second.parts] == ["a/part-0.parquet", "b/part-0.parquet"]
    assert second.read()["x"].to_pylist() == [1, 2, 3] and second.stats == {"rows": 3}
    assert second.parts[0].hash == first.parts[0].hash and second.parts[0].key == "k1"


def test_what_a_killed_write_left_is_no_file(lake: Lake) -> None:
    lake.write_json("pointers/a/b.json", {})
    Path(lake.root, "pointers/a/.tmp-xyz").write_text("{")
    assert lake.files("pointers", recursive=True) == ["pointers/a/b.json"]
