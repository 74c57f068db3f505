"""Tokens of a text are those of the plain definition."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.quality.feature_tokens import SIZE, tokens_of
from pipelines.quality.shape import lines_of
from tests.support.plain_features import plain_features


def test_no_character_beyond_the_table_is_of_a_class() -> None:
    assert not any(c.isalnum() or c.isspace() for c in map(chr, range(SIZE, sys.maxunicode + 1)))


def test_every_character_alone_and_among_letters() -> None:
    chars = [chr(c) for c in range(SIZE) if not 0xD800 <= c < 0xE000]
    text = " ".join(form for c in chars if (form := unicodedata.normalize("NFKC", c).lower()) == c)
    for start in range(0, len(text), 1800):
        part = text[start : start + 1800].replace("\n", " ")
        plain = plain_features(part).split(" ")
        assert tokens_of(part).split(" ") == plain[: len(plain) - len(lines_of(part))]


@settings(max_examples=400, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.text(max_size=8),
            st.sampled_from(
                [
                    "\\alpha",
                    "\\\\beta",
                    "\\",
                    "1.5",
                    "3,,4",
                    "___",
                    "_a",
                    "中文",
                    "𠀀",
                    "a𠀀b",
                    "---",
                    "²",
                    "½",
                    "Ⅳ",
                    "x" * 30,
                    "x=" * 20,
                    "y" * 39 + "9",
                    "\u0660.٣,",
                    "é",
                    " ",
                ]
            ),
        ),
        max_size=12,
    )
)
def test_tokens_are_those_of_the_plain_definition(pieces: list[str]) -> None:
    text = unicodedata.normalize("NFKC", "".join(pieces).encode("utf-8", "replace").decode()).lower()[:900]
    tokens = plain_features(text).split(" ")
    kinds = len(lines_of(text))
    assert tokens_of(text) == " ".join(tokens[: len(tokens) - kinds])
