from __future__ import annotations

import csv
import gzip
import io
import json
import random
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contamination.benchmark_items import items_from_folders
from pipelines.contamination.contamination import build_contamination
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError
from pipelines.release.validation_sets import build_validation_sets
from pipelines.tables.schemas import document_id
from tests.support.release_samples import make_duplicates, make_release

ENGLISH = (
    "Janet sells sixteen duck eggs every morning at the farmers market and keeps three for her own "
    "breakfast, how much does she earn?"
)


def words(rng: random.Random, count: int) -> str:
    return " ".join(f"w{rng.randrange(5000)}" for _ in range(count))


def test_items_from_every_kind_of_file(tmp_path: Path) -> None:
    bench, leak = tmp_path / "bench", tmp_path / "leakage"
    for folder in (bench / "gsm8k", bench / "mmlu", leak):
        folder.mkdir(parents=True)
    lines = "\n".join(json.dumps({"question": f"Question {k}? " * 9, "answer": "7"}) for k in range(2))
    (bench / "gsm8k" / "test.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (bench / "gsm8k" / "pt_train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (bench / "gsm8k" / "train.jsonl.gz").write_bytes(gzip.compress(lines.encode()))
    (bench / "one.json").write_text(
        json.dumps({"example": [{"question": "短题", "options": ["甲", "乙"]}]}), encoding="utf-8"
    )
    rows = io.StringIO()
    csv.writer(rows).writerows([["", "Question", "A", "B", "Answer"], ["0", "Which?", "this", "that", "A"]])
    with zipfile.ZipFile(bench / "mmlu" / "m.zip", "w") as archive:
        archive.writestr("test/a.csv", rows.getvalue())
        archive.writestr("dev/b.csv", "What is it?,one,two,A\n")
        archive.writestr("data/auxiliary_train/c.csv", "Trained on?,one,two,A\n")
    for name in ("train", "test", "reference"):
        (leak / f"{name}.jsonl").write_text(json.dumps({"text": name}) + "\n")
    items = items_from_folders([bench, leak])
    assert [(i.kind, i.name) for i in items] == [
        ("benchmark", "gsm8k/test.jsonl:0"),
        ("benchmark", "gsm8k/test.jsonl:1"),
        ("benchmark", "mmlu/m.zip/dev/b.csv:0"),
        ("benchmark", "mmlu/m.zip/test/a.csv:0"),
        ("benchmark", "one.json:0"),
        ("leakage", "reference.jsonl:0"),
        ("leakage", "test.jsonl:0"),
    ]
    assert [i.text for i in items[2:5]] == ["What is it?\none\ntwo", "Which?\nthis\nthat", "短题\n甲\n乙"]
    (bench / "bad.json").write_text("{")
    with pytest.raises(LakeError, match=r"bad\.json"):
        items_from_folders([bench])


def test_items_from_parquet_tar_and_tsv(tmp_path: Path) -> None:
    bench = tmp_path / "hub"
    bench.mkdir()
    choices = {"text": ["Mars", "Venus"], "label": ["A", "B"]}
    pq.write_table(
        pa.Table.from_pylist([{"question": "Which planet?", "choices": choices}]),
        bench / "test-00000-of-00001.parquet",
    )
    pq.write_table(
        pa.Table.from_pylist([{"question": "Trained on?"}]), bench / "train-00000-of-00001.parquet"
    )
    ending = {"ctx": "A man sits on a roof. He", "endings": ["leaves.", "sings."]}
    with tarfile.open(bench / "data.tar.gz", "w:gz") as archive:
        for name, data in (
            ("b/val.jsonl", json.dumps(ending)),
            ("a/dev.tsv", "question\tA\tB\nWho?\tme\tyou\n"),
            ("c.txt", "no"),
        ):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data.encode()))
    items = items_from_folders([bench])
    assert {i.name: i.text for i in items} == {
        "data.tar.gz/a/dev.tsv:0": "Who?\nme\nyou",
        "data.tar.gz/b/val.jsonl:0": "A man sits on a roof. He\nleaves.\nsings.",
        "test-00000-of-00001.parquet:0": "Which planet?\nMars\nVenus",
    }


def test_a_folder_or_file_without_any_item_is_refused(tmp_path: Path) -> None:
    assert items_from_folders([tmp_path]) == []
    with pytest.raises(LakeError, match="mistyped is not a folder"):
        items_from_folders([tmp_path / "mistyped"])
    (tmp_path / "README.md").write_text("no items")
    with pytest.raises(LakeError, match="none of its 1 files gave an item"):
        items_from_folders([tmp_path])
    (tmp_path / "test.jsonl").write_text(json.dumps({"statement": "x", "label": 1}))
    with pytest.raises(LakeError, match=r"test\.jsonl: 1 records .* no question.*\['label', 'statement'\]"):
        items_from_folders([tmp_path])
    (tmp_path / "test.jsonl").write_text(json.dumps({"question": "x"}))
    (tmp_path / "bad.parquet").write_bytes(b"PAR1")
    with pytest.raises(LakeError, match=r"bad\.parquet"):
        items_from_folders([tmp_path])


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
    validation = build_validation_sets(lake, InProcess(), release, make_duplicates(lake)).dataset
    built = build_contamination(lake, InProcess(), release, validation, [folder])
    found = {r["doc_id"]: (r["kind"], r["source"], r["item"]) for r in built.dataset.read().to_pylist()}
    ids = [document_id("a", "f", k) for k in range(5)]
    assert found == {
        ids[0]: ("benchmark", "bench/test.jsonl", "test.jsonl:0"),
        ids[3]: ("validation", "validation/web-en", ids[1].hex()),
    }
    assert built.dataset.stats["found_documents"] == 2
    assert not build_contamination(lake, InProcess(), release, validation, [folder]).fresh
    (folder / "test.jsonl").write_text(json.dumps({"question": "Another " + ENGLISH}))
    assert build_contamination(lake, InProcess(), release, validation, [folder]).fresh
