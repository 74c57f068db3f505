"""ARC records as documents (Internet Archive, versions 1 and 2).

Belongs here: the header line of ARC. Does not belong here: where records begin and end (archives.py),
HTTP (http.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pipelines.dumps.archives import Head, StoredRecord
from pipelines.dumps.http import media_type
from pipelines.dumps.records import Record, Tally, iso_date
from pipelines.dumps.warc import cut, fill_from_http

# address (may hold spaces), IP, date, type, then in version 2 five more, and the length
_HEAD = re.compile(
    rb"([a-z][a-z0-9+.\-]{1,20}+:[^\r\n]{1,7000}?) [0-9a-fA-F.:\-]{1,45} (\d{14}|\d{8}) "
    rb"([^ \r\n]{1,200})(?: \d{1,3} [^ \r\n]{1,100} [^ \r\n]{1,7000} \d{1,15} [^ \r\n]{1,500})?"
    rb" (\d{1,15})\r?\n"
)
_BEHIND = re.compile(rb" [0-9a-fA-F.:\-]{1,45} (?:\d{14}|\d{8}) [^ \r\n]{1,200}(?= |\Z)")  # IP, date, type
_LENGTH = re.compile(rb" \d{1,15}\r?\n")
_MAX_BEHIND = 8_000  # bytes from the IP to the end of its line
_ADDRESS = re.compile(rb"(?:https?|ftp|dns|gopher|nntp|news|whois|filedesc):")  # what crawlers fetch


class ArcGrammar:
    """How an ARC record begins."""

    start = re.compile(rb"[a-z][a-z0-9+.\-]{1,20}+:[^\r\n]")
    closed = re.compile(rb"\n")
    gap = re.compile(rb"\n")
    address = "url"
    bad_head = "arc_header"

    def begins(self, data: bytes) -> bool:
        data = data.lstrip(b"\r\n")
        return bool(_ADDRESS.match(data) and (_HEAD.match(data) or b"\n" not in data))

    def head(self, data: bytes) -> Head | None:
        found = _HEAD.match(data)
        if not found:
            return None
        values = {
            "url": found[1].decode("utf-8", "replace").replace(" ", "%20"),
            "date": found[2].decode(),
            "content-type": found[3].decode("latin-1"),
        }
        return Head(values, int(found[4]), found.end())

    def anywhere(self, data: bytes) -> Iterator[int]:
        """Told by the end of the line, from IP to length; the address before it begins the line, or is
        the last that stands there."""
        begin = 0
        while (end := data.find(b"\n", begin)) >= 0:
            # Only a line that ends with a length is looked through, once: linear whatever stands in it.
            length = data.rfind(b" ", max(begin, end - 17), end)
            if length >= 0 and _LENGTH.fullmatch(data, length, end + 1):
                found = _BEHIND.search(data, max(begin, end - _MAX_BEHIND), length)
                if found and self.head(data[begin : end + 1]):
                    yield begin
                elif found and (others := [m.start() for m in _ADDRESS.finditer(data, begin, found.start())]):
                    yield others[-1]
            begin = end + 1


ARC = ArcGrammar()


def arc_record(block: StoredRecord, tally: Tally) -> Record | None:
    """The document in a record; None, counted, where it holds none."""
    values = block.head.values
    if values["url"].startswith("filedesc:"):
        return None
    tally.count("records/seen")
    made = Record(block.offset, values["url"], crawled=iso_date(values["date"]), index=block.index)
    if block.head.length > len(block.data):
        tally.count("cut/max_block")
    if block.data.startswith(b"HTTP/"):
        return made if fill_from_http(made, block.data, tally) else None
    made.body = cut(block.data, tally)
    made.content_type = media_type(values["content-type"], made.body)
    if not made.body:
        tally.lose("skipped/empty_body", made.offset, made.index, made.url)
        return None
    return made
