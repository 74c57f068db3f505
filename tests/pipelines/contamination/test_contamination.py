from __future__ import annotations

import json
import random
import re
from pathlib import Path

from pipelines.contamination.contamination import contamination_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.release.validation_sets import validation_sets_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from tests.support.release_samples import make_duplicates, make_release

ENGLISH = (
    "Janet sells sixteen duck eggs every morning at the farmers market and keeps three for her own "
    "breakfast, how much does she earn?"
)


def words(rng: random.Random, count: int) -> str:
    return " ".join(f"w{rng.randrange(5000)}" for _ in range(count))


def test_build_names_document_item_and_source(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps({"question": ENGLISH}))
    rng = random.Random(5)
    held_out = words(rng, 60)
    rows = [
        {"text": f"{words(rng, 99)} {ENGLISH}"},
        {"text": held_out, "side": "validation"},
        {"text": words(rng, 99)},
    ]
    rows += [{"text": f"{held_out} {words(rng, 500)}"}, {"text": ENGLISH, "reasons": ["gopher/words"]}]
    release = make_release(lake, {"a": rows})
    validation = build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake))).dataset
    built = build(lake, InProcess(), contamination_stage(release, validation, [folder]))
    found = {r["doc_id"]: (r["kind"], r["source"], r["item"]) for r in built.dataset.read().to_pylist()}
    ids = [document_id("a", "f", k) for k in range(5)]
    assert found == {
        ids[0]: ("benchmark", "bench/test.jsonl", "test.jsonl:0"),
        ids[3]: ("validation", "validation/web-en", ids[1].hex()),
    }
    assert built.dataset.stats["found_documents"] == 2
    assert not build(lake, InProcess(), contamination_stage(release, validation, [folder])).fresh
    (folder / "test.jsonl").write_text(json.dumps({"question": "Another " + ENGLISH}))
    assert build(lake, InProcess(), contamination_stage(release, validation, [folder])).fresh


def test_little_in_a_long_text_is_told_from_much(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps({"question": ENGLISH}))
    rng = random.Random(6)
    rows = [{"text": f"{words(rng, size)} {ENGLISH} {words(rng, size)}"} for size in (3000, 200)]
    release = make_release(lake, {"a": rows})
    validation = build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake))).dataset
    table = build(lake, InProcess(), contamination_stage(release, validation, [folder])).dataset.read()
    long = {r["doc_id"]: r["in_long"] for r in table.to_pylist()}
    assert [long[document_id("a", "f", k)] for k in range(2)] == [True, False]


def test_a_long_text_with_another_variant_of_an_item_holds_little(lake: Lake, tmp_path: Path) -> None:
    numbered = "Toby has 12 apples and buys 7 more of them, then he gives 3 to his sister and 2 to a friend."
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps({"question": f"{numbered} How many does he have now?"}))
    rng = random.Random(7)
    variant = re.sub("[0-9]+", "45", numbered).replace("Toby", "Yara")
    rows = [{"text": f"{words(rng, size)}. {variant} {words(rng, size)}"} for size in (3000, 200)]
    release = make_release(lake, {"a": rows})
    validation = build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake))).dataset
    table = build(lake, InProcess(), contamination_stage(release, validation, [folder])).dataset.read()
    found = {r["doc_id"]: (r["form"], r["in_long"]) for r in table.to_pylist()}
    assert found == {document_id("a", "f", k): ("skeleton", k == 0) for k in range(2)}
    (text,) = (r["text"] for r in rows[:1])
    (row,) = (r for r in table.to_pylist() if r["in_long"])
    assert text.encode()[row["start"] : row["end"]].decode() in variant


def test_a_chapter_of_a_book_loses_what_was_found(lake: Lake, tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    folder.mkdir()
    (folder / "test.jsonl").write_text(json.dumps({"question": ENGLISH}))
    rng = random.Random(8)
    rows = [{"text": f"{words(rng, 50)} {ENGLISH}", "category": name} for name in ("books", "webpages")]
    release = make_release(lake, {"a": rows})
    validation = build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake))).dataset
    table = build(lake, InProcess(), contamination_stage(release, validation, [folder])).dataset.read()
    told = {r["doc_id"]: r["in_long"] for r in table.to_pylist()}
    assert [told[document_id("a", "f", k)] for k in range(2)] == [True, False]
