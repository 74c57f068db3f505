"""JSON lines: one object a line.

Belongs here: lines of any compression and charset, bounds on them, lines that are no object. Does not belong
here: which field is what (rows.py).
"""

from __future__ import annotations

import codecs
import functools
import json
from collections.abc import Iterator
from typing import Any

from pipelines.dumps.members import Stored, decoded
from pipelines.dumps.records import Record, Tally
from pipelines.dumps.rows import Fields, names_in, row_record, value_at
from pipelines.kernels.charset_decoders import decode_as

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


def jsonl_records(stored: Stored, fields: Fields, codec: str, tally: Tally) -> Iterator[Record]:
    """Rows with a text. `offset` is the number of the line, from 0, among those that can be read.

    `codec`: what decodes a file that is not in UTF-16 or UTF-32. A line that is not UTF-8 where it should
    be is lost; one with characters that another codec cannot decode has U+FFFD for them.
    """
    for number, line, own in _lines(stored, codec, tally):
        line = line.strip(_PADDING)
        if not line:
            continue
        row, reason = _row(line, own, tally)
        if row is None:
            tally.count("records/seen")
            tally.lose(reason, number)
            continue
        values = {name: value_at(row, path) for name, path in fields.items()}
        made = row_record(values, number, functools.partial(names_in, row), "utf-8", tally)
        if made is not None:
            yield made


def _row(line: bytes, codec: str, tally: Tally) -> tuple[dict[str, Any] | None, str]:
    """(the object of a line, or None; why there is none)."""
    try:
        text = line.decode("utf-8", "surrogatepass") if codec == "utf-8" else decode_as(line, codec)
        row = json.loads(text.removeprefix("\ufeff"), strict=False)  # controls are taken out of texts later
    except UnicodeDecodeError:
        return None, "broken/not_utf-8"
    except (ValueError, RecursionError):
        return None, "broken/json"
    if codec != "utf-8" and "\ufffd" in text:
        tally.count(f"seen/not_{codec}")
    return (row, "") if isinstance(row, dict) else (None, "broken/json")


def _lines(stored: Stored, codec: str, tally: Tally) -> Iterator[tuple[int, bytes, str]]:
    """(number, bytes, what decodes them) of every line up to MAX_LINE; a longer one is counted once and has
    its number. Lines of UTF-16 and UTF-32 come in UTF-8."""
    held: list[bytes] = []  # the line that goes on
    size, number, read = 0, 0, 0
    wide: codecs.IncrementalDecoder | None = None
    for data in decoded(stored, tally.lose):
        if not read:
            wide = _wide_decoder(data, codec)
            codec = "utf-8" if wide else codec
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
                yield number, b"".join(held), codec
            number += 1
            held, size = [piece], len(piece)
    if size > MAX_LINE:
        tally.lose("broken/long_line", number)
    elif size:
        yield number, b"".join(held), codec


def _wide_decoder(head: bytes, codec: str) -> codecs.IncrementalDecoder | None:
    """What decodes a file that begins so, as a whole; None where its lines can be parted as bytes."""
    named = codec if codec.startswith("utf-16") else ""
    name = next((name for mark, name in _WIDE if head.startswith(mark)), named)
    return codecs.getincrementaldecoder(name)("replace") if name else None
