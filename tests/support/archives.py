"""Archive files of known records, and how they are damaged.

Belongs here: records, members, what a file of them should give. Does not belong here: any check.
"""

from __future__ import annotations

import gzip
import random
from collections.abc import Callable, Sequence

CODECS = ("gzip", "zstd", "lz4")


def page(number: int, size: int = 3000) -> bytes:
    """An HTML page whose bytes do not compress well: each line is other letters."""
    draw = random.Random(number)
    letters = "".join(draw.choices("abcdefghijklmnopqrstuvwxyz ", k=size))
    return f"<html><body><p>page {number} {letters}</p></body></html>".encode()


def url(number: int) -> str:
    return f"https://a.invalid/{number}.html"


def warc(
    number: int,
    body: bytes | None = None,
    length: int | None = None,
    newline: bytes = b"\r\n",
    headers: bytes = b"",
) -> bytes:
    """A WARC response record of page(number), with a `length` that may lie and HTTP `headers` of its own."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n" + headers + b"\r\n"
    block = head + (page(number) if body is None else body)
    lines = [
        b"WARC/1.0",
        b"WARC-Type: response",
        b"WARC-Target-URI: " + url(number).encode(),
        b"WARC-Date: 2023-11-20T08:00:00Z",
        b"Content-Type: application/http; msgtype=response",
        b"Content-Length: %d" % (len(block) if length is None else length),
    ]
    return newline.join(lines) + 2 * newline + block + 2 * newline


def arc(number: int, body: bytes | None = None, length: int | None = None) -> bytes:
    """An ARC record of page(number), with a `length` that may lie."""
    block = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n" + (page(number) if body is None else body)
    size = len(block) if length is None else length
    return b"%s 10.0.0.1 20231120080000 text/html %d\n" % (url(number).encode(), size) + block + b"\n"


def compressed(data: bytes, codec: str) -> bytes:
    """One member."""
    if codec == "gzip":
        return gzip.compress(data, mtime=0)
    if codec == "zstd":
        import zstandard

        return zstandard.ZstdCompressor(write_checksum=True).compress(data)
    if codec == "lz4":
        import lz4.frame

        return bytes(lz4.frame.compress(data, content_checksum=True))
    return data


def file_of(
    records: Sequence[bytes], codec: str, harm: Callable[[int, bytes], bytes]
) -> tuple[bytes, list[int]]:
    """(bytes, offset of each record) of a file with one record a member; `harm(number, member)` gives
    what is stored of it."""
    stored = [harm(number, compressed(record, codec)) for number, record in enumerate(records)]
    offsets = [sum(map(len, stored[:number])) for number in range(len(stored))]
    return b"".join(stored), offsets
