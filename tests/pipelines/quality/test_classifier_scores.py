from __future__ import annotations

import pyarrow as pa

from pipelines.catalogue.stages import members, stage_of
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality.classifier_models import classifier_model_stage
from pipelines.quality.classifier_scores import classifier_scores_stage, schema_of, score_texts
from pipelines.signals.signals import language_stage
from pipelines.tables.stage import build
from tests.support.labels import classifier_card, labelled_bytes, write_classifier
from tests.support.pages import make_dump
from tests.support.topics import topic_dumps, topic_texts


def test_every_document_has_its_row_and_other_languages_have_none(lake: Lake, engine: InProcess) -> None:
    model = build(lake, engine, classifier_model_stage(classifier_card(), labelled_bytes())).dataset
    chinese = "市政府周一开会讨论在河上修建一座新桥，许多市民到场旁听，工程师说旧桥必须关闭两年。"
    tables = make_dump(lake, engine, "d", [[*topic_texts("web", 3), chinese], topic_texts("stem", 2)])
    language = build(lake, engine, language_stage(tables.documents, tables.edits)).dataset
    stage = classifier_scores_stage("topics", tables.documents, tables.edits, language, model)
    built = build(lake, engine, stage).dataset
    table = built.read()
    assert table.schema == schema_of(["label", "score", "reference", "stem", "web"])
    assert table["doc_id"].equals(tables.documents.read(["doc_id"])["doc_id"])
    assert table["label"].to_pylist() == ["web"] * 3 + [None] + ["stem"] * 2
    assert (
        table["score"].to_pylist()[3] is None and table["web"].to_pylist()[0] == table["score"].to_pylist()[0]
    )
    assert built.stats == {"documents": 6, "scored": 5, "labels": {"stem": 2, "web": 3}}


def test_numbers_stay_in_the_range_of_the_labels(lake: Lake, engine: InProcess) -> None:
    card = classifier_card("grades", gives="number")
    model = build(lake, engine, classifier_model_stage(card, labelled_bytes())).dataset
    texts = pa.array(["", "solve " * 300, *topic_texts("stem", 1)])
    scores = score_texts(model, pa.array([b"0" * 16] * 3, pa.binary(16)), texts, ["en"] * 3)[
        "score"
    ].to_pylist()
    assert all(0.0 <= s <= 2.0 for s in scores) and scores[2] > 1.5


def test_fasttext_scores_as_its_model_says(lake: Lake, engine: InProcess) -> None:
    card = classifier_card(method="fasttext", epochs=40, folds=2)
    model = build(lake, engine, classifier_model_stage(card, labelled_bytes())).dataset
    found = score_texts(model, pa.array([b"0" * 16], pa.binary(16)), pa.array(topic_texts("web", 1)), ["en"])
    assert found["label"].to_pylist() == ["web"]


def test_another_card_computes_one_table(lake: Lake, engine: InProcess) -> None:
    lake_dumps = topic_dumps(lake, engine)
    build(lake, engine, language_stage(lake_dumps["web"].documents, lake_dumps["web"].edits))

    def make() -> dict[str, bool]:
        for name in members(lake, "classifier_models"):
            build(lake, engine, stage_of(lake, name))
        return {n: build(lake, engine, stage_of(lake, n, "web")).fresh for n in members(lake, "classifiers")}

    write_classifier(lake, "first")
    assert make()["classifiers/first"]
    write_classifier(lake, "second", ngrams=1)
    made = make()
    assert made.pop("classifiers/second") and not any(made.values())
