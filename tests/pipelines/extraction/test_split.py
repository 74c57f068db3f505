from __future__ import annotations

import json
from pathlib import Path

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.engine import InProcess
from pipelines.extraction import split
from pipelines.extraction.split import split_of, split_stage
from pipelines.lake import Lake
from pipelines.tables.stage import build, find


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
