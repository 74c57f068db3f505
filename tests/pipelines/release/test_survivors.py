"""Which documents of a part are still in a release."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from pipelines.cards.release import ReleaseCard
from pipelines.lake import Lake, LakeError
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.inputs import ReleasePart
from pipelines.tables.schemas import ID, document_id
from tests.support.release_samples import make_dump, make_duplicates, prose


def test_survivors_pass_their_rules_the_card_and_the_election(lake: Lake) -> None:
    rows = [{"text": prose(a)} for a in ("cat", "dog", "owl", "fox")]
    rows[0] |= {"reasons": ["rules/x"]}  # type: ignore[dict-item]
    rows[1] |= {"crawled": "2024"}
    tables = make_dump(lake, "a", rows)
    removed = removed_ids(make_duplicates(lake, (document_id("a", "f", 2), document_id("a", "f", 3))))
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023")
    assert survivors(card, ReleasePart("a", tables, 0), removed).to_pylist() == [False, False, False, True]


def test_decisions_of_other_documents_are_refused(lake: Lake) -> None:
    tables, other = (make_dump(lake, n, [{"text": prose("cat")}]) for n in "ab")
    mixed = dataclasses.replace(tables, decisions=other.decisions)
    with pytest.raises(LakeError, match="rebuild decisions"):
        survivors(ReleaseCard(name="r", dumps=("a",)), ReleasePart("a", mixed, 0), pa.array([], ID))
