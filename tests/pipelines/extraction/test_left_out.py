"""Places that gave no document are a table of the lake, found by address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import LeftOut
from pipelines.engine import InProcess
from pipelines.extraction import documents as stage
from pipelines.extraction.left_out import LEFT_OUT, SCHEMA, left_out_of, left_out_table
from pipelines.lake import Lake
from pipelines.lake.garbage import gc
from pipelines.tables.stage import Building
from tests.support.dumps import build_documents

BINARY = b"\x89PNG\0\0\0" * 50


def test_places_are_rows() -> None:
    places = [LeftOut("https://a.org/x", 7, 0, "skipped/binary"), LeftOut("", 9, 0, "broken/gap")]
    table = left_out_table("one.gz", places)
    assert table.schema == SCHEMA == left_out_table("one.gz", []).schema
    assert table.to_pylist()[0] == {
        "url": "https://a.org/x",
        "file": "one.gz",
        "offset": 7,
        "reason": "skipped/binary",
    }


def test_a_dump_has_one_table_of_them_which_goes_when_nothing_names_it(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_file = stage._read_file
    monkeypatch.setattr(
        stage, "_read_file", lambda *args: (read.append(args[2]["file"]), read_file(*args))[1]
    )
    card = DumpCard(name="d", kind="warc", uris=(f"{tmp_path}/in/*.warc.gz",))
    for name in ("one", "two"):
        write_warc(
            tmp_path / "in" / f"{name}.warc.gz", [PageFile(f"https://a.org/{name}", "x", BINARY)], "2023"
        )
    documents = build_documents(lake, InProcess(), card).dataset
    first = lake.current(LEFT_OUT, "d")
    assert [part.path for part in first.parts] == [part.path for part in documents.parts]
    assert left_out_of(lake, "d", "http://www.a.org/one/")[0][0::2] == ("one.warc.gz", "skipped/binary")
    assert (
        left_out_of(lake, "d", "https://a.org/three") == [] == left_out_of(lake, "other", "https://a.org/one")
    )

    write_warc(tmp_path / "in" / "two.warc.gz", [PageFile("https://a.org/three", "x", BINARY)], "2023")
    build_documents(lake, InProcess(), card)
    assert sorted(read) == ["one.warc.gz", "two.warc.gz", "two.warc.gz"]  # the first file is taken over
    assert left_out_of(lake, "d", "https://a.org/one") and left_out_of(lake, "d", "https://a.org/three")
    assert left_out_of(lake, "d", "https://a.org/two") == []
    assert first.path in gc(lake, delete=True).deleted and not lake.exists(f"{first.path}/_manifest.json")
    assert left_out_of(lake, "d", "https://a.org/one")


@pytest.mark.parametrize(("end", "again"), [("at the second file", 2), ("before publishing", 0)])
def test_what_a_cut_leaves_is_made_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str, again: int
) -> None:
    """A cut may lose what was staged of this table and keep what was staged of documents; where the
    table is published, no file is read again."""
    read: list[str] = []
    read_file, publish_beside = stage._read_file, Building.publish_beside

    def reading(*args: Any) -> Any:
        read.append(args[2]["file"])
        if end == "at the second file" and len(read) == 2:
            raise KeyboardInterrupt
        return read_file(*args)

    def publishing(*args: Any) -> Any:
        publish_beside(*args)
        if end == "before publishing":
            raise KeyboardInterrupt

    for name in ("one", "two"):
        pages = [PageFile(f"https://a.org/{name}", "x", BINARY)]
        write_warc(tmp_path / "in" / f"{name}.warc.gz", pages, "2023")
    card = DumpCard(name="d", kind="warc", uris=(f"{tmp_path}/in/*.warc.gz",))
    whole, cut = Lake(tmp_path / "whole"), Lake(tmp_path / "cut")
    build_documents(whole, InProcess(), card)
    with monkeypatch.context() as patched:
        patched.setattr(stage, "_read_file", reading)
        patched.setattr(Building, "publish_beside", publishing)
        with pytest.raises(KeyboardInterrupt):
            build_documents(cut, InProcess(), card)
        read.clear()
        end = "none"
        for staged in cut.folders("staging"):
            if not cut.exists(f"{staged}/owner.json"):
                cut.delete(staged)
        build_documents(cut, InProcess(), card)
    assert cut.current(LEFT_OUT, "d").content_hash == whole.current(LEFT_OUT, "d").content_hash
    assert cut.current("documents", "d").content_hash == whole.current("documents", "d").content_hash
    assert len(read) == again and cut.folders("staging") == []
