from __future__ import annotations

import pytest

from pipelines.extraction.page_metadata import (
    MAX_TAG,
    attributes,
    date_in,
    headline,
    other_date,
    read_metadata,
    title_of,
)
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
    ("markup", "meta", "date"),
    [
        ("", {"property": "article:published_time", "content": "2023-4-5T10:00"}, "2023-04-05"),
        ("", {"itemprop": "datePublished", "content": "2021年12月31日 10:00"}, "2021-12-31"),
        ('<script>{"datePublished": "2020-02-03T00:00Z"}</script>', {}, "2020-02-03"),
        (r'<script>"{\"datePublished\":\"2020-02-03T00:00Z\"}"</script>', {}, "2020-02-03"),
        ('<time class=x datetime="2019/1/2">', {}, "2019-01-02"),
        ("", {"name": "date", "content": "yesterday"}, ""),
        ("", {"name": "date", "content": "2023-13-45"}, ""),
        ("", {"property": "article:modified_time", "content": "2023-01-05"}, ""),
    ],
)
def test_dates(markup: str, meta: dict[str, str], date: str) -> None:
    assert read_metadata(markup, "", {}, [meta]).date == date


def test_dates_that_stand_elsewhere() -> None:
    later = [{"property": "article:modified_time", "content": "2023-01-05"}]
    assert other_date("https://a.org/2024/05/06/x", ["June 1, 2020"], "", later) == "2024-05-06"
    assert other_date("https://a.org/x", ["By A. B.", "June 1st, 2020"], "", later) == "2020-06-01"
    assert other_date("", ["x" * 300 + " June 1, 2020"], "", later) == "2023-01-05"
    assert other_date("", [], '{"dateModified": "2022-02-03"}', []) == "2022-02-03"
    assert other_date("", [], "", []) == ""


@pytest.mark.parametrize(
    ("text", "date"),
    [
        *(("Posted 7 March 2021 by us", "2021-03-07"), ("Sept. 30, 2019", "2019-09-30")),
        *(("2023年6月8日", "2023-06-08"), ("May 45, 2020", ""), ("mayor 12, 2020", ""), ("12 2020", "")),
    ],
)
def test_written_dates(text: str, date: str) -> None:
    assert date_in(text) == date


SHARED = [{"property": "og:title", "content": "A day out - The Site"}]


@pytest.mark.parametrize(
    ("title", "metas", "headings", "expected"),
    [
        ("A day out | The Site", [], ["The Site", "A day out in May"], "A day out in May"),
        ("A day out | The Site", [], ["Subscribe now"], "A day out"),
        ("A day out - with all of our friends", [], [], "A day out - with all of our friends"),
        ("A day - The Site", SHARED, [], "A day out"),
        ("The Site: A day", [{"property": "og:site_name", "content": "The Site"}], [], "The Site: A day"),
        ("The Site | A day", [{"property": "og:site_name", "content": "The Site"}], [], "A day"),
        ("标题文字_新闻网", [], ["新闻网"], "标题文字"),
        ("A day out — The Guide", [], ["The Guide to It", "A day out¶"], "A day out"),
        ("A day out in May | Trips | The Site", [], [], "A day out in May"),
        ("A day | A much longer name of a site", [], [], "A day | A much longer name of a site"),
        *(("", [], ["Alone"], ""), ("Plain", [], [], "Plain")),
    ],
)
def test_titles_without_the_name_of_the_site(
    title: str, metas: list[dict[str, str]], headings: list[str], expected: str
) -> None:
    assert headline(title, metas, headings) == expected


def test_language_and_robots() -> None:
    metas = [{"name": "robots", "content": "NoIndex, nofollow"}, {"name": "tdm-reservation", "content": "1"}]
    head = read_metadata("", "t", {"xml:lang": "zh-CN"}, metas)
    assert (head.language, head.robots) == ("zh-cn", " robots=noindex, nofollow tdm-reservation=1")
    language = {"http-equiv": "Content-Language", "content": "en"}
    assert read_metadata("", "", {}, [language]).language == "en"


@pytest.mark.parametrize(
    "unit",
    [
        *("<time ", "<time datetime", "<time datetime=", "<time datetime = ", "<time" + " datetime=x" * 25),
        *("<title ", "<title", "<title a>", "<title>", '"datePublished"', '"datePublished" : "'),
    ],
)
def test_a_page_is_read_in_linear_time(unit: str) -> None:
    assert_linear(
        lambda markup: (
            title_of(markup),
            read_metadata(markup, "", {}, []),
            other_date(markup, [markup], markup, []),
        ),
        unit,
    )


@pytest.mark.parametrize("unit", ["aa", "aa=", 'aa="', "aa='\"", "aa   ", "a-", "aa=     ", "aa=&"])
def test_tags_are_read_in_linear_time(unit: str) -> None:
    assert_linear(
        lambda text: [attributes(text[at : at + MAX_TAG]) for at in range(0, len(text), MAX_TAG)], unit
    )
