"""Words of a page are counted as the plain definition counts them, for any text."""

from __future__ import annotations

import math
import sys
from collections import Counter

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.form_counts import CHARS
from pipelines.signals.forms_reference import plain_words
from pipelines.signals.page_words import GROUPS, SIZE, PageWords, count_words, logarithms, vocabulary

WEIGHTS = [{"a": 0.5, "don't": -1.25, "$0": 2.0, "0%": 0.1, "i": 3.0}, {"b": 0.7}, {}]
WORDS = st.text(
    alphabet=st.one_of(st.sampled_from("abiIdont'’0123 5.,%$£€\u212a\u0130\u0660\n中"), st.characters()),
    max_size=200,
)


def counted(texts: list[str]) -> PageWords:
    return count_words(*text_buffers(pa.array(texts, pa.large_string())), vocabulary(WEIGHTS))


def agrees(found: PageWords, k: int, words: Counter[str]) -> bool:
    """Whether the numbers of text k are those of its words, bit for bit."""
    groups = [sum(words[w] for w in group) for group in GROUPS.values()]
    known = [sum(math.log1p(n) * kind.get(w, 0.0) for w, n in words.items()) for kind in WEIGHTS]
    return (
        found.total[k] == words.total()
        and found.squares[k] == sum(math.log1p(n) ** 2 for n in words.values())
        and found.known[k].tolist() == known
        and found.groups[k].tolist() == groups
    )


@settings(deadline=None)  # the first call compiles
@given(st.lists(WORDS, max_size=5))
@example(
    ["", "$1,299.00 $ 5 $  5 £5% 20% 3 men’s don't don't' rock'n'roll", "a$0a0%b", "İ'm 5.,%", "\u212aa"]
)
def test_counts_equal_the_plain_definition(texts: list[str]) -> None:
    texts = [text.encode("utf-8", "replace").decode() for text in texts]
    found = counted(texts)
    assert all(agrees(found, k, plain_words(text)) for k, text in enumerate(texts))


@pytest.mark.parametrize("unit", ["a$0a0%", "a ", "abc def'g ", "中a"])
def test_only_the_beginning_is_read(unit: str) -> None:
    text = (unit * CHARS)[: CHARS + 1]
    assert agrees(counted(["x", text]), 1, plain_words(text))


def test_the_plain_definition_counts_prices_and_percentages_as_words() -> None:
    assert plain_words("$1,299.00 $5, 20% and 3 men’s") == {"$0": 2, "0%": 1, "and": 1, "men's": 1}


def test_no_character_beyond_the_table_is_a_digit_or_becomes_a_letter() -> None:
    beyond = map(chr, range(SIZE, sys.maxunicode + 1))
    assert not any(c.isdecimal() or c.lower().isascii() for c in beyond)


def test_every_count_of_a_text_has_its_logarithm() -> None:
    assert logarithms()[CHARS] == math.log1p(CHARS)


def test_groups_are_named_in_their_order() -> None:
    groups = counted(["You and your men were with us: we said £5, I said no."]).groups_by_name()
    assert {name: int(column[0]) for name, column in groups.items()} == {
        "prices": 1,
        "you": 2,
        "we": 1,
        "me": 1,
        "past": 3,
    }
