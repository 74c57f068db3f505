from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pipelines.cards.base import CardError
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality.classifier_models import (
    CARD,
    MODEL,
    SHIPPED,
    classifier_model_stage,
    classifier_names,
    shipped_names,
    shipped_stage,
    trained,
)
from pipelines.quality.hashed import from_bytes
from pipelines.quality.labelled import read_examples
from pipelines.tables.stage import build
from tests.support.labels import classifier_card, labelled_bytes, labelled_rows, write_classifier
from tests.support.pages import make_dump
from tests.support.topics import topic_texts


def test_a_model_says_how_well_it_tells_sources_that_it_has_not_seen(lake: Lake, engine: InProcess) -> None:
    card = classifier_card()
    built = build(lake, engine, classifier_model_stage(card, labelled_bytes()))
    value = built.dataset.read_json(CARD)
    english = value["models"]["en"]
    assert english["held_out"]["accuracy"] > 0.95 and english["held_out"]["macro_f1"] > 0.95
    assert english["left_out"] == "sources" and english["sources"] == dict.fromkeys(english["classes"], 4)
    assert value["columns"] == ["label", "score", "reference", "stem", "web"]
    assert (
        not value["models"]["zh"]["available"] and "fewer than two classes" in value["models"]["zh"]["reason"]
    )
    assert built.dataset.stats == {"examples": 60, "languages": 1}
    assert set(from_bytes(built.dataset.read_bytes(MODEL))) == {"en"}


def test_equal_labels_give_equal_bytes_in_any_order() -> None:
    card, rows = classifier_card(), labelled_rows()
    one, other = (trained(card, read_examples(card, labelled_bytes(r))) for r in (rows, rows[::-1]))
    assert one == other


@pytest.mark.parametrize(
    ("more", "figure"),
    [
        ({"gives": "number"}, "spearman"),
        ({"classes": ["web", "stem"]}, "auc"),
        ({"one_model": True}, "accuracy"),
    ],
)
def test_the_figure_is_that_of_the_kind_of_label(more: dict[str, Any], figure: str) -> None:
    card = classifier_card(**more)
    value, files = trained(card, read_examples(card, labelled_bytes()))
    part = value["models"]["all" if card.one_model else "en"]
    assert part["held_out"][figure] > 0.8 and set(files) == {MODEL}


def test_fasttext_gives_classes_too_and_repeats() -> None:
    card = classifier_card(method="fasttext", epochs=40, folds=2)
    first, second = (trained(card, read_examples(card, labelled_bytes())) for _ in range(2))
    assert first == second and set(first[1]) == {"en.bin"}
    assert first[0]["models"]["en"]["held_out"]["accuracy"] > 0.9


def test_too_few_examples_are_refused_with_what_is_lacking() -> None:
    card = classifier_card()
    with pytest.raises(
        CardError, match=r"topics: labels/topics.jsonl has too few examples \(en: fewer than two"
    ):
        trained(card, read_examples(card, labelled_bytes(labelled_rows(5))))


def test_labels_of_documents_are_trained_on_their_text(lake: Lake, engine: InProcess) -> None:
    tables = make_dump(lake, engine, "d", [topic_texts("web", 15) + topic_texts("stem", 15)])
    ids = tables.documents.read(["doc_id"])["doc_id"].to_pylist()
    rows = [{"doc_id": i.hex(), "verdict": "keep" if k >= 15 else "drop"} for k, i in enumerate(ids)]
    card = classifier_card(dump="d", fields={"label": "verdict"})
    stage = classifier_model_stage(card, labelled_bytes([*rows, {"doc_id": "00", "verdict": "keep"}]), tables)
    value = build(lake, engine, stage).dataset.read_json(CARD)
    assert value["models"]["en"]["examples"] == {"drop": 15, "keep": 15}
    assert value["models"]["en"]["left_out"] == "texts" and value["models"]["en"]["held_out"]["auc"] > 0.9


def test_a_card_of_the_lake_replaces_the_model_that_comes_with_the_project(lake: Lake) -> None:
    assert set(shipped_names()) <= set(classifier_names(lake))
    write_classifier(lake, "mine")
    assert classifier_names(lake) == sorted({*shipped_names(), "mine"})


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_model_is_small_and_whole(lake: Lake, engine: InProcess, name: str) -> None:
    assert (SHIPPED / f"{name}.npz").stat().st_size <= 1 << 20
    dataset = build(lake, engine, shipped_stage(name)).dataset
    value, models = dataset.read_json(CARD), from_bytes(dataset.read_bytes(MODEL))
    assert {p for p, entry in value["models"].items() if entry["available"]} == set(models)
    for part, model in models.items():
        assert len(model.scale) == max(len(value["models"][part]["classes"]), 1)
        assert np.all(np.diff(model.buckets.astype(np.int64)) > 0)
