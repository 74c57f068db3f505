"""The compiled form of a text is Python's, for every character and beside every other."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.kernels.folding import COMPATIBILITY, LONGEST, SIZE, folded, joining


def plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).lower()


def zeros(text: str) -> str:
    return "".join("0" if char.isdigit() else char for char in text)


CHARACTERS = [chr(c) for c in range(sys.maxunicode + 1) if not 0xD800 <= c < 0xE000]


@pytest.mark.parametrize("frame", ["{}", "a{}b", "É{}\u0301", "가{}", "ａ{}Σ"])
def test_every_character_is_folded_as_python_folds_it(frame: str) -> None:
    texts = [frame.format(char) for char in CHARACTERS if ord(char) < SIZE + 0x100]
    assert folded(texts) == list(map(plain, texts))
    assert folded(texts, zeros=True) == list(map(zeros, map(plain, texts)))


def test_characters_beyond_the_table_keep_their_form_but_those_named() -> None:
    beyond = [c for c in CHARACTERS[SIZE - 0x800 :] if not COMPATIBILITY[0] <= ord(c) < COMPATIBILITY[1]]
    assert all(plain(c) == c for c in beyond if ord(c) >= SIZE)
    assert not any(unicodedata.combining(c) or unicodedata.decomposition(c) for c in beyond if ord(c) >= SIZE)
    assert folded([chr(COMPATIBILITY[0]), chr(0x20001)]) == [plain(chr(COMPATIBILITY[0])), chr(0x20001)]


def test_no_character_becomes_longer_than_the_room_that_is_kept() -> None:
    assert max(len(plain(c).encode()) for c in CHARACTERS) <= LONGEST


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.text(st.one_of(st.sampled_from("aÉe\u0301Σσ각ｶﾞﷺÅ…①　日"), st.characters())), max_size=6))
@example(["", "ΑΣ ΑΣΑ", "e\u0301", "\uf900x", "\ufdfa" * 300, "日本" * 400, "plain ASCII 2026 ②３"])
def test_any_texts_are_folded_as_python_folds_them(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    assert folded(texts) == list(map(plain, texts))
    assert folded(texts, zeros=True) == list(map(zeros, map(plain, texts)))


def test_marks_and_finals_join_what_stands_before_them() -> None:
    assert {"\u0301", "\u1161", "\u11a8", "\u3099"} <= joining() and "a" not in joining()
