"""JSON lines: one object a line.

Belongs here: lines of any compression, bounds on them, lines that are no object. Does not belong
here: which field is what (rows.py).
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator

from pipelines.dumps.members import Stored, decoded
from pipelines.dumps.records import Record, Tally
from pipelines.dumps.rows import Fields, row_record, value_at

MAX_LINE = 32 << 20  # bytes of one line
_PADDING = b"\0\x1e \t\r\n"  # around an object: of a file that was not filled, of RFC 7464, white space
# How a file in another form of Unicode begins: with a mark, or with its first brace.
_WIDE = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\0\0\0{", "utf-32-be"),
    (b"{\0\0\0", "utf-32-le"),
    (b"\0{", "utf-16-be"),
    (b"{\0", "utf-16-le"),
)
MAX_FILE = 16 << 30  # decoded bytes of one file: a bound on bombs


def jsonl_records(stored: Stored, fields: Fields, tally: Tally) -> Iterator[Record]:
    """Rows with a text. `offset` is the number of the line, from 0, among those that can be read."""
    for number, line in _lines(stored, tally):
        line = line.strip(_PADDING)
        if not line:
            continue
        try:
            row = json.loads(line, strict=False)  # controls in a text are taken out of it later
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            tally.count("records/seen")
            tally.lose("broken/json", number)
            continue
        values = {name: value_at(row, path) for name, path in fields.items()}
        made = row_record(values, number, list(row), tally)
        if made is not None:
            yield made


def _lines(stored: Stored, tally: Tally) -> Iterator[tuple[int, bytes]]:
    """(number, bytes) of every line up to MAX_LINE; a longer one is counted once and has its number."""
    held: list[bytes] = []  # the line that goes on
    size, number, read = 0, 0, 0
    wide: codecs.IncrementalDecoder | None = None
    for data in decoded(stored, tally.lose):
        if not read:
            wide = _wide_decoder(data)
        read += len(data)
        if read > MAX_FILE:
            tally.lose("broken/too_large", number)
            return
        if not data:  # a damaged place: the line before it is lost, and what follows may be a rest
            number += size > 0
            held, size = [], 0
            if wide:
                wide.reset()
            continue
        if wide:
            data = wide.decode(data).encode("utf-8", "replace")
        first, *others = data.split(b"\n")
        held.append(first)
        size += len(first)
        if size > MAX_LINE:
            held = []
        for piece in others:
            if size > MAX_LINE:
                tally.lose("broken/long_line", number)
            else:
                yield number, b"".join(held)
            number += 1
            held, size = [piece], len(piece)
    if size > MAX_LINE:
        tally.lose("broken/long_line", number)
    elif size:
        yield number, b"".join(held)


def _wide_decoder(head: bytes) -> codecs.IncrementalDecoder | None:
    """What decodes a file that begins so; None for UTF-8."""
    for mark, name in _WIDE:
        if head.startswith(mark):
            return codecs.getincrementaldecoder(name)("replace")
    return None
