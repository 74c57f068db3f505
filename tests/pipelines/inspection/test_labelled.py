"""Which labels count: of documents that are there, of the text that was read, by all who read it."""

from __future__ import annotations

import pytest

from pipelines.cards.labels import read_labels
from pipelines.engine import InProcess
from pipelines.inspection.labelled import (
    agreement_of,
    find_labelled,
    label_lines,
    published,
)
from pipelines.lake import Lake
from tests.support.judged import PLANTED, judged
from tests.support.spoken import say


def test_decisions_are_measured_by_language_with_what_counts_named(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    assert label_lines(lake, tables) == []
    say(lake, tables, 0, 0, "keep")
    say(lake, tables, 0, 1, "drop")
    say(lake, tables, 1, 0, "drop", content="0" * 32)
    say(lake, tables, 1, 1, "drop", doc_id="f" * 32)
    lines = label_lines(lake, tables)
    assert lines[0] == "labels of d: 2 documents (1 keep, 1 drop, 0 border) by ann"
    assert (
        "1 labels are of another text" in lines[1] and "1 labels are of documents that are gone" in lines[2]
    )
    assert "en  keep recall 1.000" in lines[3] and any(x.startswith("zh  drop recall 0.000") for x in lines)
    assert not any(PLANTED in line for line in lines)


def test_where_two_people_differ_the_document_is_at_the_border(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    say(lake, tables, 0, 0, "keep")
    say(lake, tables, 0, 0, "keep", labeller="bo")
    say(lake, tables, 1, 0, "keep")
    say(lake, tables, 1, 0, "drop", labeller="bo")
    found = find_labelled(tables, read_labels(lake, "d"))
    assert [d.verdict for d in found.documents] == ["keep", "border"]
    assert published(tables, found.decided) == [True] and len(found.decided) == 1
    assert "people agree on 0.50 of 2 answers" in "\n".join(label_lines(lake, tables))


def test_labels_of_a_cell_share_its_documents(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    say(lake, tables, 0, 0, "keep", cell="kept/en", of=90)
    say(lake, tables, 0, 1, "keep", cell="rejected/zh/several", of=20)
    say(lake, tables, 1, 0, "drop", cell="rejected/zh/several", of=20)
    found = find_labelled(tables, read_labels(lake, "d"))
    assert [d.weight for d in found.documents] == [90, 10, 10]
    agreed = agreement_of(found, [True, False, False])
    assert agreed.keep.share == pytest.approx(0.9) and agreed.drop.share == 1
    assert agreed.keep.low < 0.5  # two labels say little, whatever they stand for
