from __future__ import annotations

import pytest

from pipelines.extraction.page_metadata import (
    headline,
    read_metadata,
    title_of,
)
from tests.support.time_bounds import assert_linear


def test_titles_are_one_line_with_entities_decoded() -> None:
    assert title_of("<head><TITLE lang=en>\n Fish &amp;\n chips</title>") == "Fish & chips"
    assert title_of("<svg><title>icon</title></svg><title>Fish</title>") == "Fish"
    assert title_of("no title") == "" and title_of("<title>" * 50_000) == ""


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
        *(
            ("", [], ["Alone"], "Alone"),
            ("Plain", [], [], "Plain"),
            ("my_module - The Site", [], [], "my_module"),
        ),
        ("蜜蜂怎样跳舞_新闻_某某网", [], [], "蜜蜂怎样跳舞"),
        ("蜜蜂怎样跳舞--科技--人民网", [], [], "蜜蜂怎样跳舞"),
        ("蜜蜂怎样跳舞-某某", [{"property": "og:site_name", "content": "某某"}], [], "蜜蜂怎样跳舞"),
        ("蜜蜂-花的朋友", [], [], "蜜蜂-花的朋友"),
        ("A day out ‹ Site", [], [], "A day out"),
        ("A day out // The Site", [], [], "A day out"),
        (
            "The Site » Trips » A day out",
            [{"property": "og:site_name", "content": "The Site"}],
            [],
            "A day out",
        ),
        ("", [{"name": "twitter:title", "content": "A day out"}], [], "A day out"),
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
        lambda markup: (title_of(markup), read_metadata(markup, "", {}, [])),
        unit,
    )
