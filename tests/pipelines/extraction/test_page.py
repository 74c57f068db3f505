from __future__ import annotations

import time
from pathlib import Path

import pytest

from pipelines.extraction.html.tree import MAX_DEPTH, MAX_ELEMENTS
from pipelines.extraction.page import extract

PAGE_KINDS = sorted((Path(__file__).parent / "page_kinds").glob("*.html"))
PAGE = """<!DOCTYPE html><html lang="zh-CN"><head><title>测试标题</title>
<meta name="robots" content="noarchive">
<meta property="article:published_time" content="2023-04-05T10:00:00+08:00"><style>p{{}}</style></head><body>
<div class="header nav"><ul><li><a href="/">首页</a></li>
<li><a href="/n">新闻</a></li><li><a href="/s">体育</a></li></ul></div>
<div id="content" class="article"><h1>测试标题</h1>{body}<script>var x = "不要这个";</script></div>
<div class="sidebar"><h3>相关阅读</h3><ul><li><a href="/1">另一条新闻的标题在这里</a></li></ul></div>
<div class="footer">版权所有 京ICP备12345号 联系我们</div></body></html>"""
PARAGRAPH = "<p>这是正文的一段话，说明了事情的经过，也给出了必要的数字和日期，读者可以从中了解全貌。</p>"


def test_main_text_without_navigation_and_contact_lines() -> None:
    page = extract(PAGE.format(body=PARAGRAPH * 3))
    assert page.text.count("这是正文的一段话") >= 1 and page.text.startswith("测试标题")
    for noise in ("首页", "相关阅读", "另一条新闻", "版权所有", "不要这个"):
        assert noise not in page.text
    assert (page.title, page.date, page.language) == ("测试标题", "2023-04-05", "zh-cn")
    assert "robots=noarchive" in page.robots


def test_code_keeps_its_lines_and_tables_their_rows() -> None:
    body = (
        PARAGRAPH
        + "<pre>def f():\n    return 1</pre><table><tr><td>甲</td><td>一百二十三，四</td></tr></table>"
        + PARAGRAPH.replace("一段", "二段")
    )
    text = extract(PAGE.format(body=body)).text
    assert "def f():\n    return 1" in text
    assert "甲 一百二十三，四" in text


def test_anchor_without_address_is_no_link() -> None:
    paragraph = (
        "This sentence stands in an anchor that XHTML closes and HTML does not, and it is main text too."
    )
    assert (
        paragraph
        in extract(
            f"<html><body><h1><a id='x'/>Head</h1><p>{paragraph}</p><p>{paragraph} Again.</p></body></html>"
        ).text
    )


def test_no_markup_makes_it_raise_or_hang() -> None:
    started = time.monotonic()
    for markup in (
        "",
        "\0",
        "<",
        "<div>" * 100_000 + "text",
        "<a " * 20_000,
        "<p>x</p>" * MAX_ELEMENTS,
        "\x00\x01\x02" * 1000,
        "<table>" * 5000 + "x",
        "<b>" * 20_000 + "x",
    ):
        page = extract(markup)
        assert isinstance(page.text, str)
    assert time.monotonic() - started < 30
    assert "nodes" in extract("<p>x</p>" * MAX_ELEMENTS).cut
    assert "depth" in extract("<div>" * (MAX_DEPTH + 1) + "text").cut


def test_a_page_in_its_noscript_element_is_read() -> None:
    shell = "<body><section id='main'></section><noscript>{}</noscript><div>Loading</div></body>"
    assert extract(shell.format(PARAGRAPH * 20)).text.count("这是正文的一段话") == 20
    image = "<noscript><img src='" + "x" * 2000 + "'></noscript>"
    assert "<img" not in extract(PAGE.format(body=PARAGRAPH * 3 + image)).text
    assert (
        extract(PAGE.format(body=PARAGRAPH * 30 + f"<noscript>{PARAGRAPH}</noscript>")).text.count("全貌")
        == 30
    )


@pytest.mark.parametrize("path", PAGE_KINDS, ids=lambda path: path.stem)
def test_pages_of_many_frameworks_and_communities(path: Path) -> None:
    """Pages written by hand as known software writes them; the first comment of each says what a reader
    keeps (strings under KEPT, a line each) and what is around it (under LEFT OUT)."""
    said, markup = path.read_text(encoding="utf-8").removeprefix("<!-- KEPT\n").split("\n-->\n", 1)
    kept, _, left_out = said.partition("LEFT OUT")
    text = " ".join(extract(markup).text.split())
    assert [line for line in kept.split("\n") if " ".join(line.split()) not in text] == []
    assert [line for line in left_out.split("\n") if line and line in text] == []
