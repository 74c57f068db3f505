from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest

from pipelines.dumps import fetch
from pipelines.dumps.addresses import FetchError, Reach
from pipelines.dumps.fetch import Listed, fetched
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


class Odd(FileServer):
    """Answers each path as its name says."""

    asked: ClassVar[list[tuple[str, str]]] = []
    etag: ClassVar[str] = '"one"'
    target: ClassVar[str] = ""
    lines: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        if self.path == "/bad-status" and len(self.asked) < 3:
            self.wfile.write(b"\x16\x03\x01nonsense\r\n\r\n")
            self.close_connection = True
            return
        if self.path == "/chunked-cut" and len(self.asked) < 3:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel")
            self.close_connection = True
            return
        if self.path.startswith("/to"):
            self.send_response(302)
            self.send_header("Location", self.target)
            self.end_headers()
            return
        body = b"hello"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", self.etag)
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    Odd.asked, Odd.etag, Odd.target = [], '"one"', ""
    with serve(Odd) as address:
        yield address


@pytest.mark.parametrize("path", ["/bad-status", "/chunked-cut"])
def test_replies_that_are_none_or_cut_are_asked_for_again(odd: str, path: str) -> None:
    with fetched(f"{odd}{path}") as local:
        assert local.read_bytes() == b"hello"
    assert len(Odd.asked) == 3


def test_a_redirect_leads_nowhere_that_the_card_does_not_name(odd: str, server: str) -> None:
    FileServer.files, FileServer.failures = {"/x": b"other"}, {}
    for target in (f"{server}/x", "http://169.254.169.254/x", "http://localhost:1/x", "file:///etc/passwd"):
        Odd.target = target
        with pytest.raises(FetchError), fetched(f"{odd}/to"):
            pass
    Odd.target = f"{odd}/there"
    with fetched(f"{odd}/to") as local:
        assert local.read_bytes() == b"hello"
    Odd.target = f"{server}/x"
    with fetched(f"{odd}/to", reach=Reach.of([f"{odd}/to"], [server.removeprefix("http://")])) as local:
        assert local.read_bytes() == b"other"


def test_credentials_of_a_card_go_to_its_host_alone_and_into_no_message(odd: str) -> None:
    card = odd.replace("http://", "http://user:secret@") + "/a"
    reach = Reach.of([card])
    with fetched(f"{odd}/a", reach=reach):
        pass
    assert Odd.asked[-1] == ("/a", "Basic dXNlcjpzZWNyZXQ=")
    with serve(Odd) as other:
        Odd.target = f"{other}/b"
        with fetched(f"{odd}/to", reach=Reach.of([card], [other.removeprefix("http://")])):
            pass
        assert Odd.asked[-1] == ("/b", "")
    Odd.target = "http://127.0.0.1:1/"
    with pytest.raises(FetchError) as refused, fetched(card.replace("/a", "/to?X-Amz-Signature=hidden")):
        pass
    assert "secret" not in str(refused.value) and "hidden" not in str(refused.value)


def test_a_file_that_changed_since_it_was_listed_is_refused(odd: str, tmp_path: Path) -> None:
    with fetched(f"{odd}/a", listed=Listed(5, "one")):
        pass
    for listed in (Listed(5, "two"), Listed(4, "one"), Listed(6, "")):
        with (
            pytest.raises(FetchError, match=r"/a ha(s changed|s 5 bytes)"),
            fetched(f"{odd}/a", listed=listed),
        ):
            pass
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    listed = Listed(3, fetch.sha256(path))
    with fetched("a", tmp_path, listed=listed):
        pass
    path.write_bytes(b"abd")
    with pytest.raises(FetchError, match="a has changed"), fetched("a", tmp_path, listed=listed):
        pass
    path.write_bytes(b"abc")
    with pytest.raises(FetchError, match="a has changed"), fetched("a", tmp_path, listed=listed):
        path.write_bytes(b"abcd")


def test_a_server_that_drips_is_given_up(odd: str, monkeypatch: pytest.MonkeyPatch) -> None:
    times = iter(range(0, 100_000, 61))
    monkeypatch.setattr(fetch, "CLOCK", lambda: next(times))
    with pytest.raises(FetchError, match="bytes came in"), fetched(f"{odd}/slow"):
        pass


def test_a_file_without_end_is_given_up(odd: str) -> None:
    with pytest.raises(FetchError, match="at most 3 are expected"), fetched(f"{odd}/a", limit=3):
        pass
