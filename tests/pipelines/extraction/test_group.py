from __future__ import annotations

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import Record
from pipelines.extraction.group import group_of, host_and_path


def record(url: str, **fields: object) -> Record:
    return Record(0, url, fields=fields)


@pytest.mark.parametrize(
    ("group", "expected"),
    [
        ("host", "h.org"),
        ("host/1", "h.org/a"),
        ("host/2", "h.org/a/b"),
        ("url", "h.org/a/b/c.html"),
        ("thread", "7"),
        ("absent", "h.org"),
    ],
)
def test_a_group_is_what_the_card_names(group: str, expected: str) -> None:
    card = DumpCard(name="d", kind="jsonl", uris=("x",), group=group)
    url = "https://H.org/a/b/c.html"
    assert group_of(record(url, thread=7), card, *host_and_path(url)) == expected


def test_a_field_that_is_empty_falls_back_to_host_then_url() -> None:
    card = DumpCard(name="d", kind="jsonl", uris=("x",), group="thread")
    assert group_of(record("mail:1", thread=""), card, "", "") == "mail:1"


def test_a_url_that_is_not_readable_has_no_host() -> None:
    assert host_and_path("http://[half") == ("", "")
    assert host_and_path("https://WWW.Example.org:80/a?b") == ("www.example.org", "/a")


def test_www_and_the_spelling_of_a_name_make_no_group_of_their_own() -> None:
    card = DumpCard(name="d", kind="warc", uris=("x",))
    for pair in (
        ("https://www.h.org/", "http://H.org/a"),
        ("https://例子.中国/", "https://www.xn--fsqu00a.xn--fiqs8s/"),
    ):
        one, other = (group_of(record(url), card, *host_and_path(url)) for url in pair)
        assert one == other
