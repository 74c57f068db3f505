from __future__ import annotations

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.quality.classifiers import PUBLISHERS, reference_classifier_stage, stem_label
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build
from tests.support.pages import make_dump
from tests.support.topics import topic_dumps, topic_texts


@pytest.fixture
def dumps(lake: Lake, engine: InProcess) -> dict[str, DumpTables]:
    return topic_dumps(lake, engine)


def test_reference_classifier_separates_and_repeats(
    lake: Lake, engine: InProcess, dumps: dict[str, DumpTables]
) -> None:
    built = build(lake, engine, reference_classifier_stage(dumps))
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
    again = build(lake, engine, reference_classifier_stage(dumps))
    assert again.fresh and again.dataset.content_hash == built.dataset.content_hash


def test_a_held_out_dump_leaves_the_models_alone_and_a_changed_one_does_not(
    lake: Lake, engine: InProcess, dumps: dict[str, DumpTables]
) -> None:
    key = build(lake, engine, reference_classifier_stage(dumps)).dataset.manifest.recompute_key
    without = {n: d for n, d in dumps.items() if n not in ("held", "stem")}
    assert not build(lake, engine, reference_classifier_stage(without)).fresh
    changed = dumps | {"web": make_dump(lake, engine, "web", [topic_texts("web", 50)])}
    assert build(lake, engine, reference_classifier_stage(changed)).dataset.manifest.recompute_key != key


def test_cited_urls_are_positives_wherever_they_were_crawled(lake: Lake, engine: InProcess) -> None:
    mixed = [
        t for pair in zip(topic_texts("reference", 40), topic_texts("web", 40), strict=True) for t in pair
    ]
    dumps = {"crawl": make_dump(lake, engine, "crawl", [mixed])}
    cited = [f"http://WWW.crawl.invalid/{k}/#top" for k in range(0, 80, 2)]
    card = build(lake, engine, reference_classifier_stage(dumps, cited)).dataset.read_json("card.json")
    english = card["languages"]["en"]
    assert english["available"] and english["examples"] == {"other": 40, "reference": 40}
    assert english["out_of_fold"]["reference"]["auc"] > 0.95 and "cited" in card
    without = build(lake, engine, reference_classifier_stage(dumps)).dataset.read_json("card.json")
    assert not without["languages"]["en"]["available"]


def test_sources_that_cannot_be_apart_are_named(lake: Lake, engine: InProcess) -> None:
    dumps = topic_dumps(lake, engine, sources=1)
    card = build(lake, engine, reference_classifier_stage(dumps)).dataset.read_json("card.json")
    entry = card["languages"]["en"]
    assert entry["fold_by"] == "document" and entry["sources"] == {
        "other": 1,
        "reference": 1,
    }  # one source each: cannot be apart


def test_pages_that_hold_exercises_are_no_negatives(lake: Lake, engine: InProcess) -> None:
    page = "Exercises\nFind the sum of 12 and 15.\nCalculate 3 + 4."
    for category, expected in (("stem", "exercise"), ("webpages", None), ("academic", None)):
        tables = make_dump(lake, engine, category, [[page]], category=category)
        assert stem_label(tables, page, "") == expected
    assert stem_label(tables, "An essay about rivers.", "") == "exposition"


def test_positives_of_few_publishers_get_no_calibration(lake: Lake, engine: InProcess) -> None:
    for sources, expected in ((8, True), (PUBLISHERS - 1, False)):
        other = topic_dumps(lake, engine) | {
            "ref": make_dump(
                lake,
                engine,
                "ref",
                [topic_texts("reference", 40)],
                category="encyclopedia",
                reference=True,
                sources=sources,
            )
        }
        card = build(lake, engine, reference_classifier_stage(other)).dataset.read_json("card.json")
        entry = card["languages"]["en"]
        assert entry["available"] and entry["kinds"]["reference"] == {"encyclopedia": 40}
        assert bool(entry["calibration"]) is expected
        assert expected or "2 publishers" in entry["uncalibrated"]
