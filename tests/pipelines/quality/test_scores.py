from __future__ import annotations

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality import classifiers, perplexity
from pipelines.quality.classifiers import reference_classifier_stage, stem_classifier_stage
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import SCORES, scores_stage
from pipelines.signals.signals import language_stage
from pipelines.tables.stage import build
from tests.support.topics import topic_dumps


def test_scores_are_out_of_fold_and_null_without_a_model(
    lake: Lake, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    dumps = topic_dumps(lake, engine)
    monkeypatch.setattr(perplexity, "find_lmplz", lambda: None)
    models = [
        build(lake, engine, reference_classifier_stage(dumps)),
        build(lake, engine, stem_classifier_stage(dumps)),
        build(lake, engine, perplexity_models_stage(dumps)),
    ]
    assert models[2].dataset.stats == {"available": 0}
    assert "lmplz is missing" in models[2].dataset.read_json("status.json")["missing"][0]
    assert models[1].dataset.read_json("card.json")["languages"]["en"]["labels"] == ["exercise", "other"]

    used: set[str] = set()
    plain = classifiers.predict_labels
    monkeypatch.setattr(
        classifiers,
        "predict_labels",
        lambda path, words: used.add(path.rsplit("-", 1)[1]) or plain(path, words),
    )
    means = {}
    for name in ("ref", "stem", "held"):
        used.clear()
        t = dumps[name]
        language = build(lake, engine, language_stage(t.documents, t.edits)).dataset
        stage = scores_stage(t.documents, t.edits, language, *(m.dataset for m in models))
        table = build(lake, engine, stage).dataset.read()
        assert table.schema == SCORES and table["doc_id"].equals(t.documents.read(["doc_id"])["doc_id"])
        assert table["perplexity"].null_count == table["stem_exposition"].null_count == table.num_rows
        means[name] = {k: sum(table[k].to_pylist()) / table.num_rows for k in ("reference", "stem_exercise")}
        if name == "ref":
            assert used == {"fold0.bin", "fold1.bin"}
        if name == "held":
            assert used == {"full.bin"}
    assert means["ref"]["reference"] > means["held"]["reference"] + 0.3
    assert means["stem"]["stem_exercise"] > means["held"]["stem_exercise"] + 0.3


def test_pages_get_no_reference_score_by_a_model_of_one_publisher(lake: Lake, engine: InProcess) -> None:
    dumps = topic_dumps(lake, engine, sources=1)
    t = dumps["held"]
    stages = (reference_classifier_stage, stem_classifier_stage, perplexity_models_stage)
    models = [build(lake, engine, stage(dumps)).dataset for stage in stages]
    language = build(lake, engine, language_stage(t.documents, t.edits)).dataset
    table = build(lake, engine, scores_stage(t.documents, t.edits, language, *models)).dataset.read()
    assert table["reference"].null_count == table.num_rows
    assert table["stem_exercise"].null_count == 0
