from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.engine import InProcess
from pipelines.extraction import split
from pipelines.extraction.split import split_of, split_stage
from pipelines.lake import Dataset, Lake
from pipelines.tables.stage import build, find
from tests.support.dumps import TEXT, documents_of


def lines(folder: Path, hosts: int) -> None:
    folder.mkdir(parents=True)
    rows = (json.dumps({"url": f"https://h{i % hosts}.org/{i}", "text": "x"}) for i in range(20))
    (folder / "a.jsonl").write_text("".join(row + "\n" for row in rows))


@pytest.mark.parametrize(("hosts", "expected"), [(4, "url"), (5, "group")])
def test_a_dump_of_fewer_groups_than_the_card_asks_for_is_split_by_url(
    lake: Lake, engine: InProcess, hosts: int, expected: str
) -> None:
    folder = Path(lake.root)
    lines(folder, hosts)
    card = DumpCard(name="d", kind="jsonl", uris=("a.jsonl",), min_groups=5)
    raw_dump = build(lake, engine, raw_dump_stage(card, folder)).dataset
    assert split_of(build(lake, engine, split_stage(card, raw_dump)).dataset) == expected


def test_records_are_read_only_when_the_stage_is_computed(
    lake: Lake, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(lake.root)
    lines(folder, 5)
    card = DumpCard(name="d", kind="jsonl", uris=("a.jsonl",), min_groups=5)
    raw_dump = build(lake, engine, raw_dump_stage(card, folder)).dataset
    read: list[Path] = []
    plain = split.read_records
    monkeypatch.setattr(split, "read_records", lambda path, *rest: read.append(path) or plain(path, *rest))
    stage = split_stage(card, raw_dump)
    assert find(lake, stage) is None and not read
    build(lake, engine, stage)
    assert len(read) == 1 and find(lake, split_stage(card, raw_dump)) is not None


def test_licence_and_category_do_not_change_the_split(lake: Lake, engine: InProcess) -> None:
    folder = Path(lake.root)
    lines(folder, 5)
    card = DumpCard(name="d", kind="jsonl", uris=("a.jsonl",))
    raw_dump = build(lake, engine, raw_dump_stage(card, folder)).dataset
    other = card.model_copy(update={"licence": "CC0", "category": "social"})
    assert split_stage(card, raw_dump).recompute_key == split_stage(other, raw_dump).recompute_key
    fewer = card.model_copy(update={"min_groups": 2})
    assert split_stage(card, raw_dump).recompute_key != split_stage(fewer, raw_dump).recompute_key


def write_pages(path: Path, sites: int, pages: int) -> None:
    made = [
        PageFile(
            f"https://s{k % sites}.invalid/{k}.html",
            "x",
            f"<html><title>T{k}</title><body>{TEXT * 2}{k}</body></html>".encode(),
        )
        for k in range(pages)
    ]
    write_warc(path, made, "2023-01-01T00:00:00Z")


def sides(dataset: Dataset) -> dict[str, dict[str, str]]:
    """Side by URL, by group."""
    found: dict[str, dict[str, str]] = {}
    for row in dataset.read(["group", "url", "side"]).to_pylist():
        found.setdefault(row["group"], {})[row["url"]] = row["side"]
    return found


def test_a_dump_of_few_sources_is_split_page_by_page_and_one_of_many_is_not(tmp_path: Path) -> None:
    write_pages(tmp_path / "in" / "a.warc.gz", sites=4, pages=80)
    lake = Lake(tmp_path)
    fields = {"kind": "warc", "uris": ["in/*.warc.gz"], "validation_share": 0.3}
    few = documents_of(lake, **fields, min_groups=5)
    assert few.manifest.parameters["split_by"] == "url"
    assert all(set(pages.values()) == {"train", "validation"} for pages in sides(few).values())
    many = documents_of(lake, **fields, min_groups=4)
    assert many.manifest.parameters["split_by"] == "group"
    assert all(len(set(pages.values())) == 1 for pages in sides(many).values())
    assert (
        few.stats["validation_documents"]
        == sum(s == "validation" for p in sides(few).values() for s in p.values())
        > 0
    )


def test_a_dump_that_grows_past_the_bound_is_split_by_source_and_nothing_taken_over_is_left_on_the_wrong_side(
    tmp_path: Path,
) -> None:
    lake = Lake(tmp_path)
    fields = {"kind": "warc", "uris": ["in/*.warc.gz"], "validation_share": 0.3, "min_groups": 6}
    write_pages(tmp_path / "in" / "a.warc.gz", sites=4, pages=40)
    assert documents_of(lake, **fields).manifest.parameters["split_by"] == "url"
    write_pages(tmp_path / "in" / "b.warc.gz", sites=7, pages=40)
    grown = documents_of(lake, **fields)
    assert grown.manifest.parameters["split_by"] == "group"
    assert all(len(set(pages.values())) == 1 for pages in sides(grown).values())
    fresh = documents_of(Lake(tmp_path / "other"), **{**fields, "uris": [str(tmp_path / "in" / "*.warc.gz")]})
    assert sides(fresh) == sides(grown)


def test_only_records_that_may_become_documents_count_as_groups(tmp_path: Path) -> None:
    write_pages(tmp_path / "in" / "a.warc.gz", sites=4, pages=40)
    blocked = documents_of(
        Lake(tmp_path), kind="warc", uris=["in/*.warc.gz"], min_groups=4, block=["s0.invalid"]
    )
    assert blocked.manifest.parameters["split_by"] == "url"
