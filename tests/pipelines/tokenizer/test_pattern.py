"""How text is cut before merges: nothing is lost, and the classes are what they say."""

from __future__ import annotations

import unicodedata
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tokenizer.pattern import HAN_RUN, filler, is_cjk, is_text, pre_tokenizer


def pieces(text: str) -> list[str]:
    return [piece for piece, _ in pre_tokenizer().pre_tokenize_str(text)]


@settings(deadline=None)
@given(st.text(st.one_of(st.characters(codec="utf-8"), st.sampled_from("ab 9中，。\n\r's")), max_size=40))
def test_pieces_make_the_text_and_digits_and_han_stand_apart(text: str) -> None:
    found = pieces(text)
    assert "".join(found) == text
    for piece in found:
        digits = [c for c in piece if unicodedata.category(c) == "Nd"]
        assert not digits or len(piece) == 1
        assert not HAN_RUN.search(piece) or HAN_RUN.fullmatch(piece)


@pytest.mark.parametrize(
    ("text", "cut"),
    [
        ("it's 2023", ["it", "'s", " ", "2", "0", "2", "3"]),
        ("x = f(y)\n\nz", ["x", " =", " f", "(y", ")\n\n", "z"]),
        ("我们。Yes", ["我们", "。Yes"]),
        ("a  b", ["a", " ", " b"]),
    ],
)
def test_what_stays_together(text: str, cut: list[str]) -> None:
    assert pieces(text) == cut


@pytest.mark.parametrize("cjk", [True, False])
def test_fillers_are_text_of_their_class_and_each_comes_once(cjk: bool) -> None:
    found = list(islice(filler(cjk), 20_000))
    assert len(set(found)) == 20_000
    assert all(is_text(c) and is_cjk(c) == cjk and not c.isspace() for c in found)


def test_what_is_no_text_and_what_is_cjk() -> None:
    assert not any(map(is_text, "\x00\ue000\uffff\ud800")) and all(map(is_text, "a中\u3000"))
    assert all(map(is_cjk, "中。〇，㈱")) and not any(map(is_cjk, "aかカ한é"))
