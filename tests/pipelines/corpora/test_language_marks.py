"""Marks of languages in addresses as sites write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.urls import normal_url
from pipelines.corpora.language_marks import BOTH, marked


@pytest.mark.parametrize(
    ("url", "plain", "language", "rule", "tag"),
    [
        ("https://www.a.org/en/guide/start.html", "a.org/guide/start.html", "en", "path", "en"),
        ("https://a.org/zh-cn/guide/start.html", "a.org/guide/start.html", "zh", "path", "zh-cn"),
        ("https://a.org/docs/zh-Hans/latest/", "a.org/docs/latest", "zh", "path", "zh-hans"),
        ("https://a.org/docs/zh_CN/x", "a.org/docs/x", "zh", "path", "zh-cn"),
        ("https://a.org/en-US", "a.org", "en", "path", "en-us"),
        ("https://a.org/cn/", "a.org", "zh", "path", "cn"),
        ("https://en.a.org/x", "a.org/x", "en", "host", "en"),
        ("http://cn.a.org/x?id=3", "a.org/x?id=3", "zh", "host", "cn"),
        ("https://zh-hant.a.org/x", "a.org/x", "zh", "host", "zh-hant"),
        ("https://a.org/x?lang=zh-CN&id=3", "a.org/x?id=3", "zh", "query", "zh-cn"),
        ("https://a.org/x?hl=en", "a.org/x", "en", "query", "en"),
        ("https://a.org/x?locale=zh%5FTW", "a.org/x", "zh", "query", "zh-tw"),
        ("https://a.org/api/add_cn.rst", "a.org/api/add.rst", "zh", "suffix", "cn"),
        ("https://a.org/api/add_en.html", "a.org/api/add.html", "en", "suffix", "en"),
        ("https://a.org/readme.zh.html", "a.org/readme.html", "zh", "suffix", "zh"),
        ("https://a.org/README-cn.md", "a.org/README.md", "zh", "suffix", "cn"),
        ("https://a.org/README.zh-CN.md", "a.org/README.md", "zh", "suffix", "zh-cn"),
        ("https://zh.a.org/zh-cn/x", "a.org/x", "zh", "path+host", "zh-cn"),
    ],
)
def test_a_mark_is_taken_out_and_named(url: str, plain: str, language: str, rule: str, tag: str) -> None:
    found = marked(url)
    assert (found.plain, found.language, found.tag) == (plain, language, tag)
    assert set(found.rule.split("+")) == set(rule.split("+"))


@pytest.mark.parametrize(
    "url",
    [
        "https://a.org/guide/start.html",
        "https://en.com/x",  # a domain of its own
        "https://a.cn/english/zhang",
        "https://a.org/fr/en-tete",
        "https://a.org/x?q=en",
        "https://a.org/garden/taken.html",
        "",
    ],
)
def test_what_is_no_mark_stays(url: str) -> None:
    assert marked(url) == (normal_url(url), "", "", "")


def test_marks_of_both_languages_are_ambiguous() -> None:
    assert marked("https://zh.a.org/en/x").language == BOTH
    assert marked("https://a.org/en/x?lang=zh").language == BOTH


@given(st.text(), st.sampled_from(["a.org/{}", "en.a.org/zh/{}?lang={}", "https://{}/x_cn.md", "{}"]))
def test_any_text_is_an_address(text: str, form: str) -> None:
    found = marked(form.replace("{}", text))
    assert (found.rule == "") == (found.language in ("", BOTH))
    assert found.language or found.plain == normal_url(form.replace("{}", text))
