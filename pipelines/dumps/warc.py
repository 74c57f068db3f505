"""WARC and WET records as documents.

Belongs here: the headers of WARC (1.0, 1.1 and older), which records become documents. Does not
belong here: where records begin and end (archives.py), HTTP (http.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.dumps.archives import Head, StoredRecord
from pipelines.dumps.http import media_type, parse_response, unpacked_page
from pipelines.dumps.records import MAX_BODY, Record, Tally, decoded_text, iso_date

# the version, then fields with folded lines, then an empty line; ends of lines with or without CR
_HEAD = re.compile(
    rb"WARC/\d\.\d{1,2}[ \t]*+\r?\n"
    rb"((?:[^\r\n:]{1,256}:[^\n]*+\n|[ \t][^\n]*+\n|(?!WARC/)[^\r\n:]{1,1000}\r?\n)*+)\r?\n"
)
_VERSION = re.compile(rb"WARC/\d\.\d{1,2}[ \t]{0,9}\r?\n[A-Za-z]")
_FIELD = re.compile(r"([^:\n]{1,256}):([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_PAGES = ("response", "resource", "conversion", "continuation")  # records that hold one, or a piece of it
_SPACES = re.compile(r"\s+")


class WarcGrammar:
    """How a WARC record begins."""

    start = re.compile(rb"WARC/\d\.\d")
    closed = re.compile(rb"\n\r?\n|\nWARC/")
    gap = re.compile(rb"\r?\n\r?\n")
    address = "warc-target-uri"
    bad_head = "header"

    def begins(self, data: bytes) -> bool:
        return bool(self.start.match(data.lstrip(b"\r\n")))

    def head(self, data: bytes) -> Head | None:
        found = _HEAD.match(data)
        if not found:
            return None
        try:
            text = found[1].decode()
        except UnicodeDecodeError:
            text = found[1].decode("latin-1")
        values: dict[str, str] = {}
        for name, value in _FIELD.findall(text.replace("\r\n", "\n")):
            values.setdefault(name.strip().lower(), _SPACES.sub(" ", value).strip())
        length = values.get("content-length", "")
        whole = length.isascii() and length.isdigit() and len(length) < 16
        return Head(values, int(length) if whole else -1, found.end())

    def anywhere(self, data: bytes) -> Iterator[int]:
        return (found.start() for found in _VERSION.finditer(data)) if b"WARC/" in data else iter(())


WARC = WarcGrammar()


def warc_record(block: StoredRecord, kind: str, codec: str, tally: Tally) -> Record | None:
    """The document in a record; None, counted where it is one that could hold one. `codec` decodes the text
    of WET."""
    headers = block.head.values
    url = headers.get("warc-target-uri", "").strip("<> ").replace(" ", "%20")
    where = (block.offset, block.index, url)
    form = headers.get("warc-type", "").lower()
    tally.count("records/seen")
    if form == "revisit":
        tally.lose("skipped/revisit", *where)
    if form not in (("conversion",) if kind == "wet" else ("response", "resource")):
        if form in _PAGES:  # of the card's other kind, or a further piece of one that was cut
            tally.lose(f"skipped/{form}_record", *where)
        return None
    if "warc-truncated" in headers:
        tally.count("seen/warc_truncated")
    if not block.data:
        tally.lose("skipped/empty_body", *where)
        return None
    said = headers.get("warc-date", "")
    made = Record(block.offset, url, crawled=iso_date(said), index=block.index)
    if said and not made.crawled:
        tally.count("seen/unreadable_date")
    data = block.data
    if block.head.length > len(data):
        tally.count("cut/max_block")
    if kind == "wet":
        made.text = decoded_text(cut(data, tally), codec, tally)
        return made
    declared = headers.get("content-type", "")
    if media_type(declared) == "application/http" or (form == "response" and data.startswith(b"HTTP/")):
        return made if fill_from_http(made, data, tally) else None
    if (page := unpacked_page(data, declared, MAX_BODY + 1)) is not None:
        tally.count("seen/http_unsaid")
        data = page
    made.body = cut(data, tally)
    made.content_type = media_type(declared, made.body)
    return made


def fill_from_http(made: Record, block: bytes, tally: Tally) -> bool:
    """Fill a record from a stored HTTP response; False, counted, where it is none, no 200, or
    empty."""
    response = parse_response(block, MAX_BODY)
    reason = (
        "no_http_headers"
        if response is None
        else "http_status"
        if response.status != 200
        else ""
        if response.body
        else "empty_body"
    )
    if response is None or reason:
        tally.lose(f"skipped/{reason}", made.offset, made.index, made.url)
        return False
    for note in response.notes:
        tally.count("cut/max_body" if note == "cut" else f"seen/http_{note}")
    made.content_type, made.charset, made.body = response.content_type, response.charset, response.body
    made.robots = "\n".join(response.robots)
    links = response.headers.get("link", "")
    made.links = links if "hreflang" in links.lower() else ""
    return True


def cut(body: bytes, tally: Tally) -> bytes:
    """At most MAX_BODY bytes."""
    if len(body) > MAX_BODY:
        tally.count("cut/max_body")
    return body[:MAX_BODY]
