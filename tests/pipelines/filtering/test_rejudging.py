"""A document is judged again by the shipped policy as it was judged first: every group that the
policy reads is measured."""

from __future__ import annotations

import pyarrow as pa

from pipelines.filtering.policy import Policy, policy_path
from pipelines.filtering.rejudging import Judge
from pipelines.lake import Lake
from tests.support.release_samples import make_dump

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
