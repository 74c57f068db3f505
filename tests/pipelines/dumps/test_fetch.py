from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.dumps import fetch
from pipelines.dumps.fetch import FetchError, fetched
from tests.support.file_server import FileServer, serve


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    with serve(FileServer) as address:
        yield address


def test_a_download_is_there_for_the_block_only(server: str) -> None:
    FileServer.files, FileServer.failures = {"/a.jsonl": b"one"}, {"/a.jsonl": 1}
    with fetched(f"{server}/a.jsonl") as path:
        assert path.name == "a.jsonl" and path.read_bytes() == b"one"
    assert not path.exists()


def test_a_local_file_is_read_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    with fetched("a", tmp_path) as path:
        assert path == tmp_path / "a"
    assert path.exists()
    with pytest.raises(FetchError, match="no such file"), fetched("b", tmp_path):
        pass


def test_a_refusal_and_an_endless_failure_name_the_object(
    server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(fetch.RETRIES, "sleep", waits.append)
    FileServer.files, FileServer.failures = {"/down": b"x"}, {"/down": 99}
    with pytest.raises(FetchError, match="/gone: the server answered 404"), fetched(f"{server}/gone"):
        pass
    assert waits == []
    with pytest.raises(FetchError, match="/down: gave up after 5 tries"), fetched(f"{server}/down"):
        pass
    assert waits == [0.5, 1, 2, 4]


def test_a_lost_connection_goes_on_from_the_bytes_that_came(monkeypatch: pytest.MonkeyPatch) -> None:
    data = bytes(range(256)) * 4000
    ranges: list[str] = []

    class Cutting(FileServer):
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

    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    with serve(Cutting) as address, fetched(f"{address}/x") as path:
        assert path.read_bytes() == data
    assert ranges == ["bytes=400000-", "bytes=800000-"]
