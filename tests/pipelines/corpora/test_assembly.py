"""What a release publishes for training, and what it rejects."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.corpora.assembly import corpus_stage
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake, LakeError
from pipelines.tables.schemas import document_id
from tests.support.assembled import FOOTER, animals, assemble, hit, reasons, texts
from tests.support.release_samples import make_release, prose


def test_every_document_is_in_exactly_one_place(lake: Lake) -> None:
    gone = "https://gone.example/x"
    rows = animals(
        {},
        {"corpus": "stem", "category": "stem"},
        {"side": "validation", "language": "zh"},
        {"reasons": ["gopher/words", "c4/lines"]},
    )
    rows += [{"text": prose("hen"), "url": gone}, {"text": prose("cow"), "published": "2024-05-01"}]
    rows += [{"text": prose("cat").upper(), "published": "2023"}, {"text": prose("bee")}]
    rows[0]["published"] = "2022"
    release = make_release(lake, {"a": rows}, tombstones=(gone,), cutoff_date="2024-01-01")
    ids = [document_id("a", "f", k) for k in range(8)]
    built = assemble(lake, release, hit(ids[7]))
    assert texts(built["main"]) == {prose("cat")} and texts(built["stem"]) == {prose("dog")}
    assert texts(built["validation"]) == {prose("owl")}
    assert [p.path for p in built["validation"].dataset.parts] == ["domain=web-zh/a-00000.parquet"]
    assert [p.path for p in built["main"].dataset.parts] == ["language=en/category=webpages/a-00000.parquet"]
    assert reasons(built) == {
        ids[3]: ["gopher/words", "c4/lines"],
        ids[4]: ["release/tombstone"],
        ids[5]: ["release/cutoff_date"],
        ids[6]: ["duplicate/exact"],
        ids[7]: ["contamination/benchmark"],
    }
    kept = {r["doc_id"]: r["kept_id"] for r in built["rejected"].dataset.read().to_pylist()}
    assert kept[ids[6]] == ids[0] and kept[ids[3]] is None
    size = len(prose("cat").encode())
    assert built["main"].dataset.stats["composition"] == {
        "en": {"webpages": {"a": {"documents": 1, "bytes": size}}}
    }
    assert built["release_decisions"].dataset.stats["corpora"] == {"main": 1, "stem": 1}


def test_stem_is_decided_before_the_election_and_main_gets_no_copy(lake: Lake) -> None:
    rows = [{"text": prose("cat")}, {"text": prose("cat"), "category": "stem", "corpus": "stem"}]
    built = assemble(lake, make_release(lake, {"a": rows}))
    assert texts(built["stem"]) == {prose("cat")} and texts(built["main"]) == set()


def test_texts_made_equal_by_cuts_are_kept_once(lake: Lake) -> None:
    footers = [prose("footer"), prose("other")]
    rows = [
        {"text": f"{prose(a, 60)}\n{footers[k % 2]}"}
        for k, a in enumerate(("cat", "cat", "dog", "owl", "fox", "hen"))
    ]
    built = assemble(lake, make_release(lake, {"a": rows}))
    assert built["duplicates"].dataset.manifest.rows == 0  # with their footers they are no near-duplicates
    (late,) = built["rejected"].dataset.read().to_pylist()
    pair = sorted(document_id("a", "f", k) for k in range(2))
    assert late["reasons"] == ["duplicate/late"] and [late["kept_id"], late["doc_id"]] == pair
    assert built["main"].dataset.manifest.rows == 5


def test_a_new_dump_leaves_the_parts_that_it_does_not_touch(lake: Lake) -> None:
    names = ("one", "two", "three")  # digits would read as 0, and the texts as one block
    old = {f"d{k}": [{"text": prose(f"{a} {n}")} for a in ("cat", "dog")] for k, n in enumerate(names)}
    first = make_release(lake, old, name="one")
    assemble(lake, first)
    frozen = {"validation": "one", "blocks": "one"}
    twin = old["d1"][0] | {
        "text": prose("cat two") + " Indeed."
    }  # longer, so it takes the place of the old one
    later = make_release(lake, {**old, "new": [twin, {"text": prose("emu")}]}, name="two", **frozen)
    built = assemble(lake, later)
    links = {
        p.path: (Path(lake.root, built["main"].dataset.file(p.path)).stat().st_nlink)
        for p in built["main"].dataset.parts
    }
    assert {path.rsplit("/", 1)[1] for path, n in links.items() if n > 1} == {
        "d0-00000.parquet",
        "d2-00000.parquet",
    }
    whole = Lake(f"{lake.root}-other")
    anew = assemble(whole, make_release(whole, {**old, "new": [twin, {"text": prose("emu")}]}, name="two"))
    assert texts(anew["main"]) == texts(built["main"]) and len(texts(anew["main"])) == 7
    assert anew["main"].dataset.content_hash == built["main"].dataset.content_hash
    assert anew["main"].dataset.stats == built["main"].dataset.stats


def test_a_dump_that_is_not_named_neither_blocks_nor_enters(lake: Lake) -> None:
    rows = [{"text": prose("cat")}]
    dumps = {"better": [{"text": prose("cat") + " More.", "category": "books"}], "a": rows}
    assert texts(assemble(lake, make_release(lake, dumps))["main"]) == {prose("cat") + " More."}
    assert texts(assemble(lake, make_release(lake, {"a": rows}, name="without"))["main"]) == {prose("cat")}


def test_spark_and_process_give_the_same_release(tmp_path: Path, spark: Spark) -> None:
    found = []
    for name, engine in (("a", InProcess()), ("b", spark)):
        lake = Lake(tmp_path / name)
        rows = [{"text": f"{prose(a)}\n{FOOTER}"} for a in ("cat", "dog", "owl", "cat")] + [
            {"text": prose("dog")}
        ]
        release = make_release(lake, {"a": rows, "b": animals({"side": "validation"}, {}, {})})
        built = assemble(lake, release, hit(document_id("a", "f", 2)), engine=engine)
        found.append({k: v.dataset.content_hash for k, v in built.items()})
    assert found[0] == found[1]


def test_small_things(lake: Lake) -> None:
    with pytest.raises(LakeError, match="main or stem"):
        corpus_stage(None, None, which="best")  # type: ignore[arg-type]
