"""Parts of our own beside the libraries that do as much: `python -m benchmarks.libraries`.

(1) The HTML parser: our elements, blocks and counts, beside lexbor (resiliparse's HTMLTree): its
parse alone, and its parse with a walk that reads what our columns need at least (parent, tag, class
and id of elements, text). (2) Transfer encoding `chunked` undone, beside http.client, h11 and
fastwarc's own decoding. CPU microseconds, best of three, on the pages of ../shared/data. Prints a
table and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import http.client
import io
import json
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h11
import numpy as np
from fastwarc.warc import ArchiveIterator, WarcRecordType
from resiliparse.parse.html import HTMLTree

from pipelines.dumps.http import Response, _dechunk, parse_response
from pipelines.dumps.readers import read_records
from pipelines.extraction.charset import decode
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
ELEMENT, TEXT = 1, 3  # node types of the DOM
CHUNK_BYTES = 4096


def cpu_micros(act: Callable[[], object], count: int, times: int = 3) -> float:
    """CPU microseconds of `act` for each of `count` items, best of `times`."""
    best = float("inf")
    for _ in range(times):
        started = time.process_time()
        act()
        best = min(best, time.process_time() - started)
    return round(1e6 * best / max(1, count), 1)


def walk(page: bytes) -> int:
    """Elements of lexbor's tree, each read as our columns need it."""
    rows: list[tuple[Any, ...]] = []
    todo: list[tuple[Any, int]] = [(HTMLTree.parse_from_bytes(page, "utf-8").document, -1)]
    while todo:
        node, parent = todo.pop()
        if node.type == TEXT:
            rows.append((parent, node.value))
            continue
        own = parent
        if node.type == ELEMENT:
            own = len(rows)
            rows.append((parent, node.tag, node.getattr("class"), node.getattr("id")))
        child = node.last_child
        while child is not None:
            todo.append((child, own))
            child = child.prev
    return len(rows)


def parsers(archives: Sequence[Path], limit: int) -> dict[str, float]:
    """Figures of the parsers, a page each."""
    pages: list[bytes] = []
    for path in archives:
        for record in read_records(path, "warc", Counter()):
            if record.content_type == "text/html" and len(pages) < limit:
                pages.append(decode(record.body, record.charset)[0].encode("utf-8", "replace"))
    words = text_words("")
    texts = [p.decode() for p in pages]

    def ours() -> None:
        for page in pages:
            tree.parse(np.frombuffer(page, np.uint8), words, False)

    ours()  # compiled before the clock starts
    return {
        "pages": len(pages),
        "parser_ours_micros": cpu_micros(ours, len(pages)),
        "parser_lexbor_parse_micros": cpu_micros(lambda: [HTMLTree.parse(t) for t in texts], len(pages)),
        "parser_lexbor_walk_micros": cpu_micros(lambda: [walk(p) for p in pages], len(pages), 1),
    }


def _ours(block: bytes) -> bytes:
    return _dechunk(Response(200, {}, block[block.find(b"\r\n\r\n") + 4 :]))


class _Socket:
    def __init__(self, block: bytes) -> None:
        self.stream = io.BytesIO(block)

    def makefile(self, *_: object) -> io.BytesIO:
        return self.stream


def _client(block: bytes) -> bytes:
    response = http.client.HTTPResponse(_Socket(block))  # type: ignore[arg-type]
    response.begin()
    return response.read()


def _h11(block: bytes) -> bytes:
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("host", "x")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(block)
    connection.receive_data(b"")
    out = []
    while not isinstance(event := connection.next_event(), h11.EndOfMessage):
        if isinstance(event, h11.Data):
            out.append(bytes(event.data))
        elif not isinstance(event, h11.Response):
            raise ValueError("the body ends early")
    return b"".join(out)


def responses(archives: Sequence[Path], limit: int) -> list[bytes]:
    """HTTP responses as the archives hold them."""
    found: list[bytes] = []
    for path in archives:
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
                if len(found) < limit and (block := record.reader.read()).startswith(b"HTTP/"):
                    found.append(block)
    return found


def chunked(block: bytes) -> bytes:
    """A response with the body of `block`, in chunks."""
    body = block[block.find(b"\r\n\r\n") + 4 :]
    pieces = [body[i : i + CHUNK_BYTES] for i in range(0, len(body), CHUNK_BYTES)]
    packed = b"".join(b"%x\r\n%s\r\n" % (len(p), p) for p in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + packed + b"0\r\n\r\n"


def decoded(archives: Sequence[Path]) -> Counter[str]:
    """Bodies that fastwarc's decoding gives as ours does; those it lacks, since it ends an archive
    at a body that is not encoded as its header says; those that differ."""
    counts: Counter[str] = Counter()
    for path in archives:
        ours, theirs = {}, {}
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response, parse_http=False):
                if made := parse_response(record.reader.read(), 1 << 24):
                    ours[record.stream_pos] = made.body
        with open(path, "rb") as stream:
            try:
                for record in ArchiveIterator(
                    stream, record_types=WarcRecordType.response, auto_decode="all"
                ):
                    theirs[record.stream_pos] = record.reader.read()
            except Exception as error:
                print(f"fastwarc ends {path.name}: {error}", file=sys.stderr)
        for at, body in ours.items():
            counts["missing" if at not in theirs else "equal" if theirs[at] == body else "other"] += 1
    return counts


def encodings(archives: Sequence[Path], limit: int) -> dict[str, float]:
    """Figures of de-chunking, a response each."""
    blocks = responses(archives, limit)
    made = [chunked(b) for b in blocks]
    declared = [b for b in blocks if b"transfer-encoding: chunked" in b.partition(b"\r\n\r\n")[0].lower()]
    found: dict[str, float] = {"responses": len(blocks), "declared_chunked": len(declared)}
    for name, way in (("ours", _ours), ("http_client", _client), ("h11", _h11)):
        found[f"dechunk_{name}_micros"] = cpu_micros(lambda w=way: [w(b) for b in made], len(made))  # type: ignore[misc]
        refused = 0
        for block in declared:
            try:
                way(block)
            except (http.client.HTTPException, h11.RemoteProtocolError, ValueError):
                refused += 1
        found[f"dechunk_{name}_refused"] = refused
    return found | {f"fastwarc_{k}": v for k, v in decoded(archives).items()}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.libraries", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="200 pages and responses")
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds webdump/ and warc-real/")
    arguments = parser.parse_args()
    limit = 200 if arguments.quick else 1 << 30
    crawl = sorted((arguments.data / "webdump").glob("*.warc.gz"))
    real = sorted((arguments.data / "warc-real").rglob("*.warc.gz"))
    if not crawl:
        sys.exit(f"{arguments.data} holds no archives: they are what is measured")
    metrics = parsers(crawl, limit) | encodings([*crawl, *real], limit)
    for name, value in metrics.items():
        print(f"{name:32} {value:>10,}")
    result = {
        "name": "libraries",
        "metrics": metrics,
        "goal": {},
        "hardware": {"machine": platform.machine(), "cores": os.cpu_count()},
        "command": "python -m benchmarks.libraries" + (" --quick" if arguments.quick else ""),
    }
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
