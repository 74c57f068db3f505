"""Duplicates of small releases: order of arrival, engines, exact copies, guards, refusals."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake, LakeError
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus, edited, text


def found(lake: Lake, release: object, engine: object = None) -> list[tuple[object, ...]]:
    built = build(lake, engine or InProcess(), duplicates_stage(release))  # type: ignore[arg-type]
    return [tuple(r.values()) for r in built.dataset.read().to_pylist()]


def test_copies_and_near_copies_go_and_templates_stay(lake: Lake) -> None:
    dump = make_dump(lake, "d", corpus(), parts=3)
    built = build(lake, InProcess(), duplicates_stage(make_release([dump])))
    table, stats = built.dataset.read(), built.dataset.stats
    offsets = {
        d: n
        for n, d in enumerate(
            x for i in range(3) for x in dump.documents.read_part(i, ["doc_id"]).column(0).to_pylist()
        )
    }
    gone = {offsets[r["doc_id"]]: (offsets[r["kept_id"]], r["kind"]) for r in table.to_pylist()}
    assert stats["kinds"]["exact"] >= 10
    assert stats["kinds"]["near"] >= 10
    assert (
        23 <= stats["removed"] <= 25
    )  # 2 % of words edited: J about .82, found with probability .99; some are not edited at all
    assert not [n for n in gone if n >= 85]  # template pages
    assert all(kept not in gone for kept, _ in gone.values())
    assert stats["removed"] == table.num_rows == len(gone)
    assert not build(lake, InProcess(), duplicates_stage(make_release([dump]))).fresh


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False), st.integers(1, 4))
def test_result_depends_on_content_only(
    tmp_path_factory: pytest.TempPathFactory, gen: random.Random, dumps: int
) -> None:
    lake = Lake(tmp_path_factory.mktemp("lake"))
    rows = corpus(24)
    straight = found(lake, make_release([make_dump(lake, "all", rows)], "straight"))
    gen.shuffle(rows)
    parts = [make_dump(lake, f"d{i}", rows[i::dumps], parts=2) for i in range(dumps)]
    gen.shuffle(parts)
    assert found(lake, make_release(parts, "shuffled")) == straight


def test_spark_and_process_agree(tmp_path: Path, spark: Spark) -> None:
    a, b = Lake(tmp_path / "a"), Lake(tmp_path / "b")
    results = []
    for lake, engine in ((a, InProcess()), (b, spark)):
        rows = corpus()
        release = make_release([make_dump(lake, "d1", rows[::2], parts=2), make_dump(lake, "d2", rows[1::2])])
        results.append(build(lake, engine, duplicates_stage(release)).dataset.content_hash)  # type: ignore[arg-type]
    assert results[0] == results[1]


def test_validation_wins_and_card_and_rules_take_out_canonical_documents(lake: Lake) -> None:
    rows = [
        {"text": text(1), "category": "stem"},
        {"text": text(1), "side": "validation"},
        {"text": text(1), "keep": False},
    ]
    dump = make_dump(lake, "d", rows)
    ids = dump.documents.read().column("doc_id").to_pylist()
    assert [r[:2] for r in found(lake, make_release([dump], "one"))] == [(ids[0], ids[1])]
    buried = make_release([dump], "two", tombstones=("https://d.example/1",))
    assert found(lake, buried) == []  # the next takes its place


def test_parallel_text_is_compared_with_itself_alone(lake: Lake) -> None:
    dump = make_dump(
        lake, "d", [{"text": text(1), "category": c} for c in ("parallel", "parallel", "webpages")]
    )
    assert len(found(lake, make_release([dump]))) == 1


def test_empty_texts_are_copies_of_each_other_only(lake: Lake) -> None:
    dump = make_dump(lake, "d", [{"text": t} for t in ("", " ", "...", "!!!", "one")])
    assert [r[2] for r in found(lake, make_release([dump]))] == ["exact"]


def test_guards_refuse_a_release(lake: Lake) -> None:
    dump = make_dump(lake, "d", [{"text": text(1)}] * 4)
    with pytest.raises(LakeError, match="3 of 4 documents of d"):
        found(lake, make_release([dump], max_source_share=0.5))
    near = make_dump(lake, "n", [{"text": edited(text(1), i, 0.02)} for i in range(5)])
    with pytest.raises(LakeError, match="max_cluster"):
        found(lake, make_release([near], max_cluster=2))
    assert not lake.exists(lake.pointer("duplicates", "r"))


def test_foreign_parameters_and_parts_are_refused(lake: Lake) -> None:
    one = make_dump(lake, "one", [{"text": text(1)}])
    two = make_dump(lake, "two", [{"text": text(2)}], parameters=MinHashParameters(seed=2))
    with pytest.raises(LakeError, match=one.need("signatures").content_hash):
        found(lake, make_release([one, two]))
    other = make_dump(lake, "other", [{"text": text(3)}])
    swapped = type(one)(
        one.card, one.documents, one.edits, signatures=other.signatures, decisions=one.decisions
    )
    with pytest.raises(LakeError, match=r"signatures/other/.*part-00000"):
        found(lake, make_release([swapped]))


def test_signatures_are_row_aligned_and_parameters_checked(lake: Lake) -> None:
    dump = make_dump(lake, "d", [{"text": text(i)} for i in range(5)], parts=2)
    signatures = dump.need("signatures")
    assert [p.rows for p in signatures.parts] == [p.rows for p in dump.documents.parts]
    assert signatures.read(["doc_id"]).equals(dump.documents.read(["doc_id"]))
    with pytest.raises(ValueError, match="bands x rows"):
        MinHashParameters(num_perm=16)
