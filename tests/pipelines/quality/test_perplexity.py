"""The 5-gram models tell text of their kind from noise; without lmplz the artifact says so by
name."""

from __future__ import annotations

import random
from pydoc_data.topics import topics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality import perplexity
from pipelines.quality.perplexity import _lines, _Pieces
from pipelines.tables.stage import build
from tests.support.pages import make_dump

TEXTS = [topics[n] for n in sorted(topics)]


def test_reference_text_is_less_perplexing_than_the_same_words_shuffled(
    lake: Lake, engine: InProcess
) -> None:
    if perplexity.find_lmplz() is None:
        pytest.skip("lmplz is not on this machine: make kenlm builds it")
    dump = make_dump(lake, engine, "reference", [TEXTS[:-3]], reference=True)
    built = build(lake, InProcess(), perplexity.perplexity_models_stage({"reference": dump}))
    card = built.dataset.read_json("card.json")
    assert (
        built.dataset.read_json("status.json")["available"]
        and card["languages"]["en"]["p30"] < card["languages"]["en"]["p60"]
    )
    assert not card["languages"]["zh"]["available"], "there is no Chinese text to train on"
    words = TEXTS[-1].split()
    random.Random(1).shuffle(words)
    folder = str(built.dataset.local())
    assert perplexity.perplexity_of(folder, "en", TEXTS[-1]) < 0.5 * perplexity.perplexity_of(
        folder, "en", " ".join(words)
    )


def test_groups_are_percentiles_of_web_pages(lake: Lake, engine: InProcess) -> None:
    if perplexity.find_lmplz() is None:
        pytest.skip("lmplz is not on this machine: make kenlm builds it")
    shuffled = [" ".join(random.Random(i).sample(t.split(), len(t.split()))) for i, t in enumerate(TEXTS)]
    dumps = {
        "reference": make_dump(lake, engine, "reference", [TEXTS], reference=True),
        "pages": make_dump(lake, engine, "pages", [shuffled]),
    }
    dataset = build(lake, InProcess(), perplexity.perplexity_models_stage(dumps)).dataset
    card, folder = dataset.read_json("card.json")["languages"]["en"], str(dataset.local())
    assert card["cutoffs_over"] == "webpages" and card["sample"] > 20
    below = sum(perplexity.perplexity_of(folder, "en", t) < card["p60"] for t in shuffled) / len(shuffled)
    assert 0.5 < below < 0.7, "60 % of pages are head or middle, however far they are from reference text"
    assert "pages" in dataset.read_json("card.json")["training"]


def test_training_twice_gives_the_same_files(
    lake: Lake, engine: InProcess, tmp_path_factory: pytest.TempPathFactory
) -> None:
    if perplexity.find_lmplz() is None:
        pytest.skip("lmplz is not on this machine: make kenlm builds it")
    hashes = []
    for name in "ab":
        other = Lake(tmp_path_factory.mktemp(name))
        dump = make_dump(other, engine, "reference", [TEXTS], reference=True)
        hashes.append(
            build(
                other, InProcess(), perplexity.perplexity_models_stage({"reference": dump})
            ).dataset.content_hash
        )
    assert hashes[0] == hashes[1]


def test_a_missing_estimator_is_named(lake: Lake, engine: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(perplexity, "find_lmplz", lambda: None)
    dump = make_dump(lake, engine, "reference", [TEXTS[:2]], reference=True)
    status = build(
        lake, InProcess(), perplexity.perplexity_models_stage({"reference": dump})
    ).dataset.read_json("status.json")
    assert not status["available"] and "make kenlm" in status["missing"][0]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.text("ab的 中0☃", max_size=20), max_size=4))
def test_words_encoded_apart_give_the_pieces_of_their_lines(texts: list[str]) -> None:
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    trainer = trainers.BpeTrainer(vocab_size=40, special_tokens=["<unk>"], show_progress=False)
    tokenizer.train_from_iterator(["ab aab 中的中的 ba", "ab ab 00 中的"], trainer)
    lines = _lines("\n".join(texts))
    plain = [" ".join(t.replace(" ", "▁") for t in tokenizer.encode(line).tokens) for line in lines]
    assert _Pieces(tokenizer).of_lines(lines) == plain


def test_every_digit_of_a_line_is_0_and_white_space_one_space() -> None:
    assert _lines("A 1２\u2776\u0663\t x\n\n \n②") == ["a 0000 x", "0"]
