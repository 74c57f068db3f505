"""Cutting and counting agree with the pattern as `tokenizers` runs it."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tokenizer.pattern import pre_tokenizer
from pipelines.tokenizer.pretokens import LONGEST, count_pretokens
from tests.support.tokenizer_samples import sample_texts


def by_pattern(texts: list[str]) -> Counter[str]:
    return Counter(
        p for text in texts for p, _ in pre_tokenizer().pre_tokenize_str(text) if len(p) <= LONGEST
    )


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.text(st.sampled_from("  \n\r\t\u3000ab'.=12中我们é\u0301，。の"))
    )
)
def test_counts_are_those_of_the_pattern(texts: list[str]) -> None:
    assert count_pretokens(texts) == by_pattern(texts)


def test_counts_of_many_texts_are_those_of_the_pattern() -> None:
    texts = [
        text + f"{i} x{i * 7}y w{chr(97 + i % 26) * (i % 19)}"
        for i, (_, text) in enumerate(sample_texts(3_000))
    ]
    assert count_pretokens(texts) == by_pattern(texts)


def test_overlong_pretokens_are_not_counted() -> None:
    assert count_pretokens(["=" * (LONGEST + 1), "a" * LONGEST]) == {"a" * LONGEST: 1}


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("\u3000\u3000中国 12", ["\u3000\u3000", "中国", " ", "1", "2"]),
        ("if  x", ["if", " ", " x"]),
        ("a    1", ["a", "    ", "1"]),
        ("他说：“好。”\n", ["他说", "：“", "好", "。”\n"]),
    ],
)
def test_spaces_before_han_and_digits_stay_together(text: str, pieces: list[str]) -> None:
    assert [p for p, _ in pre_tokenizer().pre_tokenize_str(text)] == pieces
