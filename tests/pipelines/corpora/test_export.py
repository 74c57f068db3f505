"""A corpus in the form in which SkyPile-150B was published."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.corpora.export import export_jsonl
from pipelines.lake import Lake, LakeError


def test_export_is_one_field_a_line_and_repeats(published: Lake, tmp_path: Path) -> None:
    written = export_jsonl(published, "r", tmp_path / "out")
    assert [p.name for p in written] == ["r_en_webpages_0000.jsonl", "r_zh_webpages_0000.jsonl"]
    rows = [json.loads(line) for path in written for line in path.read_text().splitlines()]
    expected = published.current("skypile_main", "r").read(["text"])["text"].to_pylist()
    assert [list(r) for r in rows] == [["text"]] * 4 and sorted(r["text"] for r in rows) == sorted(expected)
    again = export_jsonl(published, "r", tmp_path / "again")
    assert [p.read_bytes() for p in again] == [p.read_bytes() for p in written]
    assert "skypile_main" in (tmp_path / "out/README.md").read_text()
    small = export_jsonl(published, "r", tmp_path / "small", language="en", file_bytes=50)
    assert [p.name for p in small] == [f"r_en_webpages_000{k}.jsonl" for k in range(3)]


def test_export_refuses_nothing_and_a_full_folder(published: Lake, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="no documents of language de"):
        export_jsonl(published, "r", tmp_path / "none", language="de")
    export_jsonl(published, "r", tmp_path / "out")
    with pytest.raises(LakeError, match="already holds"):
        export_jsonl(published, "r", tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "README.md").write_text("my notes")
    with pytest.raises(LakeError, match=r"already holds README\.md"):
        export_jsonl(published, "r", tmp_path / "mine")
    assert (tmp_path / "mine" / "README.md").read_text() == "my notes"
