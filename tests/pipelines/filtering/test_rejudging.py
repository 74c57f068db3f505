"""A document is judged again by the shipped policy as it was judged first: every group that the
policy reads is measured."""

from __future__ import annotations

import pyarrow as pa

from pipelines.engine import InProcess
from pipelines.filtering.policy import Policy, policy_path
from pipelines.filtering.rejudging import Judge
from pipelines.lake import Lake
from pipelines.quality.classifier_models import classifier_model_stage
from pipelines.tables.stage import build
from tests.support.labels import classifier_card, labelled_bytes
from tests.support.release_samples import make_dump
from tests.support.topics import topic_texts

TEXT = (
    "The committee met on Tuesday and decided that the bridge over the river would be repaired before the"
    " winter. " * 8
)


def test_the_shipped_policy_judges_cut_texts_of_every_category(lake: Lake) -> None:
    tables = make_dump(lake, "a", [{"text": TEXT}])
    policy = Policy.load(policy_path("default"))
    judge = Judge(policy, {}, {}, {}, tables.documents)
    rows = [("webpages", "Too short."), ("code", "x = 1\n"), ("encyclopedia", "")]
    ids = [bytes([k]) * 16 for k in range(len(rows))]
    metadata = pa.table(
        {
            "doc_id": pa.array(ids, pa.binary(16)),
            "url": [f"https://a.example/{k}.py" for k in range(len(rows))],
            "group": ["g"] * len(rows),
            "side": ["train"] * len(rows),
            "category": [category for category, _ in rows],
        }
    )
    reasons = judge.reasons(metadata, [text for _, text in rows])
    assert len(reasons) == 3 and any(r.startswith("rules/") for r in reasons[0])
    assert judge.reasons(metadata.slice(0, 0), []) == []


def test_a_cut_text_is_scored_again_by_the_classifier_that_the_policy_bounds(
    lake: Lake, engine: InProcess
) -> None:
    model = build(lake, engine, classifier_model_stage(classifier_card(), labelled_bytes())).dataset
    bounds = {"classifiers/topics/web": {"max": 0.5, "source": "test"}}
    rules = {"name": "all", "categories": ["*"], "languages": ["*"], "bounds": bounds}
    policy = Policy.model_validate(
        {"name": "p", "sets": [rules], "stem_exercise": {"min": 1, "source": "test"}}
    )
    tables = make_dump(lake, "a", [{"text": TEXT}])
    judge = Judge(policy, {}, {}, {}, tables.documents, {"topics": model})
    texts = [*topic_texts("web", 1), *topic_texts("stem", 1)]
    metadata = pa.table(
        {
            "doc_id": pa.array([bytes([k]) * 16 for k in range(2)], pa.binary(16)),
            **{name: ["x"] * 2 for name in ("url", "group", "side", "category")},
        }
    )
    assert judge.reasons(metadata, texts) == [["classifiers/topics/web"], []]
    assert judge.fingerprint != Judge(policy, {}, {}, {}, tables.documents).fingerprint
