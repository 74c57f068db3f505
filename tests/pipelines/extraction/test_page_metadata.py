from __future__ import annotations

import pytest

from pipelines.extraction.page_metadata import MAX_TAG, attributes, read_metadata, title_of
from tests.support.time_bounds import assert_linear


def test_titles_are_one_line_with_entities_decoded() -> None:
    assert title_of("<head><TITLE lang=en>\n Fish &amp;\n chips</title>") == "Fish & chips"
    assert title_of("no title") == "" and title_of("<title>" * 50_000) == ""


def test_attributes_in_every_quoting() -> None:
    assert attributes("""<meta NAME = 'a' content="x &gt; y" data-z=q>""") == {
        "name": "a",
        "content": "x > y",
        "data-z": "q",
    }


@pytest.mark.parametrize(
    ("markup", "metas", "date"),
    [
        ("", ['<meta property="article:published_time" content="2023-4-5T10:00">'], "2023-04-05"),
        ("", ['<meta itemprop="datePublished" content="2021年12月31日 10:00">'], "2021-12-31"),
        ('<script>{"datePublished": "2020-02-03T00:00Z"}</script>', [], "2020-02-03"),
        ('<time class=x datetime="2019/1/2">', [], "2019-01-02"),
        ("", ['<meta name="date" content="yesterday">'], ""),
        ("", ['<meta name="date" content="2023-13-45">'], ""),
    ],
)
def test_dates(markup: str, metas: list[str], date: str) -> None:
    assert read_metadata(markup, "", "", metas).date == date


def test_language_and_robots() -> None:
    head = read_metadata(
        "",
        "t",
        '<html xml:lang="zh-CN">',
        ['<meta name=robots content="NoIndex, nofollow">', "<meta name='tdm-reservation' content=1>"],
    )
    assert (head.language, head.robots) == ("zh-cn", " robots=noindex, nofollow tdm-reservation=1")
    assert read_metadata("", "", "", ['<meta http-equiv="Content-Language" content="en">']).language == "en"


@pytest.mark.parametrize(
    "unit",
    [
        *("<time ", "<time datetime", "<time datetime=", "<time datetime = ", "<time" + " datetime=x" * 25),
        *("<title ", "<title", "<title a>", "<title>", '"datePublished"', '"datePublished" : "'),
    ],
)
def test_a_page_is_read_in_linear_time(unit: str) -> None:
    assert_linear(lambda markup: (title_of(markup), read_metadata(markup, "", "", [])), unit)


@pytest.mark.parametrize("unit", ["aa", "aa=", 'aa="', "aa='\"", "aa   ", "a-", "aa=     ", "aa=&"])
def test_tags_are_read_in_linear_time(unit: str) -> None:
    assert_linear(
        lambda text: [attributes(text[at : at + MAX_TAG]) for at in range(0, len(text), MAX_TAG)], unit
    )
