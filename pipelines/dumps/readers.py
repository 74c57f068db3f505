"""Reading the records of one file: WARC, ARC, WET, JSONL, Parquet, plain or compressed.

Belongs here: bytes of a file -> records, with every loss counted under a reason. Nothing raises
because of what is in a file. Does not belong here: charset, HTML, text (extraction/).
"""

from __future__ import annotations

import gzip
import io
import json
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.dumps.http import parse_response

MAX_BODY = 4 << 20  # bytes of one record's payload after decoding; Common Crawl itself cuts at 1 MiB
MAX_BLOCK = 4 * MAX_BODY  # bytes of one stored record, HTTP headers and encodings included
MAX_LINE = 32 << 20  # bytes of one JSONL line
MAX_FILE = 16 << 30  # decoded bytes of one JSONL or ARC file: a bound on gzip bombs
MEMBERS = (
    b"\x1f\x8b\x08",
    b"\x28\xb5\x2f\xfd",
    b"\x04\x22\x4d\x18",
)  # first bytes of gzip, zstd and lz4 members
MAX_REREAD = 64 << 20  # bytes beyond REREAD files' lengths that are read again behind broken places
REREAD = 16
BROKEN = (OSError, EOFError, ValueError, RuntimeError, zlib.error, pa.ArrowException)


@dataclass(slots=True)
class Record:
    """One document as it came. Either `body` (bytes, with `content_type`) or `text` is set."""

    offset: int  # byte offset of the record in the file as stored, or line or row number
    url: str
    date: str = ""
    content_type: str = ""
    charset: str = ""  # of the HTTP header
    body: bytes = b""
    text: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    robots: str = ""  # X-Robots-Tag


def read_records(path: Path, kind: str, stats: Counter[str]) -> Iterator[Record]:
    """The readable records of a file, in order. `stats` gets records/..., skipped/... and
    broken/... counts."""
    head = _head(path)
    if not head:
        stats["broken/empty_file"] += 1
        return
    if kind in ("warc", "wet"):
        records = _arc(path, stats) if head.startswith(b"filedesc:") else _warc(path, kind, stats)
    elif kind == "jsonl":
        records = _jsonl(path, stats)
    else:
        records = _parquet(path, stats)
    for record in records:
        stats["records/read"] += 1
        yield record


def _open(path: Path) -> IO[bytes]:
    """The decoded bytes of a plain, gzip, zstd or lz4 file; told by its first bytes, not by its
    name."""
    with open(path, "rb") as stream:
        magic = stream.read(4)
    if magic[:2] == b"\x1f\x8b":
        unzipped: Any = gzip.open(path, "rb")
        return unzipped
    if magic == b"\x28\xb5\x2f\xfd":
        import zstandard

        raw = open(path, "rb")
        return io.BufferedReader(
            zstandard.ZstdDecompressor(max_window_size=1 << 27).stream_reader(raw, read_across_frames=True)
        )
    if magic == b"\x04\x22\x4d\x18":
        import lz4.frame

        stream4: IO[bytes] = lz4.frame.open(path, "rb")
        return stream4
    return open(path, "rb")


def _head(path: Path) -> bytes:
    try:
        with _open(path) as stream:
            return stream.read(64)
    except BROKEN:
        return path.open("rb").read(64)


def _warc(path: Path, kind: str, stats: Counter[str]) -> Iterator[Record]:
    """Records of a WARC or WET file. After a broken place, reading goes on at the next record that
    can be found."""
    from fastwarc.warc import WarcRecordType

    wanted = WarcRecordType.conversion if kind == "wet" else WarcRecordType.response | WarcRecordType.resource
    start, size = 0, path.stat().st_size
    compressed = _magic(path) in MEMBERS
    read = 0  # bytes, all readings together: records that begin inside others would cost the square of a file
    while start < size:
        if read > MAX_REREAD + REREAD * size:
            stats["broken/too_often"] += 1
            return
        last = start
        with open(path, "rb") as stream:
            stream.seek(start)
            iterator = _archive(stream)
            while True:
                try:
                    record = next(iterator, None)
                    if record is None:
                        if last == start == 0 and not stats["records/seen"]:
                            stats["broken/no_records"] += 1
                        if (
                            compressed and _resync(path, last + 1) < size
                        ):  # fastwarc ends quietly at a header it cannot read
                            stats["broken/truncated"] += 1
                            break
                        return
                    last = start + int(record.stream_pos)
                    stats["records/seen"] += 1
                    if record.record_type == WarcRecordType.revisit:
                        stats["skipped/revisit"] += 1
                        continue
                    if not record.record_type & wanted:
                        continue
                    made = _warc_record(record, last, kind, stats)
                except BROKEN as error:
                    stats[f"broken/{_reason(error)}"] += 1
                    break
                if made is not None:
                    yield made
            read += stream.tell() - start
        start = _resync(path, last + 1)


def _archive(stream: Any) -> Any:
    from fastwarc.warc import ArchiveIterator

    return iter(ArchiveIterator(stream, parse_http=False, fsspec_args=False))


def _warc_record(record: Any, offset: int, kind: str, stats: Counter[str]) -> Record | None:
    headers = record.headers
    url = (headers.get("WARC-Target-URI") or "").strip("<> ").replace(" ", "%20")
    made = Record(offset, url, date=_iso(headers.get("WARC-Date") or ""))
    made.content_type = (headers.get("Content-Type") or "").split(";")[0].strip().lower()
    declared = int(record.content_length)
    block = record.reader.read(MAX_BLOCK + 1)
    if len(block) > MAX_BLOCK:
        stats["cut/max_block"] += 1
        block = block[:MAX_BLOCK]
    if headers.get("WARC-Truncated"):
        stats["seen/warc_truncated"] += 1
    if not block:
        stats["skipped/empty_body" if not declared else "broken/unreadable_body"] += 1
        return None
    if kind == "wet":
        made.text = _cut(block, stats).decode("utf-8", "replace")
        return made
    if made.content_type.startswith("application/http"):
        return made if _http(made, block, stats) else None
    made.body = _cut(block, stats)
    return made


def _http(made: Record, block: bytes, stats: Counter[str]) -> bool:
    """Fill a record from a stored HTTP response; False, with a count, where it is none, no 200, or
    empty."""
    response = parse_response(block, MAX_BODY)
    if response is None:
        stats["skipped/no_http_headers"] += 1
        return False
    if response.status != 200:
        stats["skipped/http_status"] += 1
        return False
    for note in response.notes:
        stats["cut/max_body" if note == "cut" else f"seen/http_{note}"] += 1
    made.content_type, made.charset, made.body = response.content_type, response.charset, response.body
    made.robots = response.headers.get("x-robots-tag", "").lower()
    if "tdm-reservation" in response.headers:
        made.robots += f" tdm-reservation={response.headers['tdm-reservation']}"
    if not made.body:
        stats["skipped/empty_body"] += 1
    return bool(made.body)


def _cut(body: bytes, stats: Counter[str]) -> bytes:
    if len(body) > MAX_BODY:
        stats["cut/max_body"] += 1
    return body[:MAX_BODY]


def _magic(path: Path) -> bytes:
    """The bytes that a member or record of this file starts with."""
    with open(path, "rb") as stream:
        head = stream.read(4)
    return next((m for m in MEMBERS if head.startswith(m)), b"WARC/1.")


def _resync(path: Path, start: int) -> int:
    """Offset of the next gzip, zstd or lz4 member or plain record at or after `start`; the file's
    size where none."""
    with open(path, "rb") as stream:
        mark = _magic(path)
        stream.seek(start)
        position, tail, ask = start, b"", 1 << 12  # the next one is near where many places are broken
        while block := stream.read(ask):
            data = tail + block
            found = data.find(mark)
            while found >= 0:
                if found + 512 > len(data):
                    more = stream.read(512)
                    data, block = data + more, block + more
                if mark != MEMBERS[0] or _begins_record(data[found : found + 512]):
                    return position - len(tail) + found
                found = data.find(mark, found + 1)
            position += len(block)
            tail = data[-(len(mark) - 1) :]
            ask = min(4 * ask, 1 << 20)
        return position


def _begins_record(data: bytes) -> bool:
    """Whether bytes can be the beginning of a gzip member with a WARC record, as far as they
    go."""
    if len(data) > 3 and data[3] > 0x1F:  # flags that no member has
        return False
    try:
        text = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, 64).lstrip()
    except zlib.error:
        return False
    return text[:5] == b"WARC/"[: len(text)]


def _arc(path: Path, stats: Counter[str]) -> Iterator[Record]:
    """Records of an ARC file (Internet Archive, version 1 and 2). `offset` counts decoded bytes."""
    position = 0
    try:
        with _open(path) as stream:
            while position < MAX_FILE:
                line = stream.readline(1 << 16)
                if not line:
                    return
                offset, position = position, position + len(line)
                if not line.strip():
                    continue
                words = line.decode("utf-8", "replace").split(" ")
                try:
                    length = int(words[-1])
                    if len(words) < 5 or length < 0:
                        raise ValueError("header")
                except ValueError:
                    stats["broken/arc_header"] += 1
                    continue
                body = stream.read(min(length, MAX_BLOCK))
                position += len(body)
                if length > MAX_BLOCK:
                    stats["broken/arc_length"] += 1
                    return
                if len(body) < length:
                    stats["broken/truncated"] += 1
                if words[0].startswith("filedesc:"):
                    continue
                stats["records/seen"] += 1
                record = Record(
                    offset, "%20".join(words[:-4]), _iso(words[-3]), words[-2].lower()
                )  # an address may hold spaces
                if body.startswith(b"HTTP/"):
                    if _http(record, body, stats):
                        yield record
                    continue
                record.body = _cut(body, stats)
                if record.body:
                    yield record
    except BROKEN as error:
        stats[f"broken/{_reason(error)}"] += 1


def _jsonl(path: Path, stats: Counter[str]) -> Iterator[Record]:
    """Rows with a string `text`; `offset` is the line number from 0."""
    read = 0
    try:
        with _open(path) as stream:
            number = -1
            while line := stream.readline(MAX_LINE):
                number += 1
                read += len(line)
                if read > MAX_FILE:
                    stats["broken/too_large"] += 1
                    return
                if not line.strip():
                    continue
                stats["records/seen"] += 1
                try:
                    row = json.loads(line)
                except (ValueError, RecursionError):
                    stats["broken/json"] += 1
                    continue
                made = _row(row, number, stats)
                if made is not None:
                    yield made
    except BROKEN as error:
        stats[f"broken/{_reason(error)}"] += 1


def _parquet(path: Path, stats: Counter[str]) -> Iterator[Record]:
    """Rows with a string column `text`; `offset` is the row number from 0."""
    number = 0
    try:
        source = pq.ParquetFile(path)
        for batch in source.iter_batches(batch_size=512):
            for row in batch.to_pylist():
                stats["records/seen"] += 1
                made = _row(row, number, stats)
                number += 1
                if made is not None:
                    yield made
    except BROKEN as error:
        stats[f"broken/{_reason(error)}"] += 1


def _row(row: Any, number: int, stats: Counter[str]) -> Record | None:
    if not isinstance(row, dict) or not isinstance(row.get("text"), str):
        stats["broken/no_text"] += 1
        return None
    if not row["text"].strip():
        stats["skipped/empty_body"] += 1
        return None
    text = row.pop("text").encode("utf-8", "replace").decode("utf-8")
    if len(text) > MAX_BODY:
        stats["cut/max_body"] += 1
        text = text[:MAX_BODY]
    return Record(number, _string(row, "url"), _iso(_string(row, "date")), text=text, fields=row)


def _string(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return (
        value.encode("utf-8", "replace").decode()
        if isinstance(value, str)
        else ""
        if value is None
        else str(value)
    )


def _iso(date: str) -> str:
    """YYYY-MM-DDThh:mm:ssZ as it is, YYYYMMDDhhmmss turned into that, anything else unchanged."""
    if len(date) == 14 and date.isdigit():
        return f"{date[:4]}-{date[4:6]}-{date[6:8]}T{date[8:10]}:{date[10:12]}:{date[12:]}Z"
    return date


def _reason(error: BaseException) -> str:
    """A short, stable name for what went wrong."""
    text = str(error).lower()
    if (
        isinstance(error, EOFError)
        or "eof" in text
        or "truncat" in text
        or "end of" in text
        or "ended before" in text
    ):
        return "truncated"
    if any(
        word in text
        for word in (
            "gzip",
            "deflate",
            "zlib",
            "inflat",
            "zstd",
            "lz4",
            "crc",
            "decompress",
            "frame",
            "brotli",
        )
    ):
        return "compression"
    if isinstance(error, pa.ArrowException):
        return "parquet"
    return "record"
