"""Our encoder gives the ids of `tokenizers` on any text."""

from __future__ import annotations

import json
import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.tokenizer.build import TokenizerConfig, assemble, train
from pipelines.tokenizer.encoder import CHECK_EVERY, MAX_SYMBOLS, Encoder, EncoderError
from pipelines.tokenizer.pretokens import count_pretokens
from tests.pipelines.tokenizer.samples import sample_texts


@pytest.fixture(scope="module")
def definition() -> str:
    texts = [text for _, text in sample_texts()]
    return str(assemble(train(count_pretokens(texts), TokenizerConfig.proportional("test", 1_500))).to_str())


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
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"])) | st.text(st.sampled_from("  \n\r\t\u3000ab'.=12中我们é\u0301🚀"))))
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


@pytest.mark.parametrize("length", [MAX_SYMBOLS // 4 - 1, MAX_SYMBOLS // 4 + 1, MAX_SYMBOLS - 4, MAX_SYMBOLS, 5_000])
def test_long_runs_have_the_ids_of_tokenizers(encoder: Encoder, length: int) -> None:
    assert_equal(encoder, ["short", "=" * length, "🚀" * length, "我们" * length, "a" * length, "after"])


def test_real_pages_have_the_ids_of_tokenizers(encoder: Encoder, shared_data: Path) -> None:
    zstandard = pytest.importorskip("zstandard")
    for name in ("web/lctt", "code/python-stdlib"):
        with zstandard.open(shared_data / "corpus" / f"{name}.jsonl.zst", "rt", encoding="utf-8") as lines:
            assert_equal(encoder, [json.loads(line)["text"][:5_000] for line, _ in zip(lines, range(60), strict=False)])


def test_a_vocabulary_of_another_make_is_left_to_tokenizers(definition: str) -> None:
    value = json.loads(definition)
    value["pre_tokenizer"] = {"type": "Whitespace"}
    other = Encoder(json.dumps(value))
    assert not other.fast
    assert_equal(other, ["two words 中文"])


def test_a_difference_from_tokenizers_stops_the_run(definition: str) -> None:
    broken = Encoder(definition)
    broken._char_ids = np.where(np.arange(0x110000) == ord("x"), broken._char_ids[ord("y")], broken._char_ids).astype(np.int32)
    with pytest.raises(EncoderError, match="differ"):
        broken.encode(["x"] + ["y"] * CHECK_EVERY)
