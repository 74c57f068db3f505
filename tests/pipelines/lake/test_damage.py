"""Parts of a published dataset that were cut off, lost or replaced, and the build that mends them."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lake import Dataset, Lake, LakeError, Writer, damaged_parts, logical_hash
from pipelines.lake.damage import read_all
from pipelines.lake.manifest import HASH
from tests.support.lake_samples import flip

NESTED = pa.table(
    {
        "text": ["a", "b" * 100, None],
        "spans": pa.array([[[1, 2]], [], None], pa.list_(pa.list_(pa.int32()))),
        "words": pa.array([["x"], [], ["y", "z"]], pa.list_(pa.string())),
        "scores": pa.array([{"a": [1.5]}, None, {"a": []}], pa.struct([("a", pa.list_(pa.float32()))])),
    }
)
KEYED, PLAIN, MODEL = "a/part-0.parquet", "part-1.parquet", "model.bin"


def publish(lake: Lake) -> Dataset:
    def write(writer: Writer) -> None:
        if not writer.take("k", lake.reusable("t")):
            writer.write_table(KEYED, NESTED, {"rows": 3}, key="k")
        writer.write_table(PLAIN, NESTED.slice(1))
        writer.write_bytes(MODEL, b"weights" * 100)

    return lake.publish("t", version=1, write=write).dataset


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size - 3)


def other_rows(path: Path) -> None:
    """Another whole file, which says of itself what the first said."""
    said = pq.read_metadata(path).metadata[HASH]
    pq.write_table(NESTED.slice(2).replace_schema_metadata({HASH: said}), path)


def test_whole_parts_of_any_type_are_whole(lake: Lake) -> None:
    dataset = publish(lake)
    assert read_all(dataset) == {} == damaged_parts(dataset)
    assert dataset.parts[0].hash == logical_hash(NESTED)


def test_a_column_that_was_read_is_written_under_the_hash_that_it_had(lake: Lake) -> None:
    """Parquet names the items of lists anew, in a column's type alone or in the schema too."""
    first = publish(lake)
    read = first.read_part(0)
    as_ours = pa.table(read.columns, schema=NESTED.schema)
    assert {str(c.type) for c in read.columns} == {str(c.type) for c in as_ours.columns}

    def write(writer: Writer) -> None:
        for number, table in enumerate((read, as_ours)):
            writer.write_table(f"part-{number}.parquet", table)

    second = lake.publish("copy", version=1, write=write).dataset
    assert {part.hash for part in second.parts} == {logical_hash(NESTED)}
    assert second.manifest.schema == first.manifest.schema
    assert read_all(second) == {}


@pytest.mark.parametrize("part", [KEYED, PLAIN, MODEL])
@pytest.mark.parametrize("damage", [flip, cut, Path.unlink, other_rows])
def test_a_damaged_part_is_found_and_built_anew(lake: Lake, part: str, damage) -> None:
    dataset = publish(lake)
    path = Path(lake.root, dataset.file(part))
    before = path.read_bytes()
    if damage is other_rows and part == MODEL:
        path.write_bytes(b"WEIGHTS" * 100)
    else:
        damage(path)
    if path.exists() and path.stat().st_size == len(before):
        assert damaged_parts(dataset) == {}  # only a look at every byte finds it
    else:
        assert (
            list(damaged_parts(dataset)) == [part] and lake.computed(dataset.manifest.recompute_key) is None
        )
    assert list(read_all(dataset)) == [part] == list(damaged_parts(dataset))
    again = publish(lake)
    assert again.content_hash == dataset.content_hash and path.read_bytes() == before
    assert read_all(again) == {} and not lake.exists(f"{again.path}/_damaged.json")
    assert lake.folders("staging") == []


def test_a_size_is_compared_at_every_open(lake: Lake) -> None:
    dataset = publish(lake)
    for part in dataset.parts:
        cut(Path(lake.root, dataset.file(part.path)))
    for read in (
        lambda: dataset.read_part(1),
        lambda: dataset.read_part(KEYED, ["text"]),
        lambda: dataset.read_bytes(MODEL),
        lambda: dataset.local(MODEL),
        dataset.local,
    ):
        with pytest.raises(LakeError, match=r"bytes, and .*manifest .*names .*restore it or rebuild"):
            read()


def test_a_lost_pointer_key_or_manifest_is_made_up_for(lake: Lake) -> None:
    dataset = publish(lake)
    key = f"keys/{dataset.manifest.recompute_key}.json"
    for path in (lake.pointer("t"), key, f"{dataset.path}/_manifest.json"):
        whole = lake.read_json(path)
        for data in (b"", b"{", b"[1]"):
            Path(lake.root, path).write_bytes(data)
            if path != key:
                with pytest.raises(LakeError, match=r"restore|again"):
                    lake.current("t")
            assert publish(lake).content_hash == dataset.content_hash
            assert lake.read_json(path) == whole and read_all(lake.current("t")) == {}


def test_a_manifest_of_other_parts_is_found(lake: Lake) -> None:
    dataset = publish(lake)
    path = f"{dataset.path}/_manifest.json"
    lake.write_json(path, lake.read_json(path) | {"parameters": {"seed": 2}})
    assert list(read_all(lake.current("t"))) == ["_manifest.json"]
    assert read_all(publish(lake)) == {}
