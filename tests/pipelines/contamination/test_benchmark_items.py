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


def _tar(path: Path, *members: tarfile.TarInfo, content: bytes = b"") -> None:
    with tarfile.open(path, "w:gz") as archive:
        for member in members:
            member.size = len(content) if member.isreg() else 0
            archive.addfile(member, io.BytesIO(content))


def _link(name: str, to: str, kind: bytes) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE])
def test_a_link_of_an_archive_is_the_member_that_it_names(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "hub" / "a.tar.gz"
    path.parent.mkdir()
    _tar(path, tarfile.TarInfo("a.jsonl"), _link("b.jsonl", "a.jsonl", kind), content=b'{"question": "Who?"}')
    assert [i.name for i in items_from_folders([path.parent])] == ["a.tar.gz/a.jsonl:0", "a.tar.gz/b.jsonl:0"]
    for to in ("/etc/passwd", "../x.jsonl", "nowhere.jsonl", "b.jsonl"):
        _tar(path, _link("b.jsonl", to, kind))
        with pytest.raises(LakeError, match=r"a\.tar\.gz: not readable as items: b\.jsonl is a link to"):
            items_from_folders([path.parent])


def _zipped(data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jsonl", data)
    return sink.getvalue()


def _encrypted(data: bytes) -> bytes:
    """A zip whose headers say that its member is encrypted."""
    zipped = bytearray(_zipped(data))
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        zipped[zipped.index(mark) + at] |= 1
    return bytes(zipped)


def _strange_method(data: bytes) -> bytes:
    zipped = bytearray(_zipped(data))
    for mark, at in ((b"PK\x03\x04", 8), (b"PK\x01\x02", 10)):
        zipped[zipped.index(mark) + at] = 97
    return bytes(zipped)


LINE = b'{"question": "' + b"Who? " * 1000 + b'"}'


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.zip", _encrypted(LINE), r"a\.jsonl is encrypted: decrypt the archive"),
        ("a.zip", _strange_method(LINE), "compression"),
        ("a.zip", _zipped(LINE)[:-70], "not a zip file"),
        ("a.zip", _zipped(LINE).replace(_zipped(LINE)[45:60], b"x" * 15), "Error"),
        ("a.jsonl.gz", gzip.compress(LINE)[:-20], "ended before"),
        ("a.jsonl.gz", gzip.compress(LINE)[:30] + b"x" * 99, "Error"),
        ("a.tar.gz", gzip.compress(b"x" * 5000), ""),
        ("a.json", b"[" * 100_000, "recursion"),
        ("a.jsonl", b"\xff\xfe\x00", "utf-8"),
        ("a.parquet", b"PAR1" + b"x" * 100, ""),
        ("a.csv", b'"' + b"x" * 200_000, "field larger"),
    ],
)
def test_what_cannot_be_unpacked_is_named(tmp_path: Path, name: str, data: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(LakeError, match=f"(?i){name}: not readable as items: .*{said}"):
        items_from_folders([tmp_path])


@pytest.mark.parametrize("name", ["a.zip", "a.jsonl.gz", "a.tar.gz", "a.jsonl", "a.parquet"])
def test_what_unpacks_to_too_much_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr("pipelines.contamination.benchmark_items.MAX_BYTES", 4000)
    path = tmp_path / "hub" / name
    path.parent.mkdir()
    if name == "a.tar.gz":
        _tar(path, tarfile.TarInfo("a.jsonl"), content=LINE)
    elif name == "a.parquet":
        pq.write_table(pa.table({"question": ["Who? " * 1000]}), path, use_dictionary=False)
    else:
        path.write_bytes({"a.zip": _zipped, "a.jsonl.gz": gzip.compress, "a.jsonl": bytes}[name](LINE))
    with pytest.raises(LakeError, match="has more than 4,000 bytes unpacked"):
        items_from_folders([path.parent])
