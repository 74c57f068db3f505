from __future__ import annotations

import random

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality import perplexity
from pipelines.quality.classifiers import (
    _folds,
    reference_classifier_stage,
    stem_classifier_stage,
    stem_label,
)
from pipelines.quality.features import features
from pipelines.quality.held_out import auc
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import SCORES, scores_stage
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build
from tests.support.dumps import build_signals
from tests.support.pages import make_dump

TOPICS = {
    "reference": (
        "history",
        "river",
        "province",
        "century",
        "population",
        "city",
        "founded",
        "kingdom",
        "treaty",
        "museum",
        "census",
    ),
    "web": (
        "buy",
        "shop",
        "discount",
        "price",
        "order",
        "shipping",
        "click",
        "offer",
        "sale",
        "deal",
        "cart",
        "coupon",
        "brand",
    ),
    "stem": (
        "question",
        "answer",
        "solve",
        "equation",
        "sum",
        "number",
        "equals",
        "solution",
        "calculate",
        "apples",
        "therefore",
    ),
}


def texts(topic: str, count: int) -> list[str]:
    rng = random.Random(topic)
    return [
        "The people of this place have said that it is the best of all, and this is what they wrote about the "
        + " ".join(rng.choices(TOPICS[topic], k=30))
        + "."
        for _ in range(count)
    ]


@pytest.fixture
def dumps(lake: Lake, engine: InProcess) -> dict[str, DumpTables]:
    return {
        "ref": make_dump(
            lake, engine, "ref", [texts("reference", 40)], category="encyclopedia", reference=True
        ),
        "web": make_dump(lake, engine, "web", [texts("web", 40), texts("web", 30)]),
        "stem": make_dump(lake, engine, "stem", [texts("stem", 40)], category="stem"),
        "held": make_dump(lake, engine, "held", [texts("web", 20)], side="validation", held_out=True),
    }


def test_reference_classifier_separates_and_repeats(
    lake: Lake, engine: InProcess, dumps: dict[str, DumpTables]
) -> None:
    built = build(lake, InProcess(), reference_classifier_stage(dumps))
    card = built.dataset.read_json("card.json")
    assert sorted(card["training"]) == [
        "ref",
        "web",
    ]  # the exercises are no random pages; held out is never read
    assert card["training"]["web"]["documents"] == dumps["web"].documents.content_hash
    assert card["languages"]["en"]["out_of_fold"]["reference"]["auc"] > 0.95
    assert (
        not card["languages"]["zh"]["available"]
        and "zh examples of reference" in card["languages"]["zh"]["reason"]
    )

    lake.delete(f"keys/{built.dataset.manifest.recompute_key}.json")
    lake.delete(built.dataset.path)
    again = build(lake, InProcess(), reference_classifier_stage(dumps))
    assert again.fresh and again.dataset.content_hash == built.dataset.content_hash


def test_a_held_out_dump_leaves_the_models_alone_and_a_changed_one_does_not(
    lake: Lake, engine: InProcess, dumps: dict[str, DumpTables]
) -> None:
    key = build(lake, InProcess(), reference_classifier_stage(dumps)).dataset.manifest.recompute_key
    without = {n: d for n, d in dumps.items() if n not in ("held", "stem")}
    assert not build(lake, InProcess(), reference_classifier_stage(without)).fresh
    changed = dumps | {"web": make_dump(lake, engine, "web", [texts("web", 50)])}
    assert build(lake, InProcess(), reference_classifier_stage(changed)).dataset.manifest.recompute_key != key


def test_scores_are_out_of_fold_and_null_without_a_model(
    lake: Lake, engine: InProcess, dumps: dict[str, DumpTables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(perplexity, "find_lmplz", lambda: None)
    models = [
        build(lake, InProcess(), reference_classifier_stage(dumps)),
        build(lake, InProcess(), stem_classifier_stage(dumps)),
        build(lake, InProcess(), perplexity_models_stage(dumps)),
    ]
    assert models[2].dataset.stats == {"available": 0}
    assert "lmplz is missing" in models[2].dataset.read_json("status.json")["missing"][0]
    assert models[1].dataset.read_json("card.json")["languages"]["en"]["labels"] == ["exercise", "other"]

    used: set[str] = set()
    from pipelines.quality import classifiers

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
        signals = {g: b.dataset for g, b in build_signals(lake, engine, t.documents, t.edits).items()}
        built = build(
            lake,
            engine,
            scores_stage(t.documents, t.edits, signals["language"], *(m.dataset for m in models)),
        )
        table = built.dataset.read()
        assert table.schema == SCORES and table["doc_id"].equals(t.documents.read(["doc_id"])["doc_id"])
        assert table["perplexity"].null_count == table["stem_exposition"].null_count == table.num_rows
        means[name] = {k: sum(table[k].to_pylist()) / table.num_rows for k in ("reference", "stem_exercise")}
        if name == "ref":
            assert used == {"fold0.bin", "fold1.bin"}
        if name == "held":
            assert used == {"full.bin"}
    assert means["ref"]["reference"] > means["held"]["reference"] + 0.3
    assert means["stem"]["stem_exercise"] > means["held"]["stem_exercise"] + 0.3


def test_cited_urls_are_positives_wherever_they_were_crawled(lake: Lake, engine: InProcess) -> None:
    mixed = [t for pair in zip(texts("reference", 40), texts("web", 40), strict=True) for t in pair]
    dumps = {"crawl": make_dump(lake, engine, "crawl", [mixed])}
    cited = [f"http://WWW.crawl.invalid/{k}/#top" for k in range(0, 80, 2)]
    card = build(lake, InProcess(), reference_classifier_stage(dumps, cited)).dataset.read_json("card.json")
    english = card["languages"]["en"]
    assert english["available"] and english["examples"] == {"other": 40, "reference": 40}
    assert english["out_of_fold"]["reference"]["auc"] > 0.95 and "cited" in card
    without = build(lake, InProcess(), reference_classifier_stage(dumps)).dataset.read_json("card.json")
    assert not without["languages"]["en"]["available"]


def test_folds_leave_whole_sources_out(lake: Lake, engine: InProcess, dumps: dict[str, DumpTables]) -> None:
    card = build(lake, InProcess(), reference_classifier_stage(dumps)).dataset.read_json("card.json")
    entry = card["languages"]["en"]
    assert entry["fold_by"] == "document" and entry["sources"] == {
        "other": 1,
        "reference": 1,
    }  # one source each: cannot be apart
    sources = {"other": [f"w{k}" for k in range(8)], "reference": [f"r{k}" for k in range(8)]}
    examples = {
        n: [(bytes([k, j]), g, "words") for k, g in enumerate(names) for j in range(10)]
        for n, names in sources.items()
    }
    kind, parts = _folds(examples)
    assert kind == "group"
    for part in parts:
        for name, rows in part.items():
            left = {r[1] for r in examples[name]} - {r[1] for r in rows}
            assert left and not left & {r[1] for r in rows}


def test_features_are_one_line_and_fold_width() -> None:
    assert features("今天 Ｂuy\n12个!!") == "今 天 buy 0 个 ! <short> <formula>"
    assert (
        features(f"\\frac 3.14 {'x' * 30} {'aB9/' * 20}\n7") == "\\frac 0.0 <long> \u2318 0 <prose> <answer>"
    )


def test_pages_that_hold_exercises_are_no_negatives(lake: Lake, engine: InProcess) -> None:
    page = "Exercises\nFind the sum of 12 and 15.\nCalculate 3 + 4."
    for category, expected in (("stem", "exercise"), ("webpages", None), ("academic", None)):
        tables = make_dump(lake, engine, category, [[page]], category=category)
        assert stem_label(tables, page, "") == expected
    assert stem_label(tables, "An essay about rivers.", "") == "exposition"


def test_auc() -> None:
    assert auc([3, 4], [1, 2]) == 1.0 and auc([1], [1]) == 0.5 and auc([], [1]) is None
