from __future__ import annotations

import html
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.html import markup
from pipelines.extraction.html.names import GROUP_NAMES
from pipelines.extraction.html.tags import FNV, name_hash

Array = np.ndarray[Any, Any]


def data(text: str) -> Array:
    return np.frombuffer(text.encode(), np.uint8)


def groups(text: str) -> set[str]:
    """Names of the groups that the attributes after a tag's name belong to."""
    mask = int(markup.attributes(data(text), 0)[1])
    return {name for bit, name in enumerate(GROUP_NAMES) if mask >> bit & 1}


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


def test_attributes_end_where_the_tag_does() -> None:
    for text in (" a=\"x>y\" b='>' c=z>", " a >", ">", "/>", " a=b/>", " = = >"):
        assert markup.attributes(data(text + "<p>"), 0)[0] == len(text)
    assert markup.attributes(data(' a="never closed>'), 0)[0] > 10


def test_attributes_say_what_their_tag_does() -> None:
    def says(text: str) -> int:
        return int(markup.attributes(data(text), 0)[3])

    assert (
        says(" HREF=x>") == markup.LINKS
        and says("/>") == markup.CLOSES_ITSELF
        and says(' role="main">') == markup.IS_MAIN
    )
    assert says(" hidden>") == says(' style="x:1; DISPLAY : none">') == markup.HIDES
    assert says(' role="menu" style="display:block" data-hidden title="href" rel=/home>') == 0


def test_words_of_class_and_id_have_groups_and_their_digits_no_meaning() -> None:
    assert groups(' class="mainNav" id=FOOTER2>') == {"main", "nav", "footer"}
    assert groups(' data-class="nav" title="footer">') == set()
    hashes = [
        int(markup.attributes(data(f' class="{name}">'), 0)[2]) for name in ("post-12", "post-345", "port-12")
    ]
    assert hashes[0] == hashes[1] != hashes[2] and int(FNV) not in hashes
