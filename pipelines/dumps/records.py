"""A record as it came, and the account of what was read and lost.

Belongs here: the value that every format's reader gives, bounds that hold for all of them, dates.
Does not belong here: any format.
"""

from __future__ import annotations

import datetime
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from pipelines.cards.urls import without_secrets
from pipelines.kernels.charset_decoders import decode_as

MAX_BODY = 4 << 20  # bytes of one record's payload after decoding; Common Crawl itself cuts at 1 MiB
MAX_BLOCK = 4 * MAX_BODY  # bytes of one stored record, HTTP headers and encodings included
_ISO = re.compile(
    r"(\d{4})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:[.,]\d{1,12})?)?"
    r"\s?(Z|z|UTC|[+-]\d\d:?\d\d)?)?)?)?",
    re.ASCII,
)
_DIGITS = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d))?", re.ASCII)


@dataclass(slots=True)
class Record:
    """One document as it came. Either `body` (bytes, with `content_type`) or `text` is set."""

    offset: int  # byte of the file, as stored, where the record or its member begins; or line or row number
    url: str
    published: str = ""  # ISO 8601; what a row says
    crawled: str = ""  # ISO 8601; what the archive says
    content_type: str = ""
    charset: str = ""  # of the HTTP header
    body: bytes = b""
    text: str | None = None
    fields: dict[str, Any] = field(default_factory=dict)
    robots: str = ""  # one line for each X-Robots-Tag and for TDM-Reservation, lower case
    links: str = ""  # of its Link headers, where they name languages
    index: int = 0  # which record of its member; 0 where a member holds one


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A place of a file that gave no document. `url` is "" where none could be read."""

    url: str
    offset: int
    index: int
    reason: str  # kind/name, as counted


class Tally:
    """What was read of a file: `counts` by kind/name, and `left_out`, each place that gave nothing.

    Kinds: records, seen (odd, but read), cut (at a bound), skipped, broken.
    """

    def __init__(self, counts: Counter[str] | None = None) -> None:
        self.counts: Counter[str] = Counter() if counts is None else counts
        self.left_out: list[LeftOut] = []

    def count(self, name: str, by: int = 1) -> None:
        self.counts[name] += by

    def lose(self, reason: str, offset: int, index: int = 0, url: str = "", by: int = 1) -> None:
        """Count a place that gives no document, and name it."""
        self.counts[reason] += by
        self.left_out.append(LeftOut(valid_text(without_secrets(url)), offset, index, reason))


def iso_date(value: str) -> str:
    """A date in ISO 8601, as precise as it was; "" for what is no date of the calendar.

    Read are ISO 8601 with `T` or a space, and the 8 or 14 digits of ARC files.
    """
    text = value.strip()
    found = _DIGITS.fullmatch(text) or _ISO.fullmatch(text)
    if not found:
        return ""
    year, month, day, hour, minute, second = (found[k] for k in range(1, 7))
    try:
        datetime.datetime(
            int(year),
            int(month or 1),
            int(day or 1),
            int(hour or 0),
            int(minute or 0),
            min(int(second or 0), 59),
        )
    except ValueError:
        return ""
    made = "-".join(part for part in (year, month, day) if part)
    if hour is None:
        return made
    zone = (found[7] if found.re is _ISO else "Z") or ""
    return f"{made}T{hour}:{minute}:{second or '00'}{'Z' if zone.upper() in ('Z', 'UTC') else zone}"


def decoded_text(data: bytes, codec: str, tally: Tally) -> str:
    """The text of bytes; counted where some do not decode. A character that the end cuts is left out."""
    text = decode_as(data, codec)
    if "\ufffd" in text:
        if len(data) >= MAX_BODY:
            text = text.removesuffix("\ufffd")
        if "\ufffd" in text and b"\xef\xbf\xbd" not in data:
            tally.count(f"seen/not_{codec}")
    return text


def valid_text(text: str) -> str:
    """Text that can be written as UTF-8: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode()
