"""References are read as the standard library reads them."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction.markdown import entities
from pipelines.extraction.markdown.entities import unescape

PIECES = (
    "& &amp; &amp;lt; &lt &notit; &not; &#x4E2D; &#20013 &#0; &#x110000; &#128; "
    "&nosuch; &; &# &#x; a ; ; 中 \t"
)


@given(st.lists(st.sampled_from(PIECES.split(" ")) | st.text(max_size=3), max_size=8).map("".join))
def test_as_the_standard_library(text: str) -> None:
    assert unescape(text) == unescape(text) == html.unescape(text)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entities, "_KNOWN", entities._Known())
    monkeypatch.setattr(entities, "MAX_KNOWN", 10)
    assert unescape("".join(f"&#{n};" for n in range(0x4E00, 0x4E40))) == "".join(
        map(chr, range(0x4E00, 0x4E40))
    )
    assert len(entities._KNOWN) == 10
