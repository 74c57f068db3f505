from __future__ import annotations

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import Record
from pipelines.extraction.selection import reason_left_out

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
