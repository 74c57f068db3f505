"""Which documents of a part are still in a release."""

from __future__ import annotations

import dataclasses

import pyarrow as pa
import pytest

from pipelines.cards.release import ReleaseCard
from pipelines.lake import Lake, LakeError
from pipelines.release.survivors import excluded_by_card, removed_ids, survivors
from pipelines.tables.schemas import ID, document_id
from tests.support.release_samples import make_dump, make_duplicates, prose


def test_tombstones_and_cutoff() -> None:
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023-06", tombstones=("u1",))
    dates = ["2020-01-01", "2023-06-30", "2023-07-01T00:00:00Z", ""]
    assert excluded_by_card(card, pa.array(["u1", "u2", "u3", "u4"]), pa.array(dates)).to_pylist() == [
        "tombstone",
        "",
        "cutoff_date",
        "",
    ]
    assert excluded_by_card(
        ReleaseCard(name="r", dumps=("a",)), pa.array(["u"]), pa.array(["2999"])
    ).to_pylist() == [""]


def test_survivors_pass_their_rules_the_card_and_the_election(lake: Lake) -> None:
    rows = [{"text": prose(a)} for a in ("cat", "dog", "owl", "fox")]
    rows[0] |= {"reasons": ["rules/x"]}  # type: ignore[dict-item]
    rows[1] |= {"date": "2024"}
    tables = make_dump(lake, "a", rows)
    removed = removed_ids(make_duplicates(lake, (document_id("a", "f", 2), document_id("a", "f", 3))))
    card = ReleaseCard(name="r", dumps=("a",), cutoff_date="2023")
    assert survivors(card, tables, removed, 0).to_pylist() == [False, False, False, True]


def test_decisions_of_other_documents_are_refused(lake: Lake) -> None:
    tables, other = (make_dump(lake, n, [{"text": prose("cat")}]) for n in "ab")
    mixed = dataclasses.replace(tables, decisions=other.decisions)
    with pytest.raises(LakeError, match="rebuild decisions"):
        survivors(ReleaseCard(name="r", dumps=("a",)), mixed, pa.array([], ID), 0)
