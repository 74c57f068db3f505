"""A published dataset as it is read."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake import Lake, LakeError, MissingDataset
from pipelines.lake.dataset import iter_parts, open_dataset
from tests.support.lake_samples import write


def test_a_damaged_part_is_named(lake: Lake) -> None:
    dataset = lake.publish("documents", "d", version=1, write=write).dataset
    part = Path(lake.root, dataset.file("part-00000.parquet"))
    part.write_bytes(b"x" * part.stat().st_size)
    with pytest.raises(LakeError, match=r"part-00000\.parquet is not a readable"):
        dataset.read_part(0)


def test_parts_one_after_the_other_are_the_table(lake: Lake) -> None:
    dataset = lake.publish("documents", "d", version=1, write=write).dataset
    parts = list(iter_parts(dataset, ["b"]))
    assert [p.num_rows for p in parts] == [3, 3] and pa.concat_tables(parts).equals(dataset.read(["b"]))
    assert dataset.read_part(1, ["c", "a"]).column_names == ["c", "a"]
    assert dataset.local("part-00000.parquet").is_file() and dataset.local().is_dir()


def test_what_has_no_manifest_or_no_parts_is_said(lake: Lake) -> None:
    lake.write_bytes("tables/t/all/x/part-0.parquet", b"")
    with pytest.raises(
        MissingDataset, match="tables/t/all/x is not a published dataset: it has no _manifest"
    ):
        open_dataset(lake, "tables/t/all/x")
    empty = lake.publish(
        "t", version=1, write=lambda writer: writer.write_json("numbers.json", {"n": 2})
    ).dataset
    assert empty.read_json("numbers.json") == {"n": 2}
    with pytest.raises(LakeError, match="does not stay inside"):
        empty.file("../other")
