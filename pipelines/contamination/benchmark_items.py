"""Items of benchmarks and leakage sets, read from any folder of JSONL, JSON, CSV, TSV or Parquet,
plain, gzipped, zipped or tarred.

Belongs here: which files and fields are items. Does not belong here: matching them (matching.py),
evaluating models on them.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake import LakeError

SUFFIXES = (".jsonl", ".json", ".csv", ".tsv", ".parquet")
ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz")
UNREADABLE = (
    OSError,
    ValueError,
    EOFError,
    RuntimeError,  # of zipfile: encrypted, or a method that it does not know
    pa.ArrowException,
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
)
"""What the readers of archives and of JSON, CSV and Parquet raise for bytes that are none."""
QUESTION = (
    "question",
    "problem",
    "Question",
    "prompt",
    "text",
    "content",
    "input",
    "instruction",
    "ctx",
    "goal",
    "sentence",
    "query",
)
PASSAGE = ("passage", "article", "body", "Body", "context")
OPTIONS = ("options", "choices", "endings")
MAX_BYTES = 1 << 30
"""Unpacked bytes of one file; of the benchmarks that we know none has a third of it (ours)."""
_ENCRYPTED = 0x1  # bit of a member's flags (APPNOTE of ZIP, 4.4.4)
# characters: a question this short is joined with its options, or it could not be told from other
# text
SHORT = 60


@dataclass(frozen=True)
class BenchmarkItem:
    """One thing that training documents should not hold. `kind`: benchmark, leakage or
    validation."""

    name: str
    source: str
    kind: str
    text: str


def _files(path: Path, name: str) -> Iterator[tuple[str, bytes]]:
    """(name, content) of a file, unpacked. A link of a tar stands for the member that it names;
    ValueError where there is none, where a member is encrypted, and for more than MAX_BYTES."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(path) as archive:
            for info in sorted(archive.infolist(), key=lambda member: member.filename):
                if info.filename.endswith(SUFFIXES):
                    if info.flag_bits & _ENCRYPTED:
                        raise ValueError(f"{info.filename} is encrypted: decrypt the archive")
                    with archive.open(info) as member:
                        yield f"{name}/{info.filename}", _bounded(member, info.filename)
    elif name.endswith(ARCHIVES):
        with tarfile.open(path) as tar:
            for entry in sorted(tar, key=lambda member: member.name):
                if not entry.name.endswith(SUFFIXES):
                    continue
                try:
                    file = tar.extractfile(entry)
                except (KeyError, RecursionError):
                    raise ValueError(
                        f"{entry.name} is a link to {entry.linkname}, which is no member of the archive"
                    ) from None
                if file:
                    yield f"{name}/{entry.name}", _bounded(file, entry.name)
    elif name.endswith(".gz"):
        with gzip.open(path) as stream:
            yield name.removesuffix(".gz"), _bounded(stream, name)
    else:
        with path.open("rb") as stream:
            yield name, _bounded(stream, name)


def _bounded(stream: IO[bytes] | gzip.GzipFile, name: str) -> bytes:
    data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"{name} has more than {MAX_BYTES:,} bytes unpacked: cut it into smaller files")
    return data


def _records(name: str, data: bytes) -> Iterator[Any]:
    if name.endswith(".parquet"):
        metadata = pq.read_metadata(pa.BufferReader(data))
        groups = (metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))
        if sum(groups) > MAX_BYTES:
            raise ValueError(f"{name} has more than {MAX_BYTES:,} bytes unpacked: cut it into smaller files")
        yield from pq.read_table(pa.BufferReader(data)).to_pylist()
        return
    text = data.decode("utf-8-sig")
    if name.endswith((".csv", ".tsv")):
        table = list(csv.reader(io.StringIO(text), delimiter="\t" if name.endswith(".tsv") else ","))
        header = [c.strip().lower() for c in table[0]] if table else []
        named = "question" in header
        for row in table[1:] if named else table:
            yield (
                dict(zip(header, row, strict=False))
                if named
                else {"question": row[0] if row else "", "options": row[1:-1]}
            )
    elif name.endswith(".jsonl"):
        # By line feeds alone: a text may hold other line ends (U+2028), which JSON leaves as they are.
        yield from (json.loads(line) for line in text.split("\n") if line.strip())
    else:
        value = json.loads(text)
        if isinstance(value, dict):  # {"example": [...], ...}: the one list of records in it
            value = next((v for v in value.values() if isinstance(v, list)), [])
        yield from value


def item_text(record: Any) -> str:
    """Passage and question of a record, with its options where the question is short; "" where
    there is none."""
    if isinstance(record, str):
        return record
    if not isinstance(record, dict):
        return ""
    question = next((record[k] for k in QUESTION if isinstance(record.get(k), str) and record[k]), "")
    passage = next((record[k] for k in PASSAGE if isinstance(record.get(k), str) and record[k]), "")
    text = f"{passage}\n{question}" if passage else question
    if text and len(text) < SHORT:
        options = next((record[k] for k in OPTIONS if record.get(k)), None)
        if isinstance(options, dict):  # ARC: {"text": [...], "label": [...]}
            options = options.get("text")
        options = options or [record[k] for k in "abcdABCD" if isinstance(record.get(k), str)]
        text = "\n".join([text, *map(str, options)]) if isinstance(options, list) else text
    return text


def _file_items(path: Path, folder: Path) -> Iterator[BenchmarkItem]:
    name = path.relative_to(folder).as_posix()
    kind = "leakage" if folder.name == "leakage" else "benchmark"
    for inner, data in _files(path, name):
        if "train" in re.split(r"[^a-z0-9]+", inner.lower()):
            continue
        records = list(_records(inner, data))
        texts = [item_text(record) for record in records]
        if records and not any(texts):
            fields = sorted(records[0]) if isinstance(records[0], dict) else type(records[0]).__name__
            raise LakeError(
                f"{path}: {len(records)} records of {inner} have no question: it is looked for under"
                f" {', '.join(QUESTION)}; the first record has {fields}; rename a field or take the file out"
                " of the folder"
            )
        yield from (
            BenchmarkItem(f"{inner}:{number}", f"{folder.name}/{inner}", kind, text)
            for number, text in enumerate(texts)
            if text
        )


def items_from_folders(folders: Sequence[Path]) -> list[BenchmarkItem]:
    """Every item below the folders, in the order of paths. Files or folders with the word train in
    their name (GSM8K's train, MMLU's auxiliary_train) are no items.

    A folder called leakage gives items of kind leakage, every other one of kind benchmark.
    LakeError names a file that cannot be read or whose records have no question, and a folder that
    holds files and no item: who names a folder wants it to be looked for.
    """
    items: list[BenchmarkItem] = []
    for folder in folders:
        if not folder.is_dir():
            raise LakeError(
                f"{folder} is not a folder: SKYPILE_BENCHMARKS names one with the files that training text"
                " must not hold"
            )
        before, files = len(items), sorted(p for p in folder.rglob("*") if p.is_file())
        for path in files:
            if (
                not path.name.endswith((*SUFFIXES, *(f"{s}.gz" for s in SUFFIXES), *ARCHIVES))
                or path.name == "mapping.json"
            ):
                continue
            try:
                items += _file_items(path, folder)
            except LakeError:
                raise
            except (*UNREADABLE, csv.Error) as error:
                raise LakeError(
                    f"{path}: not readable as items: {error}; mend the file or take it out of the folder"
                ) from None
        if files and len(items) == before:
            raise LakeError(
                f"{folder}: none of its {len(files)} files gave an item; expected {', '.join(SUFFIXES)},"
                f" plain, gzipped or in {', '.join(ARCHIVES)}, without the word train in their names"
            )
    return items
