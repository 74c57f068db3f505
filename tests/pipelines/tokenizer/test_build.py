"""Laws of the vocabulary: exact classes, reachability, lossless round trip, digits, reserved ids,
determinism."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cards.tokenizer import RESERVED, TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, LakeError
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.pattern import HAN_RUN
from tests.support.tokenizer_samples import corpus, sample_texts

CONFIG = TokenizerConfig.proportional("test", 1_500, sample_chars=100_000)
HARD = [
    "",
    "emoji 🚀👩‍👩‍👧‍👦🇨🇳",
    "龘𠀀𪚥 rare Han",
    "\ttabs\t\tand   runs    of spaces \n\n\n",
    "the literal <0x41><0x0A> and </s> <s> <unk> <pad> <reserved_0>",
    "▁ metaspace ▁▁",
    "\r\n\u3000\u3000全角　空格\u00a0\u200b\ufeff",
    "\x00\x07\x1b\x85\u2028",
    "e\u0301 ﬁ ½ ① Ⅷ ٣ ３ 一二三",
    "中文English混排2023年，“引号”。",
]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    return build(lake, InProcess(), tokenizer_stage([corpus(lake, sample_texts())], CONFIG)).dataset


@pytest.fixture(scope="module")
def tokenizer(built: Dataset) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(built.local("tokenizer.json")))


@pytest.fixture(scope="module")
def pieces(built: Dataset) -> list[tuple[int, str, str]]:
    lines = built.local("pieces.tsv").read_text(encoding="utf-8").splitlines()[1:]
    return [(int(i), kind, json.loads(piece)) for i, kind, piece in (line.split("\t", 2) for line in lines)]


def test_classes_have_exactly_their_sizes(pieces: list[tuple[int, str, str]], tokenizer: Any) -> None:
    counts = Counter(kind for _, kind, _ in pieces)
    assert counts["latin"] + counts["byte"] == CONFIG.latin and counts["byte"] == 256
    assert (counts["character"], counts["word"], counts["reserved"]) == (CONFIG.characters, CONFIG.words, 17)
    assert tokenizer.get_vocab_size() == CONFIG.vocab_size == len(pieces)
    assert [tokenizer.token_to_id(p) for p in RESERVED] == list(range(17))


def test_every_piece_of_text_is_reachable(pieces: list[tuple[int, str, str]], tokenizer: Any) -> None:
    texts = [(i, p) for i, kind, p in pieces if kind not in ("reserved", "byte")]
    unreachable = [p for i, p in texts if tokenizer.encode(p).ids != [i]]
    assert unreachable == []


def test_words_are_han_and_latin_pieces_hold_none(pieces: list[tuple[int, str, str]]) -> None:
    assert all(HAN_RUN.fullmatch(p) for _, kind, p in pieces if kind == "word")
    assert not any(HAN_RUN.search(p) for _, kind, p in pieces if kind == "latin")
    assert sum(len(p) > 1 for _, kind, p in pieces if kind == "word") > 5


def test_symbols_of_several_signs_stand_among_the_characters(pieces: list[tuple[int, str, str]]) -> None:
    several = [p for _, kind, p in pieces if kind == "character" and len(p) > 1]
    assert several and len(several) <= CONFIG.symbols
    assert all(not c.isalnum() for p in several for c in p)


def test_merges_of_latin_and_of_words_share_no_symbol(built: Dataset) -> None:
    merges = json.loads(built.local("tokenizer.json").read_text())["model"]["merges"]
    han = {s for m in merges for s in m if HAN_RUN.search(s)}
    assert all((a in han) == (b in han) for a, b in merges) and han


@settings(max_examples=300, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"]))
    | st.text(st.sampled_from("<0x4A1>/s \n\t中文数据🚀é▁"))
)
def test_any_unicode_text_comes_back_and_gives_no_reserved_id(tokenizer: Any, text: str) -> None:
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids) == text
    assert all(i >= len(RESERVED) for i in ids)


@pytest.mark.parametrize("text", HARD)
def test_hard_texts_come_back(tokenizer: Any, text: str) -> None:
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids) == text and all(i >= len(RESERVED) for i in ids)


@given(text=st.text(st.sampled_from("0123456789０１٣ abc.,中")))
@settings(max_examples=100, deadline=None)
def test_each_digit_is_its_own_token(tokenizer: Any, text: str) -> None:
    for token in tokenizer.encode(text).tokens:
        digits = sum(c.isdigit() for c in token)
        assert digits == 0 or len(token) == 1 or token.startswith("<0x")


def test_same_sample_gives_the_same_file_whatever_the_parts(tmp_path: Path) -> None:
    texts, hashes = sample_texts(), set()
    for parts in (1, 4):
        lake = Lake(tmp_path / str(parts))
        dataset = build(
            lake, InProcess(), tokenizer_stage([corpus(lake, texts, parts=parts)], CONFIG)
        ).dataset
        hashes.add(next(p.hash for p in dataset.parts if p.path == "tokenizer.json"))
        assert not build(lake, InProcess(), tokenizer_stage([corpus(lake, texts, parts=parts)], CONFIG)).fresh
    assert len(hashes) == 1


def test_transformers_loads_the_file(built: Dataset) -> None:
    from transformers import PreTrainedTokenizerFast

    fast = PreTrainedTokenizerFast(tokenizer_file=str(built.local("tokenizer.json")))  # type: ignore[no-untyped-call]
    assert len(fast) == CONFIG.vocab_size
    assert fast.decode(fast.encode("中文 and <0x41> 12")) == "中文 and <0x41> 12"


def test_card_names_its_inputs_and_what_was_filled(built: Dataset) -> None:
    card = built.read_json("card.json")
    assert card["trained_on"] and sum(card["filled_from_unicode_blocks"].values()) > 0
    assert set(card["sample"]) == {"en-webpages", "zh-webpages"}


def test_a_corpus_without_documents_is_refused(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with pytest.raises(LakeError, match="no documents"):
        build(lake, InProcess(), tokenizer_stage([corpus(lake, [])], CONFIG))
