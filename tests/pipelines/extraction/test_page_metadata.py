from __future__ import annotations

import pytest

from pipelines.extraction.page_metadata import attributes, read_metadata, title_of


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
