"""How a dataset comes to be: crashes, one process at a time, parts that are taken over."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake import Lake, LakeError, MissingDataset, NoSpace, Writer
from tests.support.lake_samples import TABLE, write


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


def test_a_full_disk_is_said_with_the_part_that_did_not_fit(lake: Lake) -> None:
    def onto_a_full_disk(writer: Writer) -> None:
        for name, put in (
            ("part-00000.parquet", lambda n: writer.write_table(n, TABLE)),
            ("model.bin", lambda n: writer.add_file(n, Path(__file__))),
        ):
            part = Path(lake.root, writer.staging, "parts", name)
            part.parent.mkdir(parents=True, exist_ok=True)
            part.symlink_to("/dev/full")
            with pytest.raises(NoSpace, match=f"no space is left for {part}"):
                put(name)
            part.unlink(missing_ok=True)
            assert not writer.has(name)

    lake.publish("t", version=1, write=onto_a_full_disk)


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
