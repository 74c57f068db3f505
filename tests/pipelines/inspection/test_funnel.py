from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from pipelines.cards.checks import CheckBounds
from pipelines.cards.dump import DumpCard
from pipelines.engine import InProcess
from pipelines.inspection.funnel import (
    _judge_tail,
    as_table,
    damaged_files,
    funnel,
    judge_decisions,
    judge_edits,
    judge_fields,
    judge_ids,
    judge_rules,
    judge_sides,
    what_came,
)
from pipelines.lake import Lake
from tests.support.dumps import build_documents
from tests.support.judged import CHINESE, ENGLISH, MENU, judged


def test_the_funnel_counts_what_goes_in_and_out(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    rows = {r["stage"]: r for r in funnel(lake, "d")}
    assert rows["documents"]["out"] == rows["edits"]["in"] == 4
    kept = tables.need("decisions").stats
    assert (
        rows["decisions"]["in"] == 4
        and rows["decisions"]["out"] == kept["kept"]
        and rows["decisions"]["characters"] == kept["kept_chars"]
    )
    assert "| decisions | 4 |" in as_table(list(rows.values()))


def test_checks_hold_for_a_mixed_dump_and_fail_for_a_strange_one(lake: Lake, engine: InProcess) -> None:
    bounds = CheckBounds(min_documents=2)
    mixed = judged(lake, engine, "mixed", [[ENGLISH, CHINESE, MENU]])
    assert all(f.passed for f in judge_decisions(mixed.need("decisions"), mixed.signals["language"], bounds))
    assert all(f.passed for f in judge_edits(mixed.edits, bounds))
    menus = judged(lake, engine, "menus", [[MENU + str(k) for k in range(5)]])
    failed = {
        f.name
        for f in judge_decisions(menus.need("decisions"), menus.signals["language"], bounds)
        if not f.passed
    }
    assert {"keep_rate", "heaviest_reason"} <= failed
    assert "perplexity_tail" not in failed, "the policy drops no perplexity group here"
    counts = {"dropped": 100, "dropped_rejected": 0.1, "others": 900, "others_rejected": 0.2, "holds": False}
    assert not _judge_tail({"english": counts}).passed
    assert _judge_tail({"english": counts | {"dropped": 5}}).passed, "too few to say"
    kept = judged(lake, engine, "kept", [[ENGLISH, CHINESE]])
    assert "keep_rate" in {
        f.name
        for f in judge_decisions(kept.need("decisions"), kept.signals["language"], bounds)
        if not f.passed
    }


def test_bounds_of_the_lake_take_the_place_of_the_defaults(lake: Lake) -> None:
    assert CheckBounds.of(lake) == CheckBounds()
    lake.write_bytes("cards/checks.yaml", b"min_keep_rate: 0.5\n")
    assert CheckBounds.of(lake).min_keep_rate == 0.5


def test_a_dump_of_few_groups_is_named(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "one", [[ENGLISH, CHINESE]])
    (found,) = judge_sides(tables.documents, tables.card, CheckBounds(min_documents=2))
    assert not found.passed and "page by page" in found.meaning and found.numbers["validation_groups"] == 0
    assert judge_sides(tables.documents, tables.card, CheckBounds())[0].passed


def test_a_split_by_url_is_a_warning_however_many_sources_have_pages_on_the_validation_side(
    tmp_path: Path,
) -> None:
    rows = [
        {"url": f"https://s{k % 9}.invalid/{k}", "text": f"Text number {k}, long enough to be kept."}
        for k in range(80)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    lake, found = Lake(tmp_path), {}
    for bound in (9, 10):
        card = DumpCard(
            name=f"d{bound}", kind="jsonl", uris=("a.jsonl",), min_groups=bound, validation_share=0.5
        )
        built = build_documents(lake, InProcess(), card)
        (found[bound],) = judge_sides(
            built.dataset, card, CheckBounds(min_documents=2, min_validation_groups=1)
        )
    assert found[9].passed and not found[9].numbers["split_by_url"]
    assert (
        not found[10].passed
        and found[10].numbers["split_by_url"]
        and found[10].numbers["validation_groups"] == 9
    )


def test_ids_that_repeat_and_rules_that_covered_nothing_are_named(lake: Lake, engine: InProcess) -> None:
    documents = judged(lake, engine, "one", [[ENGLISH, CHINESE]]).documents
    assert judge_ids(documents).passed
    table = pa.concat_tables([documents.read()] * 2)
    twice = lake.publish("t", "d", version=1, write=lambda w: w.write_table("part-a.parquet", table)).dataset
    found = judge_ids(twice)
    assert not found.passed and found.numbers["repeated"] == documents.manifest.rows
    card = DumpCard(name="d", kind="warc", uris=("x",), block=("a.org", "b.org"))
    unused = judge_rules(documents, card)
    assert not unused.passed and "block a.org, block b.org" in unused.meaning
    assert judge_rules(documents, card.model_copy(update={"block": ()})).passed


def test_fields_that_a_card_names_and_no_row_has_are_named(tmp_path: Path) -> None:
    rows = [
        {"content": f"A text that is long enough {n}.", "meta": {"link": "https://a.invalid/"}}
        for n in (1, 2)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lake, found = Lake(tmp_path), {}
    cards = {
        "wrong": ({"text": "content", "url": "meta.url", "date": "when"}, "repo"),
        "right": ({"text": "content", "url": "meta.link"}, "host"),
    }
    for name, (fields, group) in cards.items():
        card = DumpCard.model_validate(
            {"name": name, "kind": "jsonl", "uris": ["a.jsonl"], "fields": fields, "group": group}
        )
        found[name] = judge_fields(build_documents(lake, InProcess(), card).dataset, card)
    assert found["right"].passed and not found["wrong"].passed
    assert found["wrong"].meaning == (
        "fields that the card names and no row has: url: meta.url, date: when, repo;"
        " rows have content, meta, meta.link"
    )


def test_what_came_says_what_to_do_about_lines_that_are_no_rows() -> None:
    said = what_came({"pages": 1, "documents": 1, "broken": {"not_utf-8": 3, "json": 2}})
    assert "3 broken/not_utf-8, 2 broken/json" in said
    assert "`charset: gb18030`" in said and "one object a line" in said
    assert "charset" not in what_came({"pages": 1, "documents": 1})


def test_a_file_is_named_for_each_kind_of_damage(tmp_path: Path) -> None:
    (tmp_path / "a b.jsonl").write_bytes(b'{"text": "A text that is long enough."}\n[]\n')
    (tmp_path / "b.jsonl").write_bytes(b"PK\x03\x04")
    (tmp_path / "c.jsonl").write_bytes(b'{"text": ""}\nno row\n')
    lake = Lake(tmp_path)
    card = DumpCard(name="d", kind="jsonl", uris=("*.jsonl",))
    documents = build_documents(lake, InProcess(), card).dataset
    files = damaged_files(lake.current("left_out", "d"))
    assert set(files) == {"broken/json", "broken/is_zip"} and files["broken/is_zip"] == "b.jsonl"
    assert "1 broken/is_zip ('b.jsonl')" in what_came(documents.stats, files)
