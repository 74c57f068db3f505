"""The merge loop against the trainer of `tokenizers`, and what that one cannot do."""

from __future__ import annotations

import json
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tokenizer.bpe import train_merges


def oracle(words: list[str], alphabet: list[str], size: int) -> list[tuple[str, str]]:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + size, initial_alphabet=alphabet, min_frequency=1, show_progress=False
    )
    tokenizer.train_from_iterator([" ".join(words)], trainer)
    return [(a, b) for a, b in json.loads(tokenizer.to_str())["model"]["merges"]]


@settings(max_examples=60, deadline=None)
@given(words=st.lists(st.text("abc中文字", min_size=1, max_size=12), min_size=1, max_size=60))
def test_merges_are_those_of_tokenizers(words: list[str]) -> None:
    alphabet = sorted(set("".join(words)))
    counts = Counter(words)
    assert train_merges(list(counts), list(counts.values()), alphabet, 30, 99) == oracle(words, alphabet, 30)


@pytest.mark.parametrize("letters", ["ab", "abcdefgh"])
def test_thousands_of_words_give_the_merges_of_tokenizers(letters: str) -> None:
    rng = random.Random(0)
    words = ["".join(rng.choice(letters) for _ in range(rng.randrange(1, 14))) for _ in range(4_000)]
    counts = Counter(words)
    assert train_merges(list(counts), list(counts.values()), sorted(letters), 600, 99) == oracle(
        words, sorted(letters), 600
    )


def test_pieces_are_no_longer_than_asked_in_characters_not_bytes() -> None:
    merges = train_merges(["中华人民共和国"] * 2, [5, 5], sorted(set("中华人民共和国")), 50, 3)
    assert max(len(a + b) for a, b in merges) == 3


def test_a_piece_reached_in_two_ways_is_one_piece() -> None:
    merges = train_merges(["abc", "xab", "bcx", "abc"], [10, 9, 12, 3], ["a", "b", "c", "x"], 20, 9)
    texts = [a + b for a, b in merges]
    assert train_merges(["abc"], [1], ["a", "b", "c", "ab"], 20, 9)[:1] == [("a", "b")]
    assert len(set(texts)) <= len(texts) and set(texts) >= {"bc", "ab"}


def test_sequences_may_start_from_longer_pieces() -> None:
    assert train_merges([["\n\n", "。"], ["。", "\n\n"]], [1, 3], ["。", "\n\n"], 5, 9)[0] == ("。", "\n\n")


def test_a_piece_outside_the_alphabet_is_an_error() -> None:
    with pytest.raises(KeyError):
        train_merges(["ab"], [1], ["a"], 5, 9)
    assert train_merges([], [], ["a"], 5, 9) == []
