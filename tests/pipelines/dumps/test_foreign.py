from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import tarfile
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pipelines.dumps.foreign import format_of
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import Tally
from pipelines.inspection.funnel import what_came
from tests.support.archives import compressed, warc

ROW = json.dumps({"text": "a row"}).encode() + b"\n"


def zipped(data: bytes) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("a", data)
    return made.getvalue()


def tarred(data: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("a")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def parquet(data: bytes) -> bytes:
    made = io.BytesIO()
    pq.write_table(pa.table({"text": [data.decode()]}), made)
    return made.getvalue()


FILES = {
    "zip": zipped(ROW),
    "tar": tarred(ROW),
    "bzip2": bz2.compress(ROW),
    "xz": lzma.compress(ROW),
    "parquet": parquet(ROW),
    "warc": warc(1),
    "html": b"\n<!DOCTYPE html><title>404</title>",
    "git_lfs_pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n",
    "json": ROW,
}
READ = {"jsonl": "json", "parquet": "parquet", "warc": "warc", "wet": "warc"}


@pytest.mark.parametrize("name", FILES)
def test_formats_are_told_by_their_first_bytes(name: str) -> None:
    assert format_of(FILES[name]) == name
    assert format_of(b"plain text, a,b,c\n") == format_of(b"") == ""


@pytest.mark.parametrize("kind", READ)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_file_of_another_format_is_named_once_with_what_to_do(
    tmp_path: Path, kind: str, name: str, packed: bool
) -> None:
    (tmp_path / "a").write_bytes(compressed(FILES[name], "gzip") if packed else FILES[name])
    tally = Tally()
    list(read_records(tmp_path / "a", kind, tally))
    lost = [place.reason for place in tally.left_out if place.reason.startswith("broken/")]
    if READ[kind] == name and not (packed and kind == "parquet"):
        assert lost == []
        return
    wanted = "gzip" if packed and kind == "parquet" else name
    assert lost == [f"broken/is_{wanted}"]
    said = what_came({"broken": {f"is_{wanted}": 1}})
    assert f". Files that are {wanted.replace('_', ' ')}: " in said


def test_lines_that_are_compressed_twice_are_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(gzip.compress(ROW)))
    tally = Tally()
    assert not list(read_records(tmp_path / "a", "jsonl", tally))
    assert [place.reason for place in tally.left_out] == ["broken/is_gzip"]
