from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.urls import UrlRule, UrlRules, normal_url, without_secrets


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("https://user:pass@h.example/a", "https://h.example/a"),
        ("https://token@h.example/a@b", "https://h.example/a@b"),
        ("https://h.example/a@b?c=d@e", "https://h.example/a@b?c=d@e"),
        (
            "https://b.s3.amazonaws.com/k?X-Amz-Signature=1&X-Amz-Credential=2&x-id=3",
            "https://b.s3.amazonaws.com/k?x-id=3",
        ),
        ("https://h.example/k?a=1&Signature=x%2By&AWSAccessKeyId=z", "https://h.example/k?a=1"),
        ("https://h.example/k?sv=1&sig=abc", "https://h.example/k?sv=1"),
        ("https://h.example/k?access_token=abc#top", "https://h.example/k#top"),
        ("https://h.example/k?a=1&password=p&b=2", "https://h.example/k?a=1&b=2"),
        ("https://h.example/k?designsig=1&a=b", "https://h.example/k?designsig=1&a=b"),
        ("https://h.example/plain", "https://h.example/plain"),
        ("", ""),
    ],
)
def test_user_names_and_signatures_go_and_nothing_else(url: str, public: str) -> None:
    assert without_secrets(url) == public == without_secrets(public)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.org/a",
        "http://example.org/a",
        "http://example.org:80/a",
        "https://example.org:443/a/",
        "HTTPS://WWW.Example.ORG/a#part",
        "//example.org./a",
        "example.org/a",
        "https://user:pass@example.org/a",
        " https://example.org/%61 ",
    ],
)
def test_one_page_has_one_normal_form(url: str) -> None:
    assert normal_url(url) == "example.org/a"


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("https://例子.中国/", "https://xn--fsqu00a.xn--fiqs8s", True),
        ("https://BÜCHER.example/ä", "https://xn--bcher-kva.example/%c3%a4", True),
        ("https://a.b/?x=1", "http://a.b?x=1", True),
        ("https://a.b/c/?x=1", "http://a.b/c?x=1", True),
        ("https://a.b/C", "https://a.b/c", False),
        ("https://a.b/c?x=1", "https://a.b/c?x=2", False),
        ("https://a.b/%2F", "https://a.b//", False),
        ("https://a.b:8080/", "https://a.b/", False),
        ("https://www.b/", "https://b/", False),
        ("7", "8", False),
    ],
)
def test_what_tells_pages_apart(one: str, other: str, equal: bool) -> None:
    assert (normal_url(one) == normal_url(other)) == equal


@given(st.text(max_size=60))
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    made = normal_url("https://h.example/" + text)
    assert normal_url(made) == made


PAGES = {
    "https://example.org/": 1,
    "http://www.example.org/private": 2,
    "https://EXAMPLE.org/private/a.html": 3,
    "https://example.org/privateer": 4,
    "https://sub.example.org/private/b": 5,
    "https://notexample.org/private/": 6,
    "https://example.org:8443/private/c": 7,
    "https://例子.中国/x": 8,
    "https://xn--fsqu00a.xn--fiqs8s/y": 9,
}


@pytest.mark.parametrize(
    ("rule", "covered"),
    [
        ("example.org", {1, 2, 3, 4, 5, 7}),
        ("Example.org", {1, 2, 3, 4, 5, 7}),
        ("www.example.org", {1, 2, 3, 4, 5, 7}),
        ("https://example.org", {1, 2, 3, 4, 5, 7}),
        ("example.org/", {1, 2, 3, 4, 5, 7}),
        ("*.example.org", {5}),
        ("example.org/private/", {2, 3, 7}),
        ("https://www.example.org/private/", {2, 3, 7}),
        ("example.org/private", {2, 3, 4, 7}),
        ("*.example.org/private/", {5}),
        ("example.org:8443", {7}),
        ("例子.中国", {8, 9}),
        ("xn--fsqu00a.xn--fiqs8s", {8, 9}),
        ("org", {1, 2, 3, 4, 5, 6, 7}),
        ("xample.org", set()),
    ],
)
def test_a_rule_has_one_meaning(rule: str, covered: set[int]) -> None:
    rules = UrlRules([rule])
    assert {number for page, number in PAGES.items() if list(rules.covering(page)) == [rule]} == covered


@pytest.mark.parametrize(
    "rule",
    [
        "",
        " ",
        "*",
        "example.org/*",
        "example.org/*.pdf",
        "*example.org",
        "*.",
        "a*.org",
        "exa mple.org",
        "ftp://a.org",
        "https://",
        "a..org",
        "-a.org",
        "a.org#x",
        "a.org:99999",
        "/private/",
    ],
)
def test_a_rule_that_can_match_nothing_is_refused(rule: str) -> None:
    with pytest.raises(ValueError, match="can match no page"):
        UrlRule.parse(rule)


@pytest.mark.parametrize(
    "url",
    [
        "http://www.Example.com/A/b",
        "https://example.com/A/b/",
        " example.com/A/b#top",
        "HTTPS://EXAMPLE.COM/A/b",
    ],
)
def test_addresses_of_one_page_have_one_normal_form(url: str) -> None:
    assert normal_url(url) == "example.com/A/b"


def test_path_and_query_tell_pages_apart() -> None:
    assert normal_url("http://a.com/x?y=1") == "a.com/x?y=1" != normal_url("http://a.com/X?y=1")
    assert normal_url("http://a.com/") == "a.com"
