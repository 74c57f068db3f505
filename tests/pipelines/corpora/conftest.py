"""One published release for the tests of data cards and exports."""

from __future__ import annotations

import pytest

from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.lake import Lake
from tests.support.assembled import assemble
from tests.support.release_samples import make_release, prose

ANIMALS = ["cat", "dog", "owl", "fox", "hen", "cow"]


@pytest.fixture
def published(lake: Lake) -> Lake:
    rows = [
        {"text": prose(a) + "\nsecond line é", "published": f"2023-0{k + 1}-01"}
        for k, a in enumerate(ANIMALS)
    ]
    rows[5] |= {"text": rows[0]["text"]}  # a copy of the first, which is earlier
    rows[1] |= {"language": "zh"}
    rows[3] |= {"reasons": ["rules/num_words", "rules/short_lines"]}
    rows[4] |= {"published": None, "crawled": "2024-01-02T03:04:05Z"}
    release = make_release(lake, {"a": rows}, recurrence=RecurrencePolicy())
    lake.write_bytes(
        "cards/dumps/a.yaml", b"name: a\nkind: jsonl\nuris: [x]\nlicence: CC BY 4.0\ndate: 2023-06\n"
    )
    assemble(lake, release)
    return lake
