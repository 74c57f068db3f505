"""What nothing names is deleted, and nothing else."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.lake import Dataset, Lake, LakeError, Writer
from pipelines.lake.garbage import gc


def table(lake: Lake, asset: str, partition: str, value: int, **inputs: Dataset) -> Dataset:
    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.table({"x": [value]}))

    return lake.publish(
        asset, partition, version=1, parameters={"value": value}, inputs=inputs, write=write
    ).dataset


def test_only_what_nothing_names_is_deleted_and_only_when_asked(lake: Lake) -> None:
    old = table(lake, "documents", "d", 1)
    # a pointer names it, and it was made from `old`
    release = table(lake, "duplicates", "r", 5, documents=old)
    trained = table(lake, "main_shards", "r", 6)
    lake.write_json(
        "runs/x/checkpoints/step-5/manifest.json", {"shards": {"main": f"{lake.root}/{trained.path}"}}
    )
    validated = table(lake, "validation_sets", "r", 1)
    lake.write_bytes("cards/releases/later.yaml", f"validation: r@{validated.content_hash}\n".encode())
    forgotten = table(lake, "main_shards", "r", 7)
    current = [
        table(lake, "documents", "d", 2),
        table(lake, "main_shards", "r", 8),
        table(lake, "validation_sets", "r", 2),
    ]
    lake.write_bytes("staging/half/part", b"x")

    found = gc(lake)
    assert list(found.deleted) == [forgotten.path] and found.bytes == forgotten.manifest.bytes
    assert found.staging == ("staging/half",)
    assert lake.open(forgotten.path).read().num_rows == 1  # asked only what would go
    assert gc(lake, delete=True).deleted == found.deleted
    for dataset in (old, release, trained, validated, *current):
        assert lake.open(dataset.path).read().num_rows == 1
    assert gc(lake, delete=True).deleted == {}
    assert lake.exists("staging/half/part")
    # its key is gone too, so it is computed again
    assert table(lake, "main_shards", "r", 7).path == forgotten.path


def test_without_the_run_that_names_it_a_table_goes(lake: Lake) -> None:
    trained = table(lake, "main_shards", "r", 6)
    table(lake, "main_shards", "r", 7)
    lake.write_json("runs/x/run.json", {"main_shards": trained.content_hash})
    assert gc(lake).deleted == {}
    lake.delete("runs/x/run.json")
    assert list(gc(lake).deleted) == [trained.path]


def test_nothing_is_deleted_where_a_run_is_unreadable(lake: Lake) -> None:
    table(lake, "documents", "d", 1)
    table(lake, "documents", "d", 2)
    lake.write_bytes("runs/x/run.json", b"{")
    with pytest.raises(LakeError, match="nothing was deleted"):
        gc(lake, delete=True)
    assert len(lake.files("tables", recursive=True)) == 6
