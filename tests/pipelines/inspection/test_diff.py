"""Differences between releases: by reason, masked, without opening what both have."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from pipelines.inspection.diff import NOT_NAMED, diff, to_json
from pipelines.lake import Lake, MissingDataset, Writer
from pipelines.tables.schemas import CORPUS

REJECTED = pa.schema([("doc_id", pa.binary(16)), ("reasons", pa.list_(pa.string()))])


def published(lake: Lake, release: str, parts: list[dict[str, str]], rejected: dict[str, list[str]]) -> None:
    base: dict[str, Any] = dict.fromkeys(CORPUS.names, "") | {"offset": 0}

    def write(writer: Writer) -> None:
        for i, documents in enumerate(parts):
            rows = [
                base | {"doc_id": d.encode().ljust(16), "url": f"u/{d}?m=li@qq.com", "text": t}
                for d, t in documents.items()
            ]
            writer.write_table(f"part-{i}.parquet", pa.Table.from_pylist(rows, CORPUS))

    out = pa.Table.from_pylist(
        [{"doc_id": d.encode().ljust(16), "reasons": r} for d, r in rejected.items()], REJECTED
    )
    lake.publish("skypile_main", release, version=1, write=write)
    lake.publish("skypile_stem", release, version=1, write=lambda w: None)
    lake.publish("rejected", release, version=1, write=lambda w: w.write_table("part-0.parquet", out))


def test_lost_gained_and_changed_by_reason(lake: Lake) -> None:
    published(lake, "A", [{"a": "one", "b": "中文", "c": "three"}, {"s": "same"}], {"d": ["rules/short"]})
    published(
        lake, "B", [{"a": "on", "d": "four"}, {"s": "same"}], {"b": ["duplicate/near", "contamination/mmlu"]}
    )
    found = diff(lake, "A", "B")
    assert (found.lost.documents, found.lost.characters) == (2, 7)
    assert found.lost.by_reason == {
        "duplicate/near": {"documents": 1, "characters": 2},
        NOT_NAMED: {"documents": 1, "characters": 5},
        "contamination/mmlu": {"documents": 1, "characters": 2},
    }
    assert found.gained.by_reason == {"rules/short": {"documents": 1, "characters": 4}}
    assert found.gained.samples == [
        ("u/d?m=[EMAIL]", "rules/short", "four")
    ]  # no personal data, not even in a URL
    assert (found.changed.documents, found.changed.characters) == (1, -1)
    assert to_json(found)["lost"]["documents"] == 2


def test_equal_parts_are_not_opened(lake: Lake) -> None:
    published(lake, "A", [{"s": "same"}], {})
    published(lake, "B", [{"s": "same"}], {})
    lake.delete(lake.current("skypile_main", "A").file("part-0.parquet"))
    found = diff(lake, "A", "B")
    assert (found.same_parts, found.compared_parts, found.lost.documents, found.gained.documents) == (
        1,
        0,
        0,
        0,
    )


def test_a_release_that_is_not_built_is_named(lake: Lake) -> None:
    published(lake, "A", [{"a": "one"}], {})
    with pytest.raises(MissingDataset, match="'C' is not built"):
        diff(lake, "A", "C")
