from __future__ import annotations

import numpy as np
import pytest

from pipelines.extraction.html.code_marks import (
    begins_with_line,
    is_text_alone,
    noscript_is_read,
    style_shows_code,
)
from tests.support.html_pages import kinds, texts


@pytest.mark.parametrize(
    ("style", "shows"),
    [
        ("font-family: Consolas, monospace; white-space: pre;", True),
        ("WHITE-SPACE:PRE;font-family:Menlo", True),
        ("white-space:pre !important; font-family: Courier New", True),
        ("white-space: pre-wrap; font-family: monospace", False),
        ("white-space: pre; font-family: Arial", False),
        ("font-family: monospace; display: block; color: red", False),
    ],
)
def test_a_style_that_keeps_spaces_of_a_fixed_font_shows_code(style: str, shows: bool) -> None:
    data = np.frombuffer(style.encode(), np.uint8)
    assert style_shows_code(data, 0, data.size) == shows
    assert kinds(f'<div style="{style}">a<br>b</div>')[0][1] == ("pre" if shows else "div")


def test_what_stands_behind_a_tag() -> None:
    for text, pre, line in (
        ("\n <PRE x", True, False),
        ('<div class="line">', False, True),
        ("<p", False, False),
    ):
        data = np.frombuffer(text.encode(), np.uint8)
        assert (noscript_is_read(data, 0), begins_with_line(data, 0)) == (pre, line)


def test_text_alone_ends_at_an_end_tag() -> None:
    for text, alone in (("x^2</b>", True), ("x<sup>", False), ("</b>", False), ("x", False)):
        assert is_text_alone(np.frombuffer(text.encode(), np.uint8), 0) == alone


def test_a_noscript_that_noscript_is_read_is_read_and_others_are_not() -> None:
    assert texts("<p>a</p><noscript><pre>b\n c</pre></noscript><p>d</p>") == ["a", "b\n c", "d"]
    assert texts("<p>a</p><noscript><img src=x>b</noscript><p>d</p>") == ["a", "d"]


def test_raw_text_that_is_code_is_a_block_of_code() -> None:
    assert kinds("<p>a<xmp>x <b>\n y</xmp>c</p>") == [("a", "p"), ("x <b>\n y", "pre"), ("c", "p")]
    shown = '<textarea name="code" class="java">a &lt; b</textarea>'
    assert kinds(f"<p>a</p>{shown}")[1] == ("a &lt; b", "pre")
    for hidden in ("<textarea name=code>a</textarea>", "<textarea name=comment class=x>a</textarea>"):
        assert texts(hidden) == []
    assert texts("<div hidden><xmp>a</xmp></div><xmp></xmp>") == []


def test_slides_are_no_code() -> None:
    assert kinds('<div class="fragment"><p>a</p></div>') == [("a", "p")]
    assert kinds('<div class="fragment"><div class="line">a</div></div>') == [("a", "pre")]
