"""Pages and rows -> files of a dump.

Belongs here: one page with its address, WARC and JSONL files of the same bytes for the same input.
Does not belong here: where pages come from (sample_sources.py), reading (pipelines/dumps/readers.py).
"""

from __future__ import annotations

import gzip
import html
import json
import re
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipelines.lake import digest

TAGS = re.compile(r"<(script|style)\b.*?</\1>|<[^>]+>", re.DOTALL | re.IGNORECASE)
HAN = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class PageFile:
    """One page: address, package, bytes."""

    url: str
    package: str
    data: bytes

    @property
    def text(self) -> str:
        """The page's text, roughly: for choosing, not for training."""
        return html.unescape(TAGS.sub(" ", self.data.decode("utf-8", "replace")))

    @property
    def language(self) -> str:
        text = self.text
        han = len(HAN.findall(text))
        return "zh" if han * 3 > sum(c.isascii() and c.isalpha() for c in text) else "en"


def _warc_record(kind: str, date: str, headers: dict[str, str], block: bytes) -> bytes:
    """One WARC/1.1 record as a gzip member of its own."""
    identity = uuid.UUID(digest(kind, date, canonical(headers), block))
    lines = [f"WARC-Type: {kind}", f"WARC-Record-ID: <urn:uuid:{identity}>", f"WARC-Date: {date}"]
    lines += [f"{k}: {v}" for k, v in headers.items()] + [f"Content-Length: {len(block)}"]
    return gzip.compress(
        b"WARC/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n" + block + b"\r\n\r\n", 6, mtime=0
    )


def canonical(headers: dict[str, str]) -> str:
    return "\n".join(f"{k}: {v}" for k, v in headers.items())


def write_warc(path: Path, pages: Iterable[PageFile], date: str) -> int:
    """Pack pages as a .warc.gz and return how many. The same pages give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with open(path, "wb") as sink:
        info = b"software: skypile sample\r\nformat: WARC File Format 1.1\r\n"
        sink.write(
            _warc_record(
                "warcinfo",
                date,
                {"WARC-Filename": path.name, "Content-Type": "application/warc-fields"},
                info,
            )
        )
        for page in pages:
            length = f"Content-Length: {len(page.data)}\r\n\r\n"
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n{length}".encode()
            headers = {"WARC-Target-URI": page.url, "Content-Type": "application/http; msgtype=response"}
            sink.write(_warc_record("response", date, headers, head + page.data))
            count += 1
    return count


def write_jsonl(path: Path, rows: Iterable[dict[str, Any]], compress: bool = True) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [json.dumps(row, ensure_ascii=False) for row in rows]
    data = "".join(line + "\n" for line in lines).encode()
    path.write_bytes(gzip.compress(data, 6, mtime=0) if compress else data)
    return len(lines)
