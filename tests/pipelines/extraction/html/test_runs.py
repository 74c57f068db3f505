from __future__ import annotations

import re

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.html import columns as col
from pipelines.extraction.html.runs import (
    CLOSING,
    DIGIT,
    END,
    HAN,
    LETTER,
    STOP,
    UPPER,
    end_word,
    is_han,
    read_text,
    sign,
    skip_text,
    text_words,
)
from pipelines.extraction.html.tags import FNV, PRIME

CHARS = st.sampled_from([*"abCD12.,;:!?\"'() \t\n", *"中文，。、；：！？”」》…é"])


def counts(pieces: list[tuple[str, bool]], title: str = "") -> dict[str, int]:
    """What an open block counts of pieces of text, each in a link or not."""
    block, words = np.zeros(col.NUM_OPEN_COLUMNS, np.int64), text_words(title)
    block[col.B_WORD] = np.array(FNV).view(np.int64)
    for text, linked in pieces:
        data = np.frombuffer(text.encode(), np.uint8)
        assert read_text(data, 0, linked, words, block) == (data.size, bool(text.split()))
    end_word(block, words)
    return {
        name: int(block[getattr(col, f"B_{name}")])
        for name in [
            "CHARS",
            "LINKED",
            "STOPS",
            "ENDS",
            "HAN",
            "DIGITS",
            "UPPER",
            "WORDS",
            "LINKS",
            "CLOSED",
            "TITLE",
            "TOKENS",
        ]
    }


def test_a_sign_is_what_readers_take_it_for() -> None:
    kinds = {char: sign(ord(char), 32) for char in 'aZ5中，。.:)”*"'}
    assert kinds == {
        **{
            "a": LETTER,
            "Z": LETTER | UPPER,
            "5": LETTER | DIGIT,
            "中": HAN,
            "，": STOP,
            "。": STOP | END | CLOSING,
        },
        **{".": STOP | END | CLOSING, ":": STOP | CLOSING, ")": CLOSING, "”": CLOSING, "*": 0, '"': CLOSING},
    }
    assert sign(ord("."), ord("5")) == CLOSING == sign(ord(":"), ord("/"))  # 1.5, http://


@settings(deadline=None)  # the first example may compile
@given(st.lists(st.tuples(st.text(CHARS, max_size=20), st.booleans()), max_size=5))
def test_counts_are_those_of_plain_python(pieces: list[tuple[str, bool]]) -> None:
    found, text = counts(pieces), "".join(piece for piece, _ in pieces)
    seen = "".join(text.split())
    assert found["CHARS"] == len(seen) and found["LINKED"] == sum(
        len("".join(piece.split())) for piece, linked in pieces if linked
    )
    assert found["HAN"] == len(re.findall("[中文]", text))
    assert found["DIGITS"] == len(re.findall("[0-9]", text)) and found["UPPER"] == len(
        re.findall("[A-Z]", text)
    )
    assert (
        found["WORDS"] == len(re.findall("[a-zA-Z0-9é》]+", text))
        and found["TOKENS"] == found["WORDS"] + found["HAN"]
    )
    assert found["CLOSED"] == (seen[-1:] != "" and seen[-1:] in '.!?:")。！？…”」')
    # a stop of ASCII needs to see what follows: a space, a quote, or the end of its piece
    assert found["STOPS"] == sum(
        len(re.findall(r"[,;，。、；：！？…]|[.!?:](?=[\s\"]|$)", piece)) for piece, _ in pieces
    )
    assert found["ENDS"] == sum(len(re.findall(r"[。！？…]|[.!?](?=[\s\"]|$)", piece)) for piece, _ in pieces)
    runs = [linked for piece, linked in pieces if piece.split()]
    assert found["LINKS"] == sum(
        linked and not before for linked, before in zip(runs, [False, *runs], strict=False)
    )


@settings(deadline=None)  # the first example may compile
@given(st.text(st.sampled_from([*"abC1. ,", *"中文，。é"]), max_size=30))
def test_every_word_of_a_text_is_one_of_its_title(text: str) -> None:
    found = counts([(text, False)], text)
    assert found["TITLE"] == found["TOKENS"]
    assert counts([(text, False)], "other 字")["TITLE"] == 0


def test_skipping_text_ends_at_the_next_tag() -> None:
    text = "a < b <1 <é & <b>"
    assert skip_text(np.frombuffer(text.encode(), np.uint8), 0) == text.encode().index(b"<b>")
    assert skip_text(np.frombuffer(b"<", np.uint8), 0) == 1


@given(
    st.text(
        st.characters(exclude_categories=["Cs"]) | st.sampled_from("aZ9 中\u2000\u3001\uff0c\xa0é-"),
        max_size=12,
    )
)
def test_words_are_runs_of_letters_and_single_han_characters(text: str) -> None:
    found, word = set(), int(FNV)
    for point in map(ord, text + " "):
        han = bool(is_han(point))
        spaced = 0x2000 <= point <= 0x206F or 0x3000 <= point <= 0x3003 or 0xFF00 <= point <= 0xFF1F
        if not han and (chr(point).isalnum() if point < 0x80 else not spaced and point != 0xA0):
            word = (word ^ (point + 32 if 65 <= point <= 90 else point)) * int(PRIME) % (1 << 64)
            continue
        found |= {word} - {int(FNV)} | ({(int(FNV) ^ point) * int(PRIME) % (1 << 64)} if han else set())
        word = int(FNV)
    assert text_words(text).tolist() == sorted(found)
