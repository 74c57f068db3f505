"""Items of benchmarks from every kind of file; what gives none is refused."""

from __future__ import annotations

import csv
import gzip
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.contamination.benchmark_items import item_text, items_from_folders
from pipelines.lake import LakeError


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


@pytest.mark.parametrize(
    ("record", "text"),
    [
        ({"question": "Why?", "choices": ["a", "b"]}, "Why?\na\nb"),
        ({"question": "Why?", "choices": {"text": ["a"], "label": ["A"]}}, "Why?\na"),
        ({"question": "Why?", "A": "one", "B": "two"}, "Why?\none\ntwo"),
        ({"question": "w" * 60, "choices": ["a"]}, "w" * 60),
        ({"passage": "p" * 60, "question": "Why?", "choices": ["a"]}, "p" * 60 + "\nWhy?"),
        ({"answer": "42"}, ""),
        ("plain", "plain"),
        (7, ""),
    ],
)
def test_a_short_question_is_joined_with_its_options(record: object, text: str) -> None:
    assert item_text(record) == text


def test_a_line_separator_inside_a_text_ends_no_record(tmp_path: Path) -> None:
    texts = ["one\u2028two", "three\x85four\u2029"]
    lines = "\r\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in texts)
    (tmp_path / "test.jsonl").write_bytes(lines.encode())
    assert [i.text for i in items_from_folders([tmp_path])] == texts
