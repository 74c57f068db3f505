"""The table `documents`: the records of a dump as documents, file by file.

Belongs here: cutting parts, counting what came in and what was left out, one record as one row. Does
not belong here: formats (dumps/), the text of a page (page.py), groups and sides (group.py,
side.py, split.py), which records are not read at all (selection.py).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.cards.urls import without_secrets
from pipelines.dumps.http import looks_binary
from pipelines.dumps.opt_outs import opt_outs
from pipelines.dumps.raw_dump import fetched_file
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import LeftOut, Record, Tally, iso_date, valid_text
from pipelines.dumps.rows import fields_of
from pipelines.extraction.alternates import alternates
from pipelines.extraction.charset import decode
from pipelines.extraction.group import group_of, host_and_path
from pipelines.extraction.left_out import LEFT_OUT, left_out_table
from pipelines.extraction.page import compile_kernels, extract
from pipelines.extraction.plain_text import plain_text
from pipelines.extraction.quarantine import (
    AGAIN,
    SECONDS,
    Place,
    TooSlow,
    add_to_quarantine,
    deadline,
    fingerprint,
    quarantined,
)
from pipelines.extraction.selection import TEXT_TYPES, reason_left_out
from pipelines.extraction.side import SplitBy, side
from pipelines.extraction.split import split_of
from pipelines.lake import Dataset, LakeFiles, canonical_json, digest
from pipelines.tables.schemas import DOCUMENTS, document_id
from pipelines.tables.stage import Building, InputsChanged, Stage, Stats

VERSION = 18
PART_ROWS = 20_000  # rows of one part: about 100 MB of text of web pages
PART_BYTES = 128 << 20  # bytes of text behind which a part ends: books; Arrow's offsets end at 2 GiB
MIN_CHARS = 20  # characters of text below which a page gave nothing
_NO_INPUT = ("uris", "hosts", "sample", "licence", "reference", "domain")  # of the card: decide no document


def documents_stage(card: DumpCard, raw_dump: Dataset, split: Dataset) -> Stage:
    """The documents of a dump (schema DOCUMENTS).

    One part for each input file, named by a hash of the file's name, or more where a file holds over
    PART_ROWS documents (`part-1f00aa5503c9.parquet`, `part-1f00aa5503c9_0001.parquet`, ...). A larger
    `sample`, or a listing with new files, takes over the parts of files that are unchanged, unless it
    has so many groups more that it is no longer split by URL. Pages that the clock stops are
    quarantined, and the stage is made anew without them. Beside it `left_out` (left_out.py). Stats:
    documents, pages, bytes_in, chars_out, validation_documents, files, and counts by reason.
    """
    lake = raw_dump.lake
    named = fingerprint(lake, card.name)
    by = split_of(split)
    parameters = {k: v for k, v in card.parameters().items() if k not in _NO_INPUT} | {"split_by": by}

    def compute(building: Building) -> None:
        files = raw_dump.read().to_pylist()
        shared = (str(VERSION), canonical_json(parameters))
        # What a file holds is told by its etag or hash; without one, it is read anew each time.
        keys = [
            digest(*shared, f["file"], f["etag_or_sha256"], str(f["bytes"]), named)
            if f["etag_or_sha256"]
            else ""
            for f in files
        ]
        writer, base = building.writer, Path(lake.root)

        def parts(i: int) -> Iterator[tuple[str, pa.Table, Stats]]:
            first = f"part-{digest(files[i]['file'])[:12]}.parquet"
            # Written last, so it stands for all parts of its file; a power cut may lose what is beside.
            if not (writer.has(first) and (published or left_out.has(first))):

                def name(places: Sequence[LeftOut]) -> None:
                    left_out.write_table(first, left_out_table(files[i]["file"], places), key=keys[i])

                yield from _read_file(lake, card, files[i], base, first, by, name)

        left_out = building.writer_beside(LEFT_OUT, VERSION, {})
        published = building.lake.computed(left_out.key) is not None
        building.write_files(keys, parts, left_out)
        if fingerprint(lake, card.name) != named:
            raise InputsChanged
        building.publish_beside(LEFT_OUT, VERSION, {}, lambda _: None)

    inputs: dict[str, Dataset | str] = {"raw_dump": raw_dump}
    inputs |= {"quarantine": named} if named else {}
    return Stage(
        "documents",
        VERSION,
        compute,
        partition=card.name,
        parameters=parameters,
        inputs=inputs,
        beside=(LEFT_OUT,),
        renew=lambda: documents_stage(card, raw_dump, split),
    )


def _read_file(
    lake: LakeFiles,
    card: DumpCard,
    file: Mapping[str, Any],
    base: Path,
    first: str,
    by: SplitBy,
    name_left_out: Callable[[Sequence[LeftOut]], None],
) -> Iterator[tuple[str, pa.Table, Stats]]:
    """(path, documents, counts) of each part of one file, the part `first` at the end, with the counts
    of all. Before it, the places that gave nothing are named."""
    tally = Tally()
    left_out = frozenset(quarantined(lake, card.name, file["file"]))
    stem = first.removesuffix(".parquet")
    rows: list[dict[str, Any]] = []
    first_rows = rows
    number = size = 0
    compile_kernels()
    with fetched_file(card, file, base) as path:
        for record in read_records(path, card.kind, tally, fields_of(card), card.charset):
            row = _timed(lake, record, card, by, file["file"], tally, left_out)
            if row is None:
                continue
            if len(rows) == PART_ROWS or size > PART_BYTES:
                if number:
                    yield f"{stem}_{number:04d}.parquet", pa.Table.from_pylist(rows, DOCUMENTS), {}
                rows, number, size = [], number + 1, 0
            rows.append(row)
            size += len(row["text"].encode())
    if number:
        yield f"{stem}_{number:04d}.parquet", pa.Table.from_pylist(rows, DOCUMENTS), {}
    name_left_out(tally.left_out)
    stats = tally.counts
    reasons: dict[str, dict[str, int]] = {}
    for counted, count in sorted(stats.items()):
        kind, _, reason = counted.partition("/")
        if reason:
            reasons.setdefault(kind, {})[reason] = count
    totals = {k: stats[k] for k in ("documents", "pages", "bytes_in", "chars_out", "validation_documents")}
    yield first, pa.Table.from_pylist(first_rows, DOCUMENTS), {"files": 1, **totals, **reasons}


def _timed(
    lake: LakeFiles,
    record: Record,
    card: DumpCard,
    by: SplitBy,
    file: str,
    tally: Tally,
    left_out: frozenset[Place],
) -> dict[str, Any] | None:
    """`to_document` under the clock: a page that is stopped is tried once more, alone, then named
    in the quarantine. A page that raises is counted under the error's class."""
    place = (record.offset, record.index)
    reason = "skipped/quarantined"
    if place not in left_out:
        for seconds in (SECONDS, SECONDS * AGAIN):
            counted = Tally()
            try:
                with deadline(seconds):
                    row = to_document(record, card, file, counted, by)
            except TooSlow:
                continue
            except MemoryError:
                raise
            except Exception as error:  # the net: it costs this page alone
                reason = f"broken/{type(error).__name__}"
                break
            tally.counts.update(counted.counts)
            tally.left_out += counted.left_out
            return row
        else:
            add_to_quarantine(lake, card.name, file, place)
            return None
    tally.count("pages")
    tally.lose(reason, *place, url=record.url)
    return None


def to_document(
    record: Record, card: DumpCard, file: str, tally: Tally, by: SplitBy = "group"
) -> dict[str, Any] | None:
    """One row of DOCUMENTS, or None, counted under skipped/REASON."""
    stats = tally.counts

    def skip(reason: str) -> None:
        tally.lose(f"skipped/{reason}", record.offset, record.index, record.url)

    stats["pages"] += 1
    record.url = without_secrets(record.url)
    host, path = host_and_path(record.url)
    reason = reason_left_out(record, card, lambda rule: tally.count(f"rules/{rule}"))
    if reason:
        skip(reason)
        stats["bytes_in"] += len(record.body) if reason == "content_type" else 0
        return None
    title, language = (str(record.fields.get(name) or "") for name in ("title", "language"))
    charset, published, robots, others = "utf-8", record.published, record.robots, ""
    if record.text is not None:
        stats["bytes_in"] += len(record.text.encode())
        text = plain_text(record.text)
    else:
        stats["bytes_in"] += len(record.body)
        if looks_binary(record.body):
            skip("binary")
            return None
        markup, charset = decode(record.body, record.charset)
        if record.content_type in TEXT_TYPES:
            text = plain_text(markup).strip()
        else:
            page = extract(markup)
            for bound in page.cut:
                stats[f"cut/{bound}"] += 1
            text, title, language, robots = page.text, page.title, page.language, f"{robots}\n{page.robots}"
            published = _before_crawl(iso_date(page.date), record.crawled) or published
            others = alternates(markup if page.names_others else "", record.url, record.links)
    signals = opt_outs(robots)
    for signal in signals:
        stats[f"opted_out/{signal}"] += 1
    if set(signals) & set(card.obey_opt_outs):
        skip("opted_out")
        return None
    if len(text) < MIN_CHARS:
        skip("no_main_text")
        return None
    group = group_of(record, card, host, path)
    stats["documents"] += 1
    stats["chars_out"] += len(text)
    place = f"{file}#{record.offset}" + (f".{record.index}" if record.index else "")
    where = side(group, record.url or place, card, by)
    stats["validation_documents"] += where == "validation"
    return {
        "doc_id": document_id(card.name, file, record.offset, record.index),
        "url": valid_text(record.url),
        "host": valid_text(host),
        "group": valid_text(group),
        "published": published or None,
        "crawled": record.crawled or card.date or None,
        "file": file,
        "offset": record.offset,
        "charset": charset,
        "title": valid_text(title),
        "language_hint": valid_text(language),
        "alternates": valid_text(others),
        "category": card.category,
        "side": where,
        "text": valid_text(text),
    }


def _before_crawl(published: str, crawled: str) -> str:
    """A date of publication (YYYY-MM-DD); "" where it is later than the day after the crawl: it is that of an
    event, or none."""
    try:
        last = date.fromisoformat(crawled[:10]) + timedelta(days=1)
    except (ValueError, OverflowError):
        return published
    return published if published <= last.isoformat() else ""
