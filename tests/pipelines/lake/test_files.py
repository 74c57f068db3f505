"""Files of a lake: chosen rows, what a kill left, travelling to workers."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.lake import DamagedFile, Lake, MissingDataset


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


def test_a_lake_travels_to_workers(lake: Lake) -> None:
    lake.write_json("x.json", {"a": 1})
    assert pickle.loads(pickle.dumps(lake)).read_json("x.json") == {"a": 1}


def test_what_a_killed_write_left_is_no_file(lake: Lake) -> None:
    lake.write_json("pointers/a/b.json", {})
    Path(lake.root, "pointers/a/.tmp-xyz").write_text("{")
    assert lake.files("pointers", recursive=True) == ["pointers/a/b.json"]


def test_listing_and_deleting_by_path(lake: Lake) -> None:
    for path in ("a/one", "a/b/two", "a/b/three"):
        lake.write_bytes(path, path.encode())
    assert lake.files("a") == ["a/one"] and lake.folders("a") == ["a/b"]
    assert lake.files("a", recursive=True) == ["a/b/three", "a/b/two", "a/one"]
    lake.delete("a/b")
    lake.delete("a/never")
    assert lake.files("a", recursive=True) == ["a/one"] and not lake.exists("a/b/two")
    assert lake.files("nowhere") == [] == lake.folders("nowhere")


def test_a_file_that_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(MissingDataset, match=r"cards/x\.yaml does not exist"):
        lake.read_bytes("cards/x.yaml")
    with pytest.raises(MissingDataset, match=r"t/p\.parquet is named by a manifest but missing"):
        lake.read_parquet("t/p.parquet")
    with pytest.raises(MissingDataset, match=r"t/p\.parquet is named by a manifest but missing"):
        lake.written_hash("t/p.parquet", 1)


def test_columns_come_in_the_order_asked_for_and_one_that_is_missing_is_named(lake: Lake) -> None:
    table = pa.table({"a": [1, 2], "b": [[{"x": 1}], []], "a.x": ["s", None]})
    dataset = lake.publish(
        "t", version=1, write=lambda writer: writer.write_table("part-00000.parquet", table)
    ).dataset
    assert dataset.read_part(0).equals(table)
    for columns in (["b"], ["a.x", "a"], ["b", "a"]):
        assert dataset.read_part(0, columns).equals(table.select(columns))
    for rows in (None, np.array([0], np.int64)):
        with pytest.raises(DamagedFile, match="not_there"):
            dataset.read_part(0, ["a", "not_there"], rows)
