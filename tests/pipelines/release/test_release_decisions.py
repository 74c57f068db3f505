"""Who falls, who takes the place, and that no two texts of a release are equal."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake, LakeError
from pipelines.lake.damage import read_all
from pipelines.release.release_decisions import RELEASE_DECISIONS, check_no_equal_texts, equal_texts
from pipelines.tables.schemas import document_id
from tests.support.assembled import assemble, hit, reasons, texts
from tests.support.release_samples import make_release, prose, publish

IDS = [document_id("a", "f", k) for k in range(8)]


def test_where_a_canonical_document_falls_the_next_takes_its_place(lake: Lake) -> None:
    # the longest is canonical; when it overlaps a benchmark, the next longest stays and the third
    # is its duplicate
    rows = [{"text": prose("cat") + " More." * k} for k in (2, 1, 0)] + [{"text": prose("owl")}]
    release = make_release(lake, {"a": rows})
    built = assemble(lake, release, hit(IDS[0]))
    assert texts(built["main"]) == {rows[1]["text"], rows[3]["text"]}
    found = {r["doc_id"]: (r["reasons"], r["kept_id"]) for r in built["rejected"].dataset.read().to_pylist()}
    assert found == {
        IDS[0]: (["contamination/benchmark"], None),
        IDS[2]: ([next(iter(found[IDS[2]][0]))], IDS[1]),
    }
    assert found[IDS[2]][0][0].startswith("duplicate/")


def test_every_table_of_a_release_is_what_its_manifest_says(lake: Lake) -> None:
    built = assemble(lake, make_release(lake, {"a": [{"text": prose(a)} for a in ("cat", "owl")]}))
    assert [name for name, made in built.items() if read_all(made.dataset)] == []


def test_a_document_that_fails_after_a_cut_makes_room_too(lake: Lake) -> None:
    footer = (
        "All rights reserved by the people of this site, who say so on every page of it "
        "and will say so for good"
    )
    cat = "The cat sat on the mat and looked at the dog."  # alone, too short for the policy
    rows = [{"text": f"{cat}\n{footer}"}, {"text": f"{cat} {footer}"}]
    rows += [{"text": f"{prose(a)}\n{footer}"} for a in ("owl", "fox")]
    built = assemble(lake, make_release(lake, {"a": rows}))
    why = reasons(built)
    first = next(r for r in built["duplicates"].dataset.read().to_pylist())
    assert {first["doc_id"], first["kept_id"]} == {IDS[0], IDS[1]}
    assert why == {IDS[0]: ["recurrence/rules/num_chars", "recurrence/loss"]} or IDS[1] not in why
    assert rows[1]["text"] in texts(built["main"])


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 7)))
def test_excluded_documents_leave_the_release_as_if_they_had_never_been_there(
    tmp_path_factory: pytest.TempPathFactory, overlapping: set[int], buried: set[int]
) -> None:
    rows = [
        {"text": prose("cat" if k < 5 else "owl") + " More." * (k % 3), "url": f"u/{k}"} for k in range(8)
    ]
    lake = Lake(tmp_path_factory.mktemp("lake"))
    release = make_release(
        lake, {"a": rows}, tombstones=tuple(f"u/{k}" for k in sorted(buried)), recurrence=RecurrencePolicy()
    )
    built = assemble(lake, release, *(hit(IDS[k]) for k in sorted(overlapping)))
    other = Lake(tmp_path_factory.mktemp("other"))
    alive = [
        row | ({"reasons": ["never/there"]} if k in overlapping | buried else {})
        for k, row in enumerate(rows)
    ]
    without = assemble(other, make_release(other, {"a": alive}, recurrence=RecurrencePolicy()))
    assert built["main"].dataset.parts == () == without["main"].dataset.parts or (
        built["main"]
        .dataset.read(["doc_id", "text"])
        .equals(without["main"].dataset.read(["doc_id", "text"]))
    )
    assert len(texts(built["main"])) == sum(
        bool(set(c) - overlapping - buried) for c in (range(5), range(5, 8))
    )


def test_equal_texts_are_refused_by_name_on_every_engine(lake: Lake, spark: Spark) -> None:
    base = {
        "kept_id": None,
        "cuts": [],
        "corpus": "main",
        "side": "train",
        "language": "en",
        "category": "webpages",
    }
    rows = [
        base | {"doc_id": IDS[k], "reasons": r, "content_hash": c * 16}
        for k, r, c in ((0, [], b"x"), (1, ["out"], b"x"), (2, [], b"y"))
    ]
    sound = publish(lake, "release_decisions", "r", [pa.Table.from_pylist(rows, RELEASE_DECISIONS)])
    check_no_equal_texts(InProcess(), sound)
    broken = publish(
        lake,
        "release_decisions",
        "r",
        [pa.Table.from_pylist([*rows, rows[0] | {"doc_id": IDS[3]}], RELEASE_DECISIONS)],
    )
    for engine in (InProcess(), spark):
        assert equal_texts(engine, sound) == []
        assert [sorted(p) for p in equal_texts(engine, broken)] == [sorted((IDS[0].hex(), IDS[3].hex()))]
    with pytest.raises(LakeError, match=IDS[3].hex()):
        check_no_equal_texts(InProcess(), broken)
