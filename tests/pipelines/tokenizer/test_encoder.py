"""Our encoder gives the ids of `tokenizers` on any text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.tokenizer.build import assemble
from pipelines.tokenizer.encoder import Encoder, EncoderError
from pipelines.tokenizer.encoder_kernels import MAX_SYMBOLS
from pipelines.tokenizer.pieces import train_pieces
from pipelines.tokenizer.pretokens import count_pretokens
from tests.support.tokenizer_samples import sample_texts


@pytest.fixture(scope="module")
def definition() -> str:
    texts = [text for _, text in sample_texts()]
    return str(
        assemble(train_pieces(count_pretokens(texts), TokenizerConfig.proportional("test", 1_500))).to_str()
    )


@pytest.fixture(scope="module")
def encoder(definition: str) -> Encoder:
    encoder = Encoder(definition)
    assert encoder.fast
    return encoder


def assert_equal(encoder: Encoder, texts: list[str]) -> None:
    mine = encoder.encode(texts)
    for text, ids in zip(texts, mine, strict=True):
        assert ids.tolist() == encoder.reference.encode(text, add_special_tokens=False).ids, repr(text)


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs"]))
        | st.text(st.sampled_from("  \n\r\t\u3000ab'.=12中我们é\u0301🚀"))
    )
)
def test_any_text_has_the_ids_of_tokenizers(encoder: Encoder, texts: list[str]) -> None:
    assert_equal(encoder, texts)


def test_every_kind_of_neighbour_has_the_ids_of_tokenizers(encoder: Encoder) -> None:
    rng = random.Random(0)
    signs = (
        [chr(rng.randrange(0x3100)) for _ in range(800)]
        + [chr(rng.randrange(0x10000, 0x110000)) for _ in range(100)]
        + list(" \n\r\t中我a1") * 40
    )
    assert_equal(encoder, ["".join(rng.choice(signs) for _ in range(40)) for _ in range(3_000)])


@pytest.mark.parametrize(
    "length", [MAX_SYMBOLS // 4 - 1, MAX_SYMBOLS // 4 + 1, MAX_SYMBOLS - 4, MAX_SYMBOLS, 5_000]
)
def test_long_runs_have_the_ids_of_tokenizers(encoder: Encoder, length: int) -> None:
    assert_equal(encoder, ["short", "=" * length, "🚀" * length, "我们" * length, "a" * length, "after"])


def test_real_pages_have_the_ids_of_tokenizers(encoder: Encoder, shared_data: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    for name in ("web/lctt", "code/python-stdlib"):
        with zstandard.open(shared_data / "corpus" / f"{name}.jsonl.zst", "rt", encoding="utf-8") as lines:
            assert_equal(
                encoder, [json.loads(line)["text"][:5_000] for line, _ in zip(lines, range(60), strict=False)]
            )


def test_a_vocabulary_of_another_make_is_left_to_tokenizers(definition: str) -> None:
    value = json.loads(definition)
    value["pre_tokenizer"] = {"type": "Whitespace"}
    other = Encoder(json.dumps(value))
    assert not other.fast
    assert_equal(other, ["two words 中文"])


def test_a_difference_from_tokenizers_stops_the_run(definition: str) -> None:
    broken = Encoder(definition)
    broken._char_ids[ord("x")] = broken._char_ids[ord("y")]
    with pytest.raises(EncoderError, match="differ"):
        broken.encode(["x"])


def test_every_call_has_a_text_compared(definition: str, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder, seen = Encoder(definition), list[str]()
    reference = Encoder._reference
    monkeypatch.setattr(
        Encoder, "_reference", lambda self, text: (seen.append(text), reference(self, text))[1]
    )
    for _ in range(3):
        encoder.encode(["a", "b", "c"])
    assert len(seen) == 3 and len(set(seen)) > 1


def test_half_a_surrogate_pair_is_refused_with_a_sentence(encoder: Encoder) -> None:
    with pytest.raises(EncoderError, match="surrogate"):
        encoder.encode(["fine", "half \ud83d"])


def test_adversarial_texts_have_the_ids_of_tokenizers(encoder: Encoder) -> None:
    rng = random.Random(3)
    mixed = "".join(rng.choice("中国a1 的の한й\u3000，。\n=é\U0002070e") for _ in range(20_000))
    assert_equal(
        encoder,
        [
            " " * 10_000,
            "\u3000" * 999 + "中",
            "7" * 5_000,
            "\n\r" * 2_000,
            "\t \t x",
            mixed,
            "的" * 3_000,
            "🚀" * 90,
        ],
    )


def test_a_word_of_a_megabyte_has_the_ids_of_tokenizers(encoder: Encoder) -> None:
    assert_equal(encoder, ["before 中文", "a" * (1 << 20), "研究" * (1 << 17), "after"])


def test_a_full_cache_changes_no_id(definition: str) -> None:
    encoder = Encoder(definition)
    lines, _ = encoder._lines
    encoder._lines = lines[:8], lines[:8].view(np.uint16)
    assert_equal(encoder, [text for _, text in sample_texts()] * 2)


def test_texts_end_with_the_id_asked_for(encoder: Encoder) -> None:
    texts = ["中文 and", "", "=" * (MAX_SYMBOLS + 9), "x"]
    data = np.frombuffer("".join(texts).encode(), np.uint8)
    tokens, ends = encoder.encode_utf8(data, np.cumsum([0, *(len(t.encode()) for t in texts)]), 2)
    assert [p.tolist() for p in np.split(tokens, ends[:-1])] == [
        [*ids.tolist(), 2] for ids in encoder.encode(texts)
    ]


def test_added_tokens_of_a_foreign_file_are_not_found_in_text(definition: str) -> None:
    value = json.loads(definition)
    value["added_tokens"] = [
        {
            "id": 2,
            "content": "</s>",
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": True,
        }
    ]
    assert 2 not in Encoder(json.dumps(value)).encode(["a </s> b"])[0]


@pytest.mark.full
def test_a_hundred_thousand_random_texts_have_the_ids_of_tokenizers(encoder: Encoder) -> None:
    rng = random.Random(4)
    signs = [
        chr(c)
        for c in (*range(0x20, 0x7F), *range(0x3000, 0x3100), *range(0x4E00, 0x4F00), 9, 10, 13, 0x85, 0x2028)
    ]
    for _ in range(100):
        assert_equal(
            encoder, ["".join(rng.choice(signs) for _ in range(rng.randrange(60))) for _ in range(1_000)]
        )
