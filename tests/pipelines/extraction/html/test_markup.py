from __future__ import annotations

import html
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.html import markup
from pipelines.extraction.html.tags import name_hash

Array = np.ndarray[Any, Any]


def data(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


@settings(deadline=None)  # the first example may compile
@given(st.characters(exclude_categories=["Cs"], exclude_characters="&", max_codepoint=0xFFFF))
def test_a_character_is_its_bytes_and_code_point(char: str) -> None:
    assert markup.character(data(char + "x"), 0) == (len(char.encode()), ord(char))


@settings(deadline=None)  # the first example may compile
@given(
    st.integers(33, 0xFFFF).filter(lambda p: not 0xD800 <= p <= 0xDFFF and html.unescape(f"&#{p};") == chr(p))
)
def test_a_numeric_entity_is_the_character_that_it_names(point: int) -> None:
    for text in (f"&#{point};", f"&#x{point:x};", f"&#X{point:X};"):
        assert markup.character(data(text + "x"), 0) == (len(text), point)


def test_what_is_no_entity_is_the_sign_alone() -> None:
    for text in ("&", "& ", "&amp", "&;x"[:1], "&-;", "&" + "a" * 20 + ";"):
        assert markup.character(data(text), 0) == (1, ord("&"))
    assert markup.character(data("&eacute;"), 0) == (8, ord("&")) and markup.character(data("&nbsp;"), 0) == (
        6,
        0xA0,
    )


def test_comments_and_declarations_end_where_html_ends_them() -> None:
    for text in (
        "<!-- <p> -- > -->",
        "<!-->",
        "<!--->",
        "<!---->",
        "<!DOCTYPE html>",
        "<?php x ?>",
        "<![CDATA[ <p> > ]]>",
        "<!-- open",
    ):
        end = markup.skip_declaration(data(text + "<b>"), 1, True)
        assert end == len(text) if "open" not in text else end > len(text)


def test_names_end_at_spaces_slashes_and_the_tag_end() -> None:
    for text in ("My-Tag x", "my-tag/>", "MY-TAG>"):
        assert markup.tag_name(data(text), 0) == (6, name_hash("my-tag"), True)


def test_raw_text_ends_at_its_own_end_tag_only() -> None:
    page = "<script>a<b </scrip> </SCRIPT>"
    assert markup.skip_raw(data(page), 8, 1, 7) == page.index("</SCRIPT")
    assert markup.skip_raw(data("<style>p{}"), 7, 1, 6) == 10


@pytest.mark.parametrize("size", [0, 1, 63, 64, 65, 200])
def test_the_next_of_two_bytes_is_found_wherever_it_stands(size: int) -> None:
    for at in range(size):
        page = np.full(size, 46, np.uint8)
        page[at] = 62
        assert markup.next_of(page, 0, 60, 62) == at == markup.next_of(page, at, 62, 62)
        assert markup.next_of(page, at + 1, 60, 62) == size == markup.next_of(page, 0, 60, 60)
    assert markup.next_of(np.zeros(0, np.uint8), 0, 60, 62) == 0
