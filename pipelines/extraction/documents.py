"""Raw dump -> documents, file by file.

Belongs here: cutting parts, counting what came in and what was left out, document ids, groups and
sides. Does not belong here: formats (dumps/readers.py), text (html.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.dumps.opt_outs import opt_outs
from pipelines.dumps.raw_dump import FetchError, fetched
from pipelines.dumps.readers import Record, read_records
from pipelines.engine import Engine
from pipelines.extraction.charset import decode
from pipelines.extraction.page import extract
from pipelines.extraction.quarantine import (
    AGAIN,
    SECONDS,
    Quarantined,
    TooSlow,
    add,
    deadline,
    fingerprint,
    offsets,
)
from pipelines.extraction.side import SplitBy, side, split_by
from pipelines.lake import Built, Dataset, Lake, LakeFiles, Writer
from pipelines.lake.hashing import canonical_json, digest
from pipelines.tables.schemas import DOCUMENTS, document_id

VERSION = 5
SPLIT_VERSION = 1
PART_ROWS = 20_000  # rows of one part: about 100 MB of text
MIN_CHARS = 20  # characters of text below which a page gave nothing
HTML_TYPES = ("", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/http")
TEXT_TYPES = ("text/plain",)


def build_documents(lake: Lake, engine: Engine, card: DumpCard, raw: Dataset) -> Built:
    """Publish the dump's documents (schema DOCUMENTS).

    One part for each input file, named by a hash of the file's name, or more where a file holds
    over PART_ROWS documents (`part-1f00aa5503c9.parquet`, `part-1f00aa5503c9_0001.parquet`, ...). A
    larger `sample`, or a listing with new files, takes over the parts of files that are unchanged,
    unless it has so many groups more that it is no longer split by URL. Stats: `documents`,
    `pages`, `bytes_in`, `chars_out` and counts by reason.
    """
    while True:
        try:
            return _build(lake, engine, card, raw)
        except Quarantined:
            continue


def _build(lake: Lake, engine: Engine, card: DumpCard, raw: Dataset) -> Built:
    files = raw.read().to_pylist()
    named = fingerprint(lake, card.name)
    by = _split(lake, card, raw)
    parameters = _parameters(card) | {"split_by": by}
    known = lake.reusable("documents")

    def write(writer: Writer) -> None:
        def work(index: int) -> None:
            file = files[index]
            first = f"part-{digest(file['file'])[:12]}.parquet"
            if writer.has(first):  # the first part is written last, so it stands for all of its file
                return
            tag = file["etag_or_sha256"]
            key = (
                digest(str(VERSION), canonical_json(parameters), file["file"], tag, str(file["bytes"]), named)
                if tag
                else ""
            )
            for dataset, part in reversed(known.get(key, [])):
                writer.reuse(part.path, dataset, part)
            if key not in known:
                _write_file(writer, card, file, Path(lake.root), first, key, by)

        engine.map_parts(len(files), work)
        if fingerprint(lake, card.name) != named:
            raise Quarantined

    inputs: dict[str, Dataset | str] = {"raw_dump": raw} | ({"quarantine": named} if named else {})
    return lake.publish(
        "documents", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )


def _parameters(card: DumpCard) -> dict[str, Any]:
    """What of the card decides the documents; where the files lie does not."""
    return {k: v for k, v in card.parameters().items() if k not in ("uris", "sample", "licence", "reference")}


def _split(lake: Lake, card: DumpCard, raw: Dataset) -> SplitBy:
    """Whether the dump is split by group or by URL, from the groups of its records; kept as the
    small dataset `split`."""

    def write(writer: Writer) -> None:
        writer.write_json("split.json", {"split_by": split_by(_groups(raw, card, Path(lake.root)), card)})

    fields = ("kind", "allow", "block", "group", "min_groups", "held_out", "validation_share")
    parameters = {k: v for k, v in card.parameters().items() if k in fields}
    built = lake.publish(
        "split",
        card.name,
        version=SPLIT_VERSION,
        parameters=parameters,
        inputs={"raw_dump": raw},
        write=write,
    )
    found: SplitBy = built.dataset.read_json("split.json")["split_by"]
    return found


def _groups(raw: Dataset, card: DumpCard, base: Path) -> Iterator[str]:
    """The group of every record that may become a document, without reading its text."""
    for file in raw.read().to_pylist():
        with fetched(file["uri"], base) as path:
            for record in read_records(path, card.kind, Counter()):
                host, folders = _place(record.url)
                if not _left_out(record, card, host):
                    yield group_of(record, card, host, folders)


def _place(url: str) -> tuple[str, str]:
    """(host, path) of a URL; empty where it is not readable."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.path
    except ValueError:
        return "", ""


def _left_out(record: Record, card: DumpCard, host: str) -> str:
    """Why a record is no document whatever it says: block_list, allow_list, content_type; empty for
    the others."""
    if card.block and any(_matches(host, record.url, rule) for rule in card.block):
        return "block_list"
    if card.allow and not any(_matches(host, record.url, rule) for rule in card.allow):
        return "allow_list"
    if (
        record.text is None
        and record.content_type not in HTML_TYPES
        and record.content_type not in TEXT_TYPES
    ):
        return "content_type"
    return ""


def _write_file(
    writer: Writer, card: DumpCard, file: dict[str, Any], base: Path, first: str, key: str, by: SplitBy
) -> None:
    stats: Counter[str] = Counter()
    left_out = frozenset(offsets(writer.lake, card.name, file["file"]))
    stem = first.removesuffix(".parquet")
    rows: list[dict[str, Any]] = []
    full: list[dict[str, Any]] = []
    number = 0
    try:
        with fetched(file["uri"], base) as path:
            for record in read_records(path, card.kind, stats):
                row = _timed(writer.lake, record, card, by, file["file"], stats, left_out)
                if row is None:
                    continue
                if len(rows) == PART_ROWS:
                    if number:
                        writer.write_table(
                            f"{stem}_{number:04d}.parquet", pa.Table.from_pylist(rows, DOCUMENTS), key=key
                        )
                    else:
                        full = rows
                    rows, number = [], number + 1
                rows.append(row)
    except FetchError:
        stats["broken/not_fetched"] += 1
        raise
    if number:
        writer.write_table(f"{stem}_{number:04d}.parquet", pa.Table.from_pylist(rows, DOCUMENTS), key=key)
        rows = full
    reasons: dict[str, dict[str, int]] = {}
    for counted, count in sorted(stats.items()):
        head, _, tail = counted.partition("/")
        if tail:
            reasons.setdefault(head, {})[tail] = count
    plain: dict[str, Any] = {
        k: stats[k] for k in ("documents", "pages", "bytes_in", "chars_out", "validation_documents")
    }
    writer.write_table(first, pa.Table.from_pylist(rows, DOCUMENTS), {"files": 1, **plain, **reasons}, key)


def _timed(
    lake: LakeFiles,
    record: Record,
    card: DumpCard,
    by: SplitBy,
    file: str,
    stats: Counter[str],
    left_out: frozenset[int],
) -> dict[str, Any] | None:
    """`to_document` under the clock: a page that is stopped is tried once more, alone, then named
    in the quarantine."""
    if record.offset in left_out:
        stats["pages"] += 1
        stats["skipped/quarantined"] += 1
        return None
    for seconds in (SECONDS, SECONDS * AGAIN):
        counted: Counter[str] = Counter()
        try:
            with deadline(seconds):
                row = to_document(record, card, file, counted, by)
        except TooSlow:
            continue
        stats.update(counted)
        return row
    add(lake, card.name, file, record.offset)
    return None


def group_of(record: Record, card: DumpCard, host: str, path: str) -> str:
    """The group that a document shares its side with, as the card's `group` says."""
    if card.group in ("host", "host/1", "host/2"):
        depth = int(card.group[5:] or 0) if "/" in card.group else 0
        folders = [p for p in path.split("/")[:-1] if p][:depth]
        return "/".join([host, *folders])
    if card.group == "url":
        return record.url
    value = record.fields.get(card.group)
    return str(value) if value not in (None, "") else host or record.url


def to_document(
    record: Record, card: DumpCard, file: str, stats: Counter[str], by: SplitBy = "group"
) -> dict[str, Any] | None:
    """One row of DOCUMENTS, or None with a count under skipped/REASON."""
    stats["pages"] += 1
    host, path = _place(record.url)
    reason = _left_out(record, card, host)
    if reason:
        stats[f"skipped/{reason}"] += 1
        stats["bytes_in"] += len(record.body) if reason == "content_type" else 0
        return None
    charset, title, language, date = (
        "utf-8",
        str(record.fields.get("title") or ""),
        str(record.fields.get("language") or ""),
        record.date,
    )
    robots = record.robots
    if record.text is not None:
        stats["bytes_in"] += len(record.text.encode())
        text = record.text.strip("\n")
    else:
        stats["bytes_in"] += len(record.body)
        if b"\0" in record.body[:1024] and not record.body.startswith((b"\xff\xfe", b"\xfe\xff")):
            stats["skipped/binary"] += 1
            return None
        markup, charset = decode(record.body, record.charset)
        if record.content_type in TEXT_TYPES:
            text = markup.replace("\r\n", "\n").strip()
        else:
            page = extract(markup)
            for bound in page.cut:
                stats[f"cut/{bound}"] += 1
            text, title, language, robots = page.text, page.title, page.language, robots + page.robots
            date = page.date or date
    signals = opt_outs(robots)
    for signal in signals:
        stats[f"opted_out/{signal}"] += 1
    if set(signals) & set(card.obey_opt_outs):
        stats["skipped/opted_out"] += 1
        return None
    if len(text) < MIN_CHARS:
        stats["skipped/no_main_text"] += 1
        return None
    group = group_of(record, card, host, path)
    stats["documents"] += 1
    stats["chars_out"] += len(text)
    where = side(group, record.url or f"{file}#{record.offset}", card, by)
    stats["validation_documents"] += where == "validation"
    return {
        "doc_id": document_id(card.name, file, record.offset),
        "url": _valid(record.url),
        "host": _valid(host),
        "group": _valid(group),
        "date": _valid(date or card.date),
        "file": file,
        "offset": record.offset,
        "charset": charset,
        "title": _valid(title),
        "language_hint": _valid(language),
        "category": card.category,
        "side": where,
        "text": _valid(text),
    }


def _valid(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()


def _matches(host: str, url: str, rule: str) -> bool:
    """Whether a rule (host name or URL prefix) covers a page; a host rule covers its subdomains."""
    return url.startswith(rule) if "://" in rule else host == rule or host.endswith("." + rule)
