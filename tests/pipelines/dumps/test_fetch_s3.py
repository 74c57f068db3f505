"""Fetching from S3 that throttles and breaks off, and with which credentials."""

from __future__ import annotations

import http.server
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import botocore.endpoint
import pytest

from pipelines.dumps.addresses import FetchError
from pipelines.dumps.fetch import fetched, s3_client
from tests.support.file_server import serve


def test_requests_are_unsigned_where_no_credentials_are(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from botocore import UNSIGNED

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert s3_client().meta.config.signature_version is UNSIGNED
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert s3_client().meta.config.signature_version is not UNSIGNED


class Failing(http.server.BaseHTTPRequestHandler):
    """One S3 object, given only after `failures`: a throttled reply, a server error, or a body that
    breaks off."""

    data: ClassVar[bytes] = bytes(range(256)) * 4000
    failures: ClassVar[list[str]] = []
    seen: ClassVar[list[str]] = []

    def _refuse(self, code: int, name: str) -> None:
        body = f"<Error><Code>{name}</Code><Message>later</Message></Error>".encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body if self.command == "GET" else b"")

    def do_GET(self) -> None:
        failure = self.failures.pop(0) if self.failures else ""
        self.seen.append(failure or "served")
        if failure in ("SlowDown", "InternalError"):
            self._refuse(503 if failure == "SlowDown" else 500, failure)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.data)))
        self.send_header("ETag", '"abc"')
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(self.data[:100_000] if failure == "cut" else self.data)
        self.close_connection = failure == "cut"

    do_HEAD = do_GET

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Failing]]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)
    Failing.failures, Failing.seen = [], []
    with serve(Failing) as address:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", address)
        yield Failing


def test_a_throttled_or_broken_object_is_asked_for_again(failing: type[Failing]) -> None:
    failing.failures = [
        "SlowDown",
        "SlowDown",
        "",
        "InternalError",
        "cut",
        "SlowDown",
    ]  # HEAD three times, then GET
    with fetched("s3://dump/x") as path:
        assert path.read_bytes() == failing.data
    assert not failing.failures and failing.seen[-1] == "served"


def test_an_object_that_stays_throttled_is_named_after_a_bounded_number_of_tries(
    failing: type[Failing],
) -> None:
    failing.failures = ["SlowDown"] * 100
    with pytest.raises(FetchError, match=r"s3://dump/x: .*(503|Slow)"), fetched("s3://dump/x"):
        pass
    assert len(failing.seen) == 5
