"""The catalogue is in order, and names what stages read."""

from __future__ import annotations

import pytest

from pipelines.catalogue.tables import TABLES, entry_of, follows, names
from pipelines.inspection.explain import OUTCOMES
from pipelines.inspection.funnel import SHOWN
from pipelines.lake import Lake
from tests.support.assembled import assemble, hit
from tests.support.catalogue import inputs_without_entry, pointers_without_entry
from tests.support.release_samples import make_release, prose


def test_each_table_comes_after_what_it_reads() -> None:
    seen: set[str] = set()
    for name, table in TABLES.items():
        assert {*table.reads, *filter(None, [table.beside])} <= seen, name
        seen.add(name)


def test_lists_are_of_a_life_or_a_group() -> None:
    models = ("reference_classifier", "stem_classifier", "perplexity_models", "classifier_models")
    assert names(group="models") == models
    assert entry_of("classifiers/edu") is TABLES["classifiers"] and entry_of("signals/none") is None
    assert names(life="dump")[0] == "raw_dump" and "signals/code" in names(life="dump")
    assert set(OUTCOMES) <= set(names(life="release")) and set(SHOWN) <= set(names(life="dump"))


@pytest.mark.parametrize(
    ("table", "others", "answer"),
    [
        ("decisions", ["edits"], True),
        ("signatures", ["reference_classifier", "stem_classifier"], False),
        ("clusters", ["duplicates"], True),
        ("duplicates", ["clusters", "duplicates"], False),
    ],
)
def test_what_follows_from_what(table: str, others: list[str], answer: bool) -> None:
    assert follows(table, others) is answer


def test_the_tables_of_a_release_read_what_their_entries_say(lake: Lake) -> None:
    rows = [{"text": prose(a)} for a in ("cat", "dog", "cat")] + [
        {"text": prose("owl"), "side": "validation"}
    ]
    release = make_release(lake, {"a": rows})
    assemble(lake, release, hit(release.parts[0].ids()[1].as_py()))
    assert pointers_without_entry(lake) == [] and inputs_without_entry(lake) == []
