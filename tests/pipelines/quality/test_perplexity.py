"""The 5-gram models tell text of their kind from noise; without lmplz the artifact says so by
name."""

from __future__ import annotations

import random
from pydoc_data.topics import topics

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality import perplexity
from pipelines.quality.perplexity import _lines
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
        and card["languages"]["en"]["kinds"]["webpages"]["p30"]
        < card["languages"]["en"]["kinds"]["webpages"]["p98"]
    )
    assert not card["languages"]["zh"]["available"], "there is no Chinese text to train on"
    words = TEXTS[-1].split()
    random.Random(1).shuffle(words)
    folder = str(built.dataset.local())
    assert perplexity.perplexity_of(folder, "en", TEXTS[-1]) < 0.5 * perplexity.perplexity_of(
        folder, "en", " ".join(words)
    )


def test_cutoffs_do_not_depend_on_the_pages_that_are_judged(lake: Lake, engine: InProcess) -> None:
    if perplexity.find_lmplz() is None:
        pytest.skip("lmplz is not on this machine: make kenlm builds it")
    reference = make_dump(lake, engine, "reference", [TEXTS], reference=True)
    alone = perplexity.perplexity_models_stage({"reference": reference})
    pages = make_dump(lake, engine, "pages", [["spam spam spam"] * 40])
    assert (
        perplexity.perplexity_models_stage({"reference": reference, "pages": pages}).recompute_key
        == alone.recompute_key
    )
    dataset = build(lake, InProcess(), alone).dataset
    english = dataset.read_json("card.json")["languages"]["en"]
    assert english["kinds"]["webpages"]["over"] == "perplexity_reference.yaml"
    assert f"{english['left_out']} en documents" in dataset.read_json("status.json")["warnings"][0]


def test_a_kind_with_enough_text_has_percentiles_of_its_own() -> None:
    shipped = {"webpages": {"p30": 2.0, "p98": 5.0}, "books": {"p30": 1.0, "p98": 3.0}}
    values = {"books": [float(v) for v in range(1, perplexity.OWN + 1)], "academic": [50.0, 51.0]}
    found = perplexity.cutoffs(values, shipped)
    assert found["median"] == pytest.approx(50.5, abs=0.6)
    assert found["kinds"]["books"]["over"] == "reference text of the lake"
    assert found["kinds"]["books"]["p98"] == pytest.approx(0.98 * perplexity.OWN, abs=1.1)
    assert found["kinds"]["webpages"]["p98"] == pytest.approx(5 * found["median"])
    assert "academic" not in found["kinds"], "two documents, and nothing shipped"


def test_the_shipped_card_has_pages_of_both_languages() -> None:
    for code in perplexity.LANGUAGES:
        for kind, entry in perplexity.shipped_multiples()[code].items():
            assert 0 < entry["p30"] < entry["p98"], (code, kind)
        assert "webpages" in perplexity.shipped_multiples()[code]


def test_text_that_names_special_pieces_trains(lake: Lake, engine: InProcess) -> None:
    if perplexity.find_lmplz() is None:
        pytest.skip("lmplz is not on this machine: make kenlm builds it")
    texts = [f"{t}\nThe marks <unk>, <s> and </s> stand in this text." for t in TEXTS[:30]]
    dump = make_dump(lake, engine, "reference", [texts], reference=True)
    built = build(lake, InProcess(), perplexity.perplexity_models_stage({"reference": dump}))
    assert built.dataset.stats == {"available": 1}


def test_code_makes_no_text_more_perplexing() -> None:
    prose = "The first line says it.\nThe last line ends it."
    assert perplexity._lines(f"{prose}\n```\nx_1 = [[], {{}}]\n```") == perplexity._lines(prose)
    assert perplexity._lines("```\nx_1 = [[]]\n```"), "a text of code alone is read as it is"


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


def test_every_digit_of_a_line_is_0_and_white_space_one_space() -> None:
    assert _lines("A 1２\u2776\u0663\t x\n\n \n②") == ["a 0000 x", "0"]
