from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps import raw_dump as raw
from pipelines.dumps.raw_dump import FetchError, fetched, raw_dump_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build


def card(*uris: str, sample: float = 1.0) -> DumpCard:
    return DumpCard(name="d", kind="jsonl", uris=uris, sample=sample)


def test_globs_are_listed_in_order_and_relative_to_the_lake(tmp_path: Path) -> None:
    folder = tmp_path / "inputs" / "d"
    folder.mkdir(parents=True)
    for i in range(20):
        (folder / f"{i:02d}.jsonl").write_text(f"{i}\n")
    lake = Lake(tmp_path)
    built = build(lake, InProcess(), raw_dump_stage(card("inputs/d/*.jsonl"), Path(lake.root)))
    rows = built.dataset.read().to_pylist()
    assert [r["file"] for r in rows] == [f"{i:02d}.jsonl" for i in range(20)]
    assert rows[3]["uri"] == "inputs/d/03.jsonl" and built.dataset.stats == {"files": 20, "bytes": 50 - 0}
    assert not build(lake, InProcess(), raw_dump_stage(card("inputs/d/*.jsonl"), Path(lake.root))).fresh
    (folder / "03.jsonl").write_text("4\n")
    assert build(
        lake, InProcess(), raw_dump_stage(card("inputs/d/*.jsonl"), Path(lake.root))
    ).fresh  # same size, other bytes


def test_a_larger_sample_is_a_superset(tmp_path: Path) -> None:
    for i in range(60):
        (tmp_path / f"{i}.jsonl").write_text("x")
    names = []
    for share in (0.2, 0.5, 1.0):
        names.append(
            set(
                build(
                    Lake(tmp_path),
                    InProcess(),
                    raw_dump_stage(card("*.jsonl", sample=share), Path(Lake(tmp_path).root)),
                )
                .dataset.read()["file"]
                .to_pylist()
            )
        )
    assert names[0] < names[1] < names[2] and len(names[2]) == 60


def test_a_card_that_names_nothing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="none"):
        build(Lake(tmp_path), InProcess(), raw_dump_stage(card("none/*.jsonl"), Path(Lake(tmp_path).root)))


class _Handler(http.server.BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    failures: ClassVar[dict[str, int]] = {}

    def _reply(self, body: bool) -> None:
        if self.failures.get(self.path, 0) > 0 and body:
            self.failures[self.path] -= 1
            self.send_error(503)
            return
        data = self.files.get(self.path)
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.send_header("ETag", '"abc"')
        self.end_headers()
        if body:
            self.wfile.write(data)

    def do_GET(self) -> None:
        self._reply(True)

    def do_HEAD(self) -> None:
        self._reply(False)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(raw.RETRIES, "sleep", lambda seconds: None)
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{service.server_address[1]}"
    service.shutdown()
    service.server_close()


def test_listing_over_http_with_retries(server: str, tmp_path: Path) -> None:
    lines = f"{server}/crawl/1.jsonl\n{server}/crawl/2.jsonl\n"
    _Handler.files = {
        "/wet.paths.gz": gzip.compress(lines.encode()),
        "/crawl/1.jsonl": b"one",
        "/crawl/2.jsonl": b"two!",
    }
    _Handler.failures = {"/wet.paths.gz": 2, "/crawl/1.jsonl": 1}
    dataset = build(
        Lake(tmp_path), InProcess(), raw_dump_stage(card(f"{server}/wet.paths.gz"), Path(Lake(tmp_path).root))
    ).dataset
    assert dataset.read(["file", "bytes", "etag_or_sha256"]).to_pylist() == [
        {"file": "1.jsonl", "bytes": 3, "etag_or_sha256": "abc"},
        {"file": "2.jsonl", "bytes": 4, "etag_or_sha256": "abc"},
    ]
    with fetched(f"{server}/crawl/1.jsonl") as path:
        assert path.read_bytes() == b"one"
    assert not path.exists()


def test_a_refusal_and_an_endless_failure_name_the_object(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(raw.RETRIES, "sleep", waits.append)
    _Handler.files, _Handler.failures = {"/down": b"x"}, {"/down": 99}
    with pytest.raises(FetchError, match="/gone: the server answered 404"), fetched(f"{server}/gone"):
        pass
    assert waits == []
    with pytest.raises(FetchError, match="/down: gave up after 5 tries"), fetched(f"{server}/down"):
        pass
    assert waits == [0.5, 1, 2, 4]


def test_a_lost_connection_goes_on_from_the_bytes_that_came(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 4000
    ranges: list[str] = []

    class Cutting(_Handler):
        def do_GET(self) -> None:
            start = 0
            if wanted := self.headers.get("Range"):
                ranges.append(wanted)
                start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(data) - start))
            self.end_headers()
            self.wfile.write(data[start : start + 400_000])  # and no more, though more was promised
            self.close_connection = True

    monkeypatch.setattr(raw.RETRIES, "sleep", lambda seconds: None)
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cutting)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        with fetched(f"http://127.0.0.1:{service.server_address[1]}/x") as path:
            assert path.read_bytes() == data
    finally:
        service.shutdown()
        service.server_close()
    assert ranges == ["bytes=400000-", "bytes=800000-"]
