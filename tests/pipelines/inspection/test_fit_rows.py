"""Whole hosts are dealt to folds, and gathered documents are those that the judge sees."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.labels import read_labels
from pipelines.engine import InProcess
from pipelines.inspection.fit_rows import deal, kept_by, rows_of
from pipelines.inspection.labelled import find_labelled
from pipelines.inspection.numbers import published_policy
from pipelines.lake import Lake
from tests.support.judged import judged
from tests.support.spoken import say


@given(st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=60), st.integers(2, 6))
def test_whole_hosts_are_dealt_evenly_and_their_order_makes_no_difference(
    groups: list[str], folds: int
) -> None:
    found = deal(groups, folds)
    fold_of = dict(zip(groups, found, strict=True))
    assert [fold_of[g] for g in groups] == list(found)
    assert dict(zip(sorted(groups), deal(sorted(groups), folds), strict=True)) == fold_of
    load = Counter(found.tolist())
    assert max(load.values()) - min(load.get(f, 0) for f in range(folds)) <= max(Counter(groups).values())


def test_gathered_documents_are_kept_as_published(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    for part, row, verdict in ((0, 0, "keep"), (0, 1, "border"), (1, 0, "drop")):
        say(lake, tables, part, row, verdict)
    policy = published_policy(tables)
    labels = find_labelled(tables, read_labels(lake, "d"))
    rows = rows_of([(tables, labels.decided)], policy)
    assert rows is not None and len(rows) == 2 and rows.wanted.tolist() == [True, False]
    english = next(s for s in policy.sets if s.name == "english")
    assert rows.languages.tolist() == ["en", "en"] and kept_by(english, rows).tolist() == [True, False]
    assert rows_of([(tables, ())], policy) is None
