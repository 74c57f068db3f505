"""Releases from what an earlier one left: always what the same release gives from nothing, and only
new text is read."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.dedup import incremental
from pipelines.dedup.duplicates import VERSION, duplicates_stage, final_duplicates_stage, find_duplicates
from pipelines.dedup.election import Thresholds
from pipelines.dedup.signed_parts import same_parameters, signed_parts
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from pipelines.tables.inputs import DumpTables, ReleaseTables
from pipelines.tables.schemas import ID
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release, publish
from tests.support.near_duplicates import corpus, edited, text


def fresh(tmp: Path, dumps: Sequence[DumpTables], **card: Any) -> str:
    """Content hash of the release in a lake that has no other: found from nothing."""
    other = Lake(tmp)
    return build(other, InProcess(), duplicates_stage(make_release(dumps, "r", **card))).dataset.content_hash


def earlier(lake: Lake, release: ReleaseTables) -> incremental.EarlierClusters | None:
    thresholds = Thresholds(release.card.jaccard, release.card.containment)
    made_of = incremental.identity(signed_parts(release), release.card, same_parameters(release), thresholds)
    return incremental.find_earlier(lake, made_of, VERSION)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.randoms(use_true_random=False),
    st.lists(st.sets(st.integers(0, 3), min_size=1), min_size=2, max_size=4),
)
def test_one_dump_at_a_time_or_at_once(
    tmp_path_factory: pytest.TempPathFactory, gen: random.Random, releases: list[set[int]]
) -> None:
    """Any sequence of releases over any of four dumps, some dropped and some back: each as from
    nothing."""
    tmp = tmp_path_factory.mktemp("lakes")
    lake, rows = Lake(tmp / "lake"), corpus(20)
    gen.shuffle(rows)
    dumps = [make_dump(lake, f"d{i}", rows[i::4], parts=1 + i % 2) for i in range(4)]
    for n, names in enumerate(releases):
        chosen = [dumps[i] for i in sorted(names)]
        found = build(
            lake, InProcess(), duplicates_stage(make_release(chosen, "r" if n % 2 else "q"))
        ).dataset
        assert found.content_hash == fresh(tmp / f"fresh{n}", chosen)


@pytest.fixture
def grown(lake: Lake) -> tuple[Lake, list[DumpTables]]:
    """A release of one dump that is there, and a small dump that is new."""
    old = make_dump(
        lake,
        "old",
        [{"text": text(i)} for i in range(40)] + [{"text": edited(text(i), i, 0.02)} for i in range(10)],
        parts=2,
    )
    build(lake, InProcess(), duplicates_stage(make_release([old], "first")))
    new = make_dump(
        lake, "new", [{"text": text(20) + " end", "category": "stem"}, {"text": text(21)}, {"text": text(99)}]
    )
    return lake, [old, new]


def test_only_what_a_new_dump_touches_is_elected_and_read(
    grown: tuple[Lake, list[DumpTables]], tmp_path: Path
) -> None:
    lake, dumps = grown
    release = make_release(dumps, "second")
    found = find_duplicates(InProcess(), release, earlier(lake, release))
    assert (found.elected, found.read) == (4, 4)  # two new documents and what they double
    built = build(lake, InProcess(), duplicates_stage(release)).dataset
    assert built.content_hash == fresh(tmp_path / "fresh", dumps)
    ids = [d.documents.read(["doc_id"])["doc_id"].to_pylist() for d in dumps]
    evidence = {r["doc_id"]: r["kept_id"] for r in built.read().to_pylist()}
    assert evidence[ids[0][20]] == ids[1][0]  # the new one is of a better source, so the old one goes


def test_new_thresholds_read_only_pairs_that_were_never_compared(
    grown: tuple[Lake, list[DumpTables]], tmp_path: Path
) -> None:
    lake, (old, _) = grown
    strict = make_release([old], "strict", jaccard=0.99, containment=1.0)
    found = find_duplicates(InProcess(), strict, earlier(lake, strict))
    assert found.read == 0 < found.elected
    assert build(lake, InProcess(), duplicates_stage(strict)).dataset.content_hash == fresh(
        tmp_path / "f", [old], jaccard=0.99, containment=1.0
    )


def test_a_tombstone_lets_the_next_take_the_place(
    grown: tuple[Lake, list[DumpTables]], tmp_path: Path
) -> None:
    lake, (old, _) = grown
    before = (
        build(lake, InProcess(), duplicates_stage(make_release([old], "first"))).dataset.read().to_pylist()
    )
    kept = before[0]["kept_id"]
    row = (
        old.documents.read()
        .filter(pa.compute.equal(old.documents.read()["doc_id"], pa.scalar(kept, ID)))
        .to_pylist()[0]
    )
    buried = make_release([old], "buried", tombstones=(row["url"],))
    found = build(lake, InProcess(), duplicates_stage(buried)).dataset
    assert found.content_hash == fresh(tmp_path / "fresh", [old], tombstones=(row["url"],))
    gone = found.read()["doc_id"].to_pylist()
    assert sum(r["kept_id"] == kept for r in before) == len(before) - len(gone) == 1
    # and back: a document that returns is a new one
    again = build(lake, InProcess(), duplicates_stage(make_release([old], "back"))).dataset
    assert again.content_hash == fresh(tmp_path / "again", [old])


def test_documents_excluded_later_make_room_in_their_clusters(grown: tuple[Lake, list[DumpTables]]) -> None:
    lake, (old, _) = grown
    release = make_release([old], "first")
    first = build(lake, InProcess(), duplicates_stage(release)).dataset
    pairs = first.read().to_pylist()
    exclusions = publish(lake, "exclusions", "r", [pa.table({"doc_id": pa.array([pairs[0]["kept_id"]], ID)})])
    second = build(lake, InProcess(), final_duplicates_stage(release, exclusions)).dataset
    assert second.read().to_pylist() == [p for p in pairs if p["kept_id"] != pairs[0]["kept_id"]]
    assert lake.current("duplicates", "first").content_hash == first.content_hash
    assert (
        lake.current("clusters", "first").manifest.rows == 18
    )  # what the next release starts from is without exclusions


def test_too_much_that_is_new_is_found_anew(
    grown: tuple[Lake, list[DumpTables]], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, dumps = grown
    release = make_release(dumps, "second")
    monkeypatch.setattr(incremental, "NEW_KEYS", 10)
    assert find_duplicates(InProcess(), release, earlier(lake, release)).elected == 22


def test_spark_updates_as_this_process_does(
    grown: tuple[Lake, list[DumpTables]], tmp_path: Path, spark: Spark, monkeypatch: pytest.MonkeyPatch
) -> None:
    lake, dumps = grown
    monkeypatch.setattr(incremental, "DRIVER_MEMBERS", 0)
    release = make_release(dumps, "second")
    assert find_duplicates(spark, release, earlier(lake, release)).elected == 4
    assert build(lake, spark, duplicates_stage(release)).dataset.content_hash == fresh(
        tmp_path / "fresh", dumps
    )


def test_pairs_are_kept_once_and_by_content(grown: tuple[Lake, list[DumpTables]]) -> None:
    lake, dumps = grown
    first = lake.current("verified_pairs", "first").read()
    build(lake, InProcess(), duplicates_stage(make_release(dumps, "second")))
    second = lake.current("verified_pairs", "second").read()
    assert first.num_rows == 8
    assert second.num_rows == 9  # an exact copy needs no comparison
    assert set(map(tuple, first.to_pylist())) <= set(map(tuple, second.to_pylist()))
    assert all(r["content"] > r["other"] for r in second.to_pylist())
    assert np.all(second["shared"].to_numpy() > 80)
