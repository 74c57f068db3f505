"""Words are encoded as `tokenizers` encodes them."""

from __future__ import annotations

from functools import cache

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from pipelines.quality.word_pieces import WordPieces

TRAINING = ["ab aab 中的中的 ba aaaa abab", "ab ab 00 中的 人中的人 人人", "abba baab 的中 的中中"]


@cache
def tokenizer() -> Tokenizer:
    made = Tokenizer(models.BPE(unk_token="<unk>"))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=40, special_tokens=["<unk>"], show_progress=False)
    made.train_from_iterator(TRAINING, trainer)
    return made


def plain(text: str) -> str:
    return " ".join(tokenizer().encode(text).tokens)


@settings(max_examples=300, deadline=None)  # the first call compiles
@given(st.lists(st.text("ab的中人0☃é", max_size=30), max_size=6))
@example(["a" * 300, "", "▁ab", "a<unk>b", "<unk>", "\U0010fffd", "中的" * 100])
def test_pieces_equal_those_of_tokenizers(words: list[str]) -> None:
    assert WordPieces(tokenizer()).of_words(words) == [plain(word) if word else "▁" for word in words]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab的 中0☃", min_size=1, max_size=20), max_size=4))
def test_words_encoded_apart_give_the_pieces_of_their_lines(texts: list[str]) -> None:
    lines = [line for text in texts if (line := " ".join(text.split()))]
    assert WordPieces(tokenizer()).of_lines(lines) == list(map(plain, lines))


def test_a_word_is_encoded_once() -> None:
    pieces = WordPieces(tokenizer())
    first = pieces.of_lines(["ab ba", "ab"])
    assert set(pieces) == {"ab", "ba"} and pieces.of_lines(["ab ba", "ab"]) == first
