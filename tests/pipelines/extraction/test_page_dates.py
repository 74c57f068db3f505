from __future__ import annotations

import pytest

from pipelines.extraction.page_dates import date_in, other_date, published
from tests.support.time_bounds import assert_linear


@pytest.mark.parametrize(
    ("markup", "meta", "date"),
    [
        ("", {"property": "article:published_time", "content": "2023-4-5T10:00"}, "2023-04-05"),
        ("", {"itemprop": "datePublished", "content": "2021年12月31日 10:00"}, "2021-12-31"),
        ('<script>{"datePublished": "2020-02-03T00:00Z"}</script>', {}, "2020-02-03"),
        (r'<script>"{\"datePublished\":\"2020-02-03T00:00Z\"}"</script>', {}, "2020-02-03"),
        ('<time class=x datetime="2019/1/2">', {}, "2019-01-02"),
        (
            '<time class=updated datetime=2022-01-02><time class="entry-date" datetime=2021-01-02>',
            {},
            "2021-01-02",
        ),
        ("<time datetime=2022-01-02><time pubdate datetime=2021-01-02>", {}, "2021-01-02"),
        ('<span itemprop="datePublished" content="2021-03-04">x</span>', {}, "2021-03-04"),
        ("<span class=a itemprop=datePublished>4 March 2021</span>", {}, "2021-03-04"),
        ("", {"name": "pubdate", "content": "20210304"}, "2021-03-04"),
        ("", {"name": "date", "content": "2021-02-31"}, ""),
        ("", {"name": "date", "content": "yesterday"}, ""),
        ("", {"name": "date", "content": "2023-13-45"}, ""),
        ("", {"property": "article:modified_time", "content": "2023-01-05"}, ""),
    ],
)
def test_dates(markup: str, meta: dict[str, str], date: str) -> None:
    assert published(markup, [meta]) == date


def test_dates_that_stand_elsewhere() -> None:
    later = [{"property": "article:modified_time", "content": "2023-01-05"}]
    assert other_date("https://a.org/2024/05/06/x", ["June 1, 2020"], "", later) == "2024-05-06"
    assert other_date("https://a.org/x", ["By A. B.", "June 1st, 2020"], "", later) == "2020-06-01"
    assert other_date("", ["x" * 300 + " June 1, 2020"], "", later) == "2023-01-05"
    assert other_date("", [], '{"dateModified": "2022-02-03"}', []) == "2022-02-03"
    assert other_date("", [], "", []) == ""


def test_a_date_beside_others_is_that_of_publication() -> None:
    lines = ["Last updated: Jan 9, 2023", "Copyright 2022-01-01", "Published: Mar 4, 2021"]
    assert other_date("", lines, "", []) == "2021-03-04"
    assert other_date("", lines[:2], "", []) == "2023-01-09"
    assert other_date("", ["更新于 2023年1月9日，发布于 2021 年 3 月 4 日"], "", []) == "2021-03-04"
    assert other_date("", ["版权所有 2020-01-01", "报名截止 2024-01-01"], "", []) == ""


@pytest.mark.parametrize(
    ("text", "date"),
    [
        *(("Posted 7 March 2021 by us", "2021-03-07"), ("Sept. 30, 2019", "2019-09-30")),
        *(("04.03.2021", "2021-03-04"), ("24/03/2021", "2021-03-24"), ("on 03/24/2021", "2021-03-24")),
        *(("3/4/2021", ""), ("5/5/2021", "2021-05-05"), ("04-Mar-2021", "2021-03-04"), ("1.2.3.2021", "")),
        *(
            ("the 4th of March, 2021", "2021-03-04"),
            ("id 12021-03-04", ""),
            ("20210304T101500Z", "2021-03-04"),
        ),
        *(("2023年6月8日", "2023-06-08"), ("May 45, 2020", ""), ("mayor 12, 2020", ""), ("12 2020", "")),
    ],
)
def test_written_dates(text: str, date: str) -> None:
    assert date_in(text) == date


@pytest.mark.parametrize(
    "unit",
    [
        *("<time ", "<time datetime", "<time datetime=", "<time datetime = ", "<time" + " datetime=x" * 25),
        *('"datePublished"', '"datePublished" : "', "<a itemprop=datePublished ", "1.1.", "<a "),
    ],
)
def test_dates_are_looked_for_in_linear_time(unit: str) -> None:
    assert_linear(
        lambda markup: (published(markup, []), other_date(markup, [markup], markup, [])),
        unit,
    )
