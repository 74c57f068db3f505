from __future__ import annotations

import numpy as np
import pytest

from pipelines.extraction.blocks.asides import MIN_LEFT, is_aside, without_asides
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.markdown.lines import block_text

LONG = "<p>" + "The paragraph goes on with what the page is about. " * 6


def left_of(markup: str) -> list[str]:
    """The texts of a page's blocks that stay, all of them chosen before."""
    data = markup.encode()
    array = np.frombuffer(data, np.uint8)
    elements, blocks, segments, *_ = tree.parse(array, text_words(""), False)
    left = without_asides(np.ones(len(blocks), np.bool_), array, elements, blocks, segments)
    runs = segments.tolist()
    return [
        block_text(data, runs[b[1] : b[2]]) for b, stays in zip(blocks.tolist(), left, strict=True) if stays
    ]


def test_credits_go_and_captions_stay() -> None:
    for line in (
        "Photo: Ann Lee / Harbour Press",
        "(Foto: Karl Weber)",
        "Bild: dpa",
        "Photo by Jane Roe on Unsplash",
        "Crédit photo : Marie Dupont",
        "Main image credit: North Sea Archive",
        "Source: seastats.org",
        "Quelle: Bundesamt für Schifffahrt, 2021",
        "Illustration via Pixabay",
        "© Photo: Ann Lee",
    ):
        assert is_aside(line, len(line.split()), 0.0), line
    for line in (
        "Photos of the harbour show what the storm left: nothing.",
        "Images: how to choose a format",
        "The picture by the window is older than the house.",
        "Sources say: the vote is off",
        "Source code: see the repository",
        "A ship leaves the harbour of Kiel on Monday.",
        "Copyright protects the form, not the idea.",
        "Photo editing: the basics",
    ):
        assert not is_aside(line, len(line.split()), 0.0), line


def test_pointers_go_where_they_are_links() -> None:
    for line in (
        "Read more: How tides are measured",
        "Also read: Ten harbours in the north",
        "RELATED: A short history of the port",
        "You might also like: Boats for beginners",
        "Auch lesen: Zehn Häfen im Norden",
        "Lesen Sie auch: Wie Ebbe und Flut gemessen werden",
        "À lire aussi : dix ports du Nord",
        "Te puede interesar: diez puertos del norte",
        "Leggi anche: dieci porti del nord",
        "延伸阅读：十个北方港口",
        "Next message: [harbour-dev] Build fails",
        "上一篇：怎样测量潮汐",
        "推荐阅读｜怎样测量潮汐".replace("｜", "|"),
    ):
        assert is_aside(line, 12, 0.8), line
        assert not is_aside(line, 12, 0.0), line
    for line in (
        "Related work: tides in numerical models",
        "More than 300: the count so far",
        "See: chapter two",
    ):
        assert not is_aside(line, 12, 0.8), line


def test_calls_to_subscribe_and_to_sign_in_go() -> None:
    for line in (
        "Sign up for our free weekly newsletter.",
        "Get the best of the harbour delivered straight to your inbox!",
        "Want more stories like this? Subscribe to our newsletter.",
        "Jetzt unseren Newsletter abonnieren",
        "You must be logged in to post a comment.",
        "Log in or register to comment",
        "Um einen Kommentar zu schreiben, müssen Sie angemeldet sein.",
        "登录后才能发表评论",
        "欢迎关注港口日报公众号",
    ):
        assert is_aside(line, 12, 0.0), line
    assert is_aside("Follow us on Facebook, Instagram and X", 8, 0.4)
    for line in (
        "Newsletters are the oldest form of the trade press.",
        "I logged in and left a comment about the tides.",
        "Signed comments are kept for ten years.",
        "Likes on Facebook fell by a third.",
        "Getting started with the mail server",
        "Register each vessel before the season begins.",
    ):
        assert not is_aside(line, 12, 0.0), line
    assert not is_aside("Like Twitter, the network on which he wrote had no editors", 11, 0.3)


@pytest.mark.parametrize("line", ["Photo: Ann Lee", "Read more: <a href='/x'>Ten harbours in the north</a>"])
def test_a_line_goes_from_paragraphs_and_stays_in_cells_headings_and_code(line: str) -> None:
    words = "Photo: Ann Lee" if line.startswith("Photo") else "Read more: Ten harbours in the north"
    assert words not in left_of(f"{LONG}<p>{line}</p>{LONG}")
    for markup in (f"<table><tr><td>{line}</td></tr></table>", f"<h3>{line}</h3>", f"<pre>{line}</pre>"):
        assert any(words in text for text in left_of(LONG + markup + LONG))


def test_a_page_of_such_lines_alone_keeps_them() -> None:
    page = "<p>Photo: Ann Lee</p><p>A harbour at night.</p>"
    assert left_of(page) == ["Photo: Ann Lee", "A harbour at night."]
    assert len(left_of(page + "<p>" + "word " * MIN_LEFT)) == 2
