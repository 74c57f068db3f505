"""An extended vocabulary keeps the base's ids and adds exactly the Chinese classes and the reserved
pieces."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cards.base import CardError
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, LakeError
from pipelines.tables.stage import build
from pipelines.tokenizer.build import assemble, tokenizer_stage
from pipelines.tokenizer.encoder import Encoder
from pipelines.tokenizer.extend import BaseVocabulary, load_base
from pipelines.tokenizer.pieces import train_pieces
from pipelines.tokenizer.pretokens import count_pretokens
from tests.support.tokenizer_samples import corpus, sample_texts

SMALL = TokenizerConfig.proportional("test", 1_500, sample_chars=100_000)
LLAMA_TEXTS = [
    "Hello world, it's 2023.\n\ndef f(x):\n    return x  # tab\t",
    "",
    " leading",
    "émoji 🚀 Ω",
    "literal <0x41> </s> <s>",
]


@pytest.fixture(scope="module")
def llama(shared_data: Path) -> BaseVocabulary:
    return load_base(shared_data / "tokenizers" / "llama2-tokenizer.model")


def extend(folder: Path, base: BaseVocabulary, config: TokenizerConfig) -> Dataset:
    lake = Lake(folder)
    return build(lake, InProcess(), tokenizer_stage([corpus(lake, sample_texts())], config, base)).dataset


@pytest.fixture(scope="module")
def extended(tmp_path_factory: pytest.TempPathFactory, llama: BaseVocabulary) -> Dataset:
    return extend(tmp_path_factory.mktemp("lake"), llama, SMALL)


@pytest.fixture(scope="module")
def tokenizer(extended: Dataset) -> Any:
    from tokenizers import Tokenizer

    return Tokenizer.from_file(str(extended.local("tokenizer.json")))


def test_a_sentencepiece_model_is_read_as_it_reads(llama: BaseVocabulary, shared_data: Path) -> None:
    import sentencepiece
    from tokenizers import Tokenizer

    model = sentencepiece.SentencePieceProcessor(
        model_file=str(shared_data / "tokenizers" / "llama2-tokenizer.model")
    )
    mine = Tokenizer.from_str(json.dumps(llama.value))
    for text in [t for t in LLAMA_TEXTS if "<" not in t] + [text for _, text in sample_texts(10)]:
        assert mine.encode(text).ids == model.encode(text), text


def test_base_ids_stay_and_classes_are_exact(
    extended: Dataset, tokenizer: Any, llama: BaseVocabulary
) -> None:
    vocab = tokenizer.get_vocab()
    assert all(vocab[p] == i for p, i in llama.vocab.items())
    rows = [
        line.split("\t", 2)
        for line in extended.local("pieces.tsv").read_text(encoding="utf-8").splitlines()[1:]
    ]
    counts = Counter(kind for _, kind, _ in rows)
    assert (
        counts["latin"] + counts["byte"] + counts["control"] == 32_000
        and counts["byte"] == 256
        and counts["control"] == 3
    )
    assert (counts["character"], counts["word"], counts["reserved"]) == (SMALL.characters, SMALL.words, 17)
    assert [int(i) for i, _, _ in rows] == list(range(len(vocab))) and [
        json.loads(p) for _, _, p in rows
    ] == sorted(vocab, key=vocab.get)
    card = extended.read_json("card.json")
    assert (
        card["extends"]["pieces"] == 32_000
        and len(card["reserved"]) == 17
        and min(card["reserved"].values()) == len(vocab) - 17
    )


def test_text_without_chinese_keeps_its_ids(tokenizer: Any, llama: BaseVocabulary) -> None:
    from tokenizers import Tokenizer

    base = Tokenizer.from_str(json.dumps(llama.value))
    for text in LLAMA_TEXTS:
        assert tokenizer.encode(text).ids == base.encode(text).ids


@settings(max_examples=100, deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\u2581"))
    | st.text(st.sampled_from("<0x41>/s 12我们研究"))
)
def test_text_comes_back_and_gives_no_reserved_id(tokenizer: Any, text: str) -> None:
    ids = tokenizer.encode(text).ids
    assert tokenizer.decode(ids, skip_special_tokens=False) == text
    assert not set(ids) & {0, 1, 2} and all(i < tokenizer.get_vocab_size() - 17 for i in ids)


def test_chinese_takes_fewer_tokens_and_shards_can_be_made_with_it(
    tokenizer: Any, llama: BaseVocabulary, extended: Dataset
) -> None:
    from tokenizers import Tokenizer

    text = next(t for language, t in sample_texts() if language == "zh")
    assert 2 * len(tokenizer.encode(text).ids) < len(
        Tokenizer.from_str(json.dumps(llama.value)).encode(text).ids
    )
    encoder = Encoder(extended.local("tokenizer.json").read_text(encoding="utf-8"))
    assert not encoder.fast and encoder.encode([text])[0].tolist() == tokenizer.encode(text).ids


def test_the_same_base_gives_the_same_file(tmp_path: Path, llama: BaseVocabulary, extended: Dataset) -> None:
    again = extend(tmp_path, llama, SMALL)
    assert again.content_hash == extended.content_hash and extended.manifest.partition == "test"


def test_a_tokenizer_json_is_extended_too(tmp_path: Path) -> None:
    texts = [text for language, text in sample_texts() if language == "en"]
    value = json.loads(
        assemble(train_pieces(count_pretokens(texts), TokenizerConfig.proportional("en", 900))).to_str()
    )
    (tmp_path / "english.json").write_text(json.dumps(value))
    base = load_base(tmp_path / "english.json")
    dataset = extend(tmp_path / "lake", base, SMALL)
    assert dataset.stats["vocab_size"] == 900 + SMALL.characters + SMALL.words + 17
    assert Encoder(dataset.local("tokenizer.json").read_text(encoding="utf-8")).fast


def test_what_cannot_be_extended_is_refused_with_a_reason(
    tmp_path: Path, shared_data: Path, llama: BaseVocabulary
) -> None:
    with pytest.raises(LakeError, match="unigram"):
        load_base(shared_data / "tokenizers" / "zh-xlnet-spiece.model")
    with pytest.raises(LakeError, match="cannot be read"):
        load_base(tmp_path / "absent.json")
    (tmp_path / "broken.json").write_text("{}")
    with pytest.raises(LakeError, match="is not a tokenizer"):
        load_base(tmp_path / "broken.json")
    with pytest.raises(CardError, match="65,536"):
        TokenizerConfig.preset("full").extending("big", 40_000)
    assert TokenizerConfig.preset("full").extending("llama", 32_000).vocab_size == 65_536
