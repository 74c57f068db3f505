from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from pipelines.lake import Lake, Writer
from reports.gather import TABLE1, composition, gather, graph, read_lines


def test_composition_is_beside_table_1() -> None:
    assert abs(sum(TABLE1.values()) - 100.0) < 1e-9
    counts = {"documents": 1, "bytes": 30}
    rows = {
        r["source"]: r
        for r in composition(
            {
                "composition": {
                    "fr": {"encyclopedia": {"d": counts, "e": counts}},
                    "en": {"law": {"d": counts}},
                }
            }
        )
    }
    assert rows["other/encyclopedia"]["bytes"] == 60 and round(rows["en/law"]["percent"], 3) == 33.333
    assert rows["en/law"]["paper"] is None and rows["zh/social"]["documents"] == 0


def test_broken_lines_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "l").write_text('{"step": 1}\n{"st')
    assert read_lines(tmp_path / "l") == [{"step": 1}]


def test_the_graph_follows_lineage_over_partitions_and_column_groups() -> None:
    def row(asset: str, partition: str, rows: int, *inputs: str) -> dict[str, object]:
        return {"asset": asset, "partition": partition, "rows": rows, "inputs": list(inputs)}

    assets = [
        row("documents", "a", 2),
        row("documents", "b", 3),
        row("signals/rules", "a", 2, "documents", "signals"),
    ]
    found = graph(
        [*assets, row("main_shards", "r", 0, "signals")], {"stage1_checkpoint": 4096, "leakage_report": 0}
    )
    assert found["edges"]["signals"] == ["documents"] and found["edges"]["stage1_checkpoint"] == [
        "main_shards"
    ]
    assert found["edges"]["leakage_report"] == ["stage1_checkpoint"]
    assert found["notes"] == {"documents": "5 rows", "stage1_checkpoint": "4,096 tokens"}


def test_a_table_that_is_written_beside_another_hangs_on_it() -> None:
    rows = [
        {"asset": name, "partition": "r", "rows": 1, "inputs": inputs}
        for name, inputs in (("duplicates", ["documents"]), ("clusters", []), ("verified_pairs", []))
    ]
    edges = graph(rows, {})["edges"]
    assert edges["clusters"] == ["duplicates"] == edges["verified_pairs"]


def test_the_tables_of_classifiers_are_looked_for_by_their_names(lake: Lake, tmp_path: Path) -> None:
    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.table({"score": [1.0, 2.0]}))

    for table, partition in (("classifier_models/edu", "all"), ("classifiers/edu", "a")):
        lake.publish(table, partition, version=1, write=write)
    found = gather(lake, tmp_path / "run", "demo", "first", ["a"])
    assert {row["asset"] for row in found["assets"]} == {"classifier_models/edu", "classifiers/edu"}
    missing = {name for name in found["missing"] if name.startswith("classifier")}
    assert missing == {"classifiers/topic of a", "classifier_models/topic of all"}
