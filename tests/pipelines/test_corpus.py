from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.corpus import build_corpus, build_rejected, build_validation_sets, check_no_equal_texts, domain_of
from pipelines.documents import document_id
from pipelines.lake import Built, Dataset, Lake, LakeError
from pipelines.overlap import SCHEMA, OverlapPolicy
from pipelines.recurrence import RecurrencePolicy, build_recurring_blocks
from pipelines.spark import InProcess
from pipelines.tables import ReleaseTables
from pipelines.verdicts import build_verdicts, merge_spans
from tests.pipelines.release_samples import make_duplicates, make_release, publish

LONG = "A page about the {} that says enough of its own to stay in the corpus after every cut that there is."
FOOTER = "All rights reserved by the people of this site"


def no_overlap(lake: Lake, *rows: dict[str, object]) -> Dataset:
    return publish(lake, "overlap", "r", [pa.Table.from_pylist(list(rows), SCHEMA)])


def texts(built: Built) -> set[str]:
    return set(built.dataset.read(["text"])["text"].to_pylist()) if built.dataset.parts else set()


def assemble(
    lake: Lake, release: ReleaseTables, duplicates: Dataset, overlap: Dataset, minimum: int = 3, **more: object
) -> dict[str, Built]:
    policy = RecurrencePolicy(min_documents=minimum)
    recurring = build_recurring_blocks(lake, InProcess(), release, duplicates, policy).dataset
    arguments = (lake, InProcess(), release, duplicates, recurring, overlap)
    out = {w: build_corpus(*arguments, which=w, recurrence=policy, **more) for w in ("main", "stem")}  # type: ignore[arg-type]
    return out | {"rejected": build_rejected(*arguments, recurrence=policy, **more)}  # type: ignore[arg-type]


def test_every_document_is_in_exactly_one_place(lake: Lake) -> None:
    animals = ["cat", "dog", "owl", "fox", "hen", "cow", "pig", "bee"]
    rows = [{"text": LONG.format(a)} for a in animals]
    rows[1] |= {"corpus": "stem", "category": "stem"}
    rows[2] |= {"side": "validation", "language": "zh"}
    rows[3] |= {"reasons": ["gopher/words", "c4/lines"]}
    rows[4] |= {"url": "https://gone.example/x"}
    rows[5] |= {"date": "2024-05-01"}
    release = make_release(lake, {"a": rows}, tombstones=("https://gone.example/x",), cutoff_date="2024-01-01")
    ids = [document_id("a", "f", k) for k in range(8)]
    duplicates = make_duplicates(lake, (ids[6], ids[0]))
    hit = {"doc_id": ids[7], "item": "i", "source": "s", "kind": "benchmark", "start": 0, "end": 5}
    built = assemble(lake, release, duplicates, no_overlap(lake, hit))
    validation = build_validation_sets(lake, InProcess(), release, duplicates)
    assert texts(built["main"]) == {LONG.format("cat")} and texts(built["stem"]) == {LONG.format("dog")}
    assert texts(validation) == {LONG.format("owl")}
    assert [p.path for p in validation.dataset.parts] == ["domain=web-zh/part-00000.parquet"]
    assert [p.path for p in built["main"].dataset.parts] == ["language=en/category=webpages/part-00000.parquet"]
    reasons = {r["doc_id"]: r["reasons"] for r in built["rejected"].dataset.read().to_pylist()}
    assert reasons == {
        ids[3]: ["gopher/words", "c4/lines"],
        ids[4]: ["release/tombstone"],
        ids[5]: ["release/cutoff_date"],
        ids[6]: ["duplicate/near"],
        ids[7]: ["overlap/benchmark"],
    }
    kept = {r["doc_id"]: r["kept_id"] for r in built["rejected"].dataset.read().to_pylist()}
    assert kept[ids[6]] == ids[0] and kept[ids[3]] is None
    size = len(LONG.format("cat").encode())
    assert built["main"].dataset.stats["composition"] == {"en": {"webpages": {"a": {"documents": 1, "bytes": size}}}}


def test_recurring_blocks_are_cut_and_documents_judged_again(lake: Lake) -> None:
    rows = [{"text": f"{LONG.format(a)}\n{FOOTER}"} for a in ("cat", "dog")]
    rows += [{"text": f"Short.\n{FOOTER}"}, {"text": f"{LONG.format('owl')}\n{FOOTER}", "category": "code"}]
    built = assemble(lake, make_release(lake, {"a": rows}), make_duplicates(lake), no_overlap(lake))
    # the footer goes with its line; code is exempt
    assert texts(built["main"]) == {LONG.format("cat") + "\n", LONG.format("dog") + "\n", f"{LONG.format('owl')}\n{FOOTER}"}
    (lost,) = built["rejected"].dataset.read().to_pylist()
    assert lost["reasons"] == ["recurrence/loss", "recurrence/short"]


def test_texts_made_equal_by_cuts_are_kept_once(lake: Lake) -> None:
    rows = [{"text": f"{LONG.format('cat')}\n{FOOTER}"}, {"text": LONG.format("cat").upper()}]
    rows += [{"text": f"{LONG.format(a)}\n{FOOTER}"} for a in ("dog", "owl")]
    built = assemble(lake, make_release(lake, {"a": rows}), make_duplicates(lake), no_overlap(lake))
    (late,) = built["rejected"].dataset.read().to_pylist()
    pair = sorted(document_id("a", "f", k) for k in range(2))
    assert late["reasons"] == ["exact/late"] and [late["kept_id"], late["doc_id"]] == pair
    assert built["main"].dataset.manifest.rows == 3


def test_equal_texts_in_a_release_are_refused_by_name(lake: Lake) -> None:
    release = make_release(lake, {"a": [{"text": LONG.format("cat")}, {"text": LONG.format("cat")}]})
    duplicates = make_duplicates(lake)
    recurring = build_recurring_blocks(lake, InProcess(), release, duplicates).dataset
    verdicts = build_verdicts(lake, InProcess(), release, duplicates, recurring, no_overlap(lake)).dataset
    with pytest.raises(LakeError) as error:
        check_no_equal_texts(verdicts, {})
    assert all(document_id("a", "f", k).hex() in str(error.value) for k in range(2))


def test_overlap_can_be_cut_or_only_marked(lake: Lake) -> None:
    text = "前面的话。" + LONG.format("cat") + "answer is seven"
    release = make_release(lake, {"a": [{"text": text}]})
    end = len(text.encode())
    start = end - len("answer is seven")
    hit = {"doc_id": document_id("a", "f", 0), "item": "i", "source": "s", "kind": "benchmark", "start": start, "end": end}
    overlap = no_overlap(lake, hit)
    cut = assemble(lake, release, make_duplicates(lake), overlap, found=OverlapPolicy(benchmark="cut"))
    assert texts(cut["main"]) == {"前面的话。" + LONG.format("cat")}
    marked = assemble(lake, release, make_duplicates(lake), overlap, found=OverlapPolicy(benchmark="mark"))
    assert texts(marked["main"]) == {text}


def test_tombstones_hold_on_the_validation_side(lake: Lake) -> None:
    rows = [{"text": LONG.format(a), "side": "validation", "url": f"https://{a}.example/"} for a in ("cat", "dog")]
    release = make_release(lake, {"a": rows}, tombstones=("https://cat.example/",))
    assert texts(build_validation_sets(lake, InProcess(), release, make_duplicates(lake))) == {LONG.format("dog")}


def test_small_things(lake: Lake) -> None:
    assert merge_spans([(5, 9), (0, 2), (8, 12), (2, 3)]) == [(0, 3), (5, 12)]
    assert [domain_of("zh", "books", "main"), domain_of("en", "code", "main"), domain_of("en", "webpages", "stem")] == [
        "web-zh",
        "code",
        "stem",
    ]
    with pytest.raises(LakeError, match="main or stem"):
        build_corpus(lake, InProcess(), None, None, None, None, which="best")  # type: ignore[arg-type]
