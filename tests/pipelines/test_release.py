"""Release cards, what falls by card, differences between releases, deletion."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.documents import CORPUS
from pipelines.lake import Dataset, Lake, LakeError, MissingDataset, Writer
from pipelines.release import ReleaseCard, diff, fallen, gc, resolve
from pipelines.settings import CardError


def table(lake: Lake, asset: str, partition: str, value: int, **inputs: Dataset) -> Dataset:
    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.table({"x": [value]}))

    return lake.build(asset, partition, version=1, parameters={"value": value}, inputs=inputs, write=write).dataset


def test_card_names_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "r.yaml"
    path.write_text("name: r\ndumps: [a, a]\nspeed: 3\n")
    with pytest.raises(CardError, match=r"(?s)r\.yaml.*twice.*speed"):
        ReleaseCard.load(path)
    path.write_text("name: ../r\ndumps: [a]\ncutoff_date: soon\n")
    with pytest.raises(CardError, match=r"(?s)name.*cutoff_date"):
        ReleaseCard.load(path)


def test_tombstones_and_cutoff() -> None:
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023-06", tombstones=("u1",))
    dates = ["2020-01-01", "2023-06-30", "2023-07-01T00:00:00Z", ""]
    assert fallen(card, pa.array(["u1", "u2", "u3", "u4"]), pa.array(dates)).to_pylist() == ["tombstone", "", "cutoff_date", ""]
    assert fallen(ReleaseCard(name="r", dumps=("a",)), pa.array(["u"]), pa.array(["2999"])).to_pylist() == [""]


def test_resolve_names_the_missing_dump(lake: Lake) -> None:
    with pytest.raises(MissingDataset, match="names dump 'absent'"):
        resolve(lake, ReleaseCard(name="r", dumps=("absent",)))


def published(lake: Lake, release: str, documents: dict[str, str], rejected: dict[str, list[str]]) -> None:
    base = dict.fromkeys(CORPUS.names, "") | {"offset": 0}
    rows = [base | {"doc_id": d.encode().ljust(16), "url": f"u/{d}", "text": t} for d, t in documents.items()]
    out = [{"doc_id": d.encode().ljust(16), "reasons": r} for d, r in rejected.items()]
    schema = pa.schema([("doc_id", pa.binary(16)), ("reasons", pa.list_(pa.string()))])
    tables = {"skypile_main": pa.Table.from_pylist(rows, CORPUS), "skypile_stem": pa.Table.from_pylist([], CORPUS)}
    for asset, value in {**tables, "rejected": pa.Table.from_pylist(out, schema)}.items():
        lake.build(asset, release, version=1, write=lambda w, v=value: w.write_table("part-0.parquet", v))


def test_diff_counts_lost_and_gained_by_reason(lake: Lake) -> None:
    published(lake, "A", {"a": "one", "b": "中文", "c": "three"}, {"d": ["rules/short"]})
    published(lake, "B", {"a": "one", "d": "four"}, {"b": ["duplicate/near", "overlap/mmlu"]})
    found = diff(lake, "A", "B")
    assert found["lost"]["documents"] == 2
    assert found["lost"]["characters"] == 7
    assert found["lost"]["by_reason"] == {"duplicate/near": 1, "not in the release": 1, "overlap/mmlu": 1}
    assert found["gained"]["by_reason"] == {"rules/short": 1}
    assert found["gained"]["samples"] == [["u/d", "rules/short"]]
    with pytest.raises(MissingDataset, match="'C' has no skypile_main"):
        diff(lake, "A", "C")


def test_gc_deletes_only_what_nothing_names(lake: Lake) -> None:
    old = table(lake, "documents", "d", 1)
    release = table(lake, "duplicates", "r", 5, documents=old)
    trained = table(lake, "main_shards", "r", 6)
    lake.write_json("runs/x/run.json", {"main_shards": str(Path(lake.root, trained.path))})
    forgotten = table(lake, "main_shards", "r", 7)
    current = [table(lake, "documents", "d", 2), table(lake, "main_shards", "r", 8)]

    assert gc(lake, dry_run=True)["deleted"] == [forgotten.path]
    assert lake.open(forgotten.path).read().num_rows == 1
    found = gc(lake)
    assert found["deleted"] == [forgotten.path]
    assert found["bytes"] > 0
    for dataset in (old, release, trained, *current):
        assert lake.open(dataset.path).read().num_rows == 1
    assert gc(lake)["deleted"] == []
    assert table(lake, "main_shards", "r", 7).path == forgotten.path  # its key is gone too, so it is computed again


def test_gc_deletes_nothing_where_a_run_is_unreadable(lake: Lake) -> None:
    table(lake, "documents", "d", 1)
    table(lake, "documents", "d", 2)
    lake.write_bytes("runs/x/run.json", b"{")
    with pytest.raises(LakeError, match="nothing was deleted"):
        gc(lake)
    assert len(lake.files("tables", recursive=True)) == 6
