from __future__ import annotations

import json
from pathlib import Path

import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import Record
from pipelines.extraction.selection import reason_left_out
from pipelines.inspection.explain import explain
from pipelines.inspection.funnel import judge_rules
from pipelines.lake import Lake
from tests.support.dumps import TEXT, documents_of

URL = "https://a.b.org/news/1.html"


@pytest.mark.parametrize(
    ("lists", "reason"),
    [
        ({}, ""),
        ({"block": ("b.org",)}, "block_list"),
        ({"block": ("xb.org", "b.or", "c.org")}, ""),
        ({"block": ("https://a.b.org/news/",)}, "block_list"),
        ({"allow": ("b.org",)}, ""),
        ({"allow": ("c.org",)}, "allow_list"),
        ({"allow": ("b.org",), "block": ("a.b.org",)}, "block_list"),
    ],
)
def test_lists_name_hosts_with_their_subdomains_and_prefixes(lists: dict[str, object], reason: str) -> None:
    card = DumpCard.model_validate({"name": "d", "kind": "warc", "uris": ["x"], **lists})
    assert reason_left_out(Record(0, URL), card) == reason


def test_only_pages_and_plain_text_are_read_unless_the_record_has_its_text() -> None:
    card = DumpCard(name="d", kind="warc", uris=("x",))
    assert reason_left_out(Record(0, URL, content_type="image/png"), card) == "content_type"
    assert reason_left_out(Record(0, URL, content_type="image/png", text="t"), card) == ""
    assert reason_left_out(Record(0, URL, content_type="text/plain"), card) == ""


def test_every_rule_that_covers_a_page_is_told() -> None:
    lists = {"allow": ("b.org", "c.org"), "block": ("a.b.org/news/", "*.b.org", "x.org")}
    card = DumpCard.model_validate({"name": "d", "kind": "warc", "uris": ["x"], **lists})
    told: list[str] = []
    assert reason_left_out(Record(0, URL), card, told.append) == "block_list"
    assert sorted(told) == ["allow b.org", "block *.b.org", "block a.b.org/news/"]


LISTED = {
    "https://example.org/": "",
    "http://www.example.org/private/a": "block_list",
    "https://example.org/privateer": "",
    "https://sub.example.org/private/a": "",
    "https://Ads.Example.ORG/x": "block_list",
    "https://far.ads.example.org/x": "block_list",
    "https://a.tracker.invalid/": "block_list",
    "https://tracker.invalid/": "",
    "https://xn--fsqu00a.xn--fiqs8s/y": "block_list",
    "https://example.org:8443/x": "block_list",
    "https://elsewhere.invalid/": "allow_list",
}
"""Addresses and why they are left out by the lists below."""


@pytest.mark.parametrize("kind", ["warc", "jsonl"])
def test_lists_leave_out_what_they_say_from_the_files_to_the_answer_about_a_page(
    tmp_path: Path, kind: str
) -> None:
    if kind == "warc":
        pages = [PageFile(url, "x", f"<title>T</title>{TEXT}".encode()) for url in LISTED]
        write_warc(tmp_path / "a.warc", pages, "2023-01-01T00:00:00Z")
    else:
        rows = [{"url": url, "text": TEXT} for url in LISTED]
        (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    lists = {
        "allow": ["example.org", "tracker.invalid", "例子.中国", "never.invalid"],
        "block": [
            "https://example.org/private/",
            "ads.example.org",
            "*.tracker.invalid",
            "例子.中国",
            "example.org:8443",
            "example.org/none/",
        ],
    }
    lake = Lake(tmp_path)
    dataset = documents_of(lake, kind=kind, uris=[f"a.{kind}"], **lists)
    assert sorted(dataset.read()["url"].to_pylist()) == sorted(u for u, why in LISTED.items() if not why)
    assert dataset.stats["skipped"] == {"block_list": 6, "allow_list": 1}
    card = DumpCard.model_validate({"name": "d", "kind": kind, "uris": ["x"], **lists})
    unused = judge_rules(dataset, card)
    assert not unused.passed and unused.numbers == {"rules": 10, "unused": 2}
    assert unused.meaning.endswith(": allow never.invalid, block example.org/none/")
    for url, why in LISTED.items():
        said = "\n".join(explain(lake, url, dumps=("d",)))
        assert (f"left out: skipped/{why} (the card's" in said) if why else "  documents   a." in said
