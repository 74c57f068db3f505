"""Reading the records of one file: WARC, ARC, WET, JSONL, Parquet, plain or compressed.

Belongs here: the choice of a reader, and the net under all of them: nothing raises because of what
is in a file. Does not belong here: a format (archives.py, warc.py, arc.py, json_lines.py,
parquet.py), charset, HTML, text (extraction/).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipelines.dumps.arc import ARC, arc_record
from pipelines.dumps.archives import Grammar, StoredRecord, blocks
from pipelines.dumps.foreign import HEAD, format_of
from pipelines.dumps.json_lines import jsonl_records
from pipelines.dumps.members import MARKS, DecodedTooOften, Stored
from pipelines.dumps.parquet import parquet_records
from pipelines.dumps.records import LeftOut, Record, Tally
from pipelines.dumps.rows import FIELDS, Fields
from pipelines.dumps.warc import WARC, warc_record
from pipelines.kernels.charset_decoders import canonical

_OWN = {"jsonl": ("", "json"), "parquet": ("", "parquet")}  # formats of their files
_SEARCHED = 1 << 22  # bytes of a file without a readable beginning in which its compression is looked for
_LINE = 1 << 13  # of them, in which a first line ends


def read_records(
    path: Path, kind: str, stats: Counter[str] | Tally, fields: Fields = FIELDS, charset: str = ""
) -> Iterator[Record]:
    """The readable records of a file, in order. Nothing is raised for what is in it; a disk that fails
    raises OSError.

    `stats` gets records/..., seen/..., cut/..., skipped/... and broken/... counts; a Tally also the
    places that gave no record. `fields` says where a JSONL or Parquet row holds what, `charset` (a label)
    how its text and that of WET is encoded: UTF-8 by default.
    """
    codec = canonical(charset) or "utf-8"
    tally = stats if isinstance(stats, Tally) else Tally(stats)
    with Stored(path) as stored:
        if not stored.size:
            tally.lose("broken/empty_file", 0)
            return
        if fault := _foreign(stored, kind):
            tally.lose(f"broken/is_{fault}", 0)
            return
        if kind == "jsonl":
            records = jsonl_records(stored, fields, codec, tally)
        elif kind == "parquet":
            records = parquet_records(path, fields, codec, tally)
        else:
            records = _archive_records(stored, kind, codec, tally)
        for record in records:
            tally.count("records/read")
            yield record


def _foreign(stored: Stored, kind: str) -> str:
    """The format of a file whose first bytes are those of no file of its kind; archives of records are not
    judged by them, as records behind damage are read."""
    if kind not in _OWN:
        return ""
    plain = stored.kind == "plain" or kind == "parquet"
    try:
        name = format_of(stored.read(0, HEAD) if plain else stored.head(0))
    except DecodedTooOften:
        return ""
    return name if name not in _OWN[kind] else ""


def _archive_records(stored: Stored, kind: str, codec: str, tally: Tally) -> Iterator[Record]:
    try:
        grammar = _settle(stored)
    except DecodedTooOften:
        grammar = None
    if grammar is None:
        head = stored.read(0, HEAD)
        name = format_of(head) if stored.kind == "plain" else format_of(stored.head(0))
        tally.lose(f"broken/is_{name}" if name else "broken/no_records", 0)
        return

    def made(block: StoredRecord) -> Record | None:
        return warc_record(block, kind, codec, tally) if grammar is WARC else arc_record(block, tally)

    for block in blocks(stored, grammar, tally):
        if block.index:
            if not tally.counts["seen/not_seekable"]:  # the file is named once
                tally.left_out.append(LeftOut("", 0, 0, "seen/not_seekable"))
            tally.count("seen/not_seekable")
        try:
            record = made(block)
        except MemoryError:
            raise
        except Exception as error:  # the net: it costs this record alone
            tally.lose(f"broken/{type(error).__name__}", block.offset, block.index)
            continue
        if record is not None:
            yield record


def _settle(stored: Stored) -> Grammar | None:
    """WARC or ARC, by the first record that can be read; None where there is none.

    A file whose first bytes are damaged is taken for the compression that a record is found in.
    """
    found: list[Grammar] = []

    def begins(head: bytes) -> bool:
        head = head.lstrip(b"\r\n")
        if WARC.start.match(head):
            found.append(WARC)
        elif head.startswith(b"filedesc:") or ARC.head(head):
            found.append(ARC)
        return bool(found)

    own = stored.kind
    data = stored.read(0, _SEARCHED) if own == "plain" else b""
    if own == "plain" and begins(data[:_LINE]):
        return found[0]
    for kind in (own, *(k for k in MARKS if k != own)):
        if kind != "plain":
            stored.kind = kind
            stored.next_member(0, begins, stored.size if kind == own else _SEARCHED)
        if found:
            return found[0]
    stored.kind = own
    places = (at for grammar in (WARC, ARC) for at in grammar.anywhere(data))
    return found[0] if any(begins(data[at : at + _LINE]) for at in places) else None
