"""Listing and fetching from S3, against a SeaweedFS that the test starts."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import botocore.endpoint
import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import FetchError, _s3_client, fetched, raw_dump_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build


def test_globs_prefixes_and_pages_of_a_listing(s3: Any, tmp_path: Path) -> None:
    for i in range(12):
        s3.put_object(Bucket="dump", Key=f"crawl/part-{i:02d}.jsonl", Body=b"x" * (i + 1))
    s3.put_object(Bucket="dump", Key="crawl/readme.txt", Body=b"no")
    card = DumpCard(name="d", kind="jsonl", uris=("s3://dump/crawl/part-*.jsonl",))
    rows = (
        build(Lake(tmp_path), InProcess(), raw_dump_stage(card, Path(Lake(tmp_path).root)))
        .dataset.read()
        .to_pylist()
    )
    assert [(r["file"], r["bytes"]) for r in rows] == [(f"part-{i:02d}.jsonl", i + 1) for i in range(12)]
    assert len({r["etag_or_sha256"] for r in rows}) == 12
    with fetched(rows[4]["uri"]) as path:
        assert path.read_bytes() == b"x" * 5


def test_missing_objects_are_named(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="s3://dump/none"), fetched("s3://dump/none"):
        pass
    with pytest.raises(FetchError, match="names no file"):
        build(
            Lake(tmp_path),
            InProcess(),
            raw_dump_stage(
                DumpCard(name="d", kind="jsonl", uris=("s3://dump/nothing/*",)), Path(Lake(tmp_path).root)
            ),
        )


def test_a_paths_listing_in_the_bucket_names_objects_of_the_bucket(s3: Any, tmp_path: Path) -> None:
    for i in range(3):
        s3.put_object(Bucket="dump", Key=f"crawl-data/x/{i}.jsonl", Body=b"x" * (i + 1))
    lines = "".join(f"crawl-data/x/{i}.jsonl\n" for i in range(3))
    s3.put_object(Bucket="dump", Key="crawl-data/x/wet.paths.gz", Body=gzip.compress(lines.encode()))
    rows = build(
        Lake(tmp_path),
        InProcess(),
        raw_dump_stage(
            DumpCard(name="d", kind="jsonl", uris=("s3://dump/crawl-data/x/wet.paths.gz",)),
            Path(Lake(tmp_path).root),
        ),
    ).dataset.read()
    assert rows["uri"].to_pylist() == [f"s3://dump/crawl-data/x/{i}.jsonl" for i in range(3)] and rows[
        "bytes"
    ].to_pylist() == [1, 2, 3]


def test_a_listing_of_more_than_one_page_is_read_to_its_end(s3: Any, tmp_path: Path) -> None:
    for i in range(1003):  # a page of ListObjectsV2 holds 1,000
        s3.put_object(Bucket="dump", Key=f"many/{i:04d}.jsonl", Body=b"x")
    assert (
        build(
            Lake(tmp_path),
            InProcess(),
            raw_dump_stage(
                DumpCard(name="d", kind="jsonl", uris=("s3://dump/many/*",)), Path(Lake(tmp_path).root)
            ),
        ).dataset.manifest.rows
        == 1003
    )


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
    assert _s3_client().meta.config.signature_version is UNSIGNED
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    assert _s3_client().meta.config.signature_version is not UNSIGNED


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
    service = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Failing)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{service.server_address[1]}")
    monkeypatch.setattr(botocore.endpoint.time, "sleep", lambda seconds: None)
    Failing.failures, Failing.seen = [], []
    yield Failing
    service.shutdown()
    service.server_close()


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
