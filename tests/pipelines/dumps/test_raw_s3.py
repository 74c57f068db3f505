"""Listing and fetching from S3, against a SeaweedFS that the test starts."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from pipelines.dumps.card import DumpCard
from pipelines.dumps.raw import FetchError, _s3_client, build_raw_dump, fetched
from pipelines.lake import Lake


def test_globs_prefixes_and_pages_of_a_listing(s3: Any, tmp_path: Path) -> None:
    for i in range(12):
        s3.put_object(Bucket="dump", Key=f"crawl/part-{i:02d}.jsonl", Body=b"x" * (i + 1))
    s3.put_object(Bucket="dump", Key="crawl/readme.txt", Body=b"no")
    card = DumpCard(name="d", kind="jsonl", uris=("s3://dump/crawl/part-*.jsonl",))
    rows = build_raw_dump(Lake(tmp_path), card).dataset.read().to_pylist()
    assert [(r["file"], r["bytes"]) for r in rows] == [(f"part-{i:02d}.jsonl", i + 1) for i in range(12)]
    assert len({r["etag_or_sha256"] for r in rows}) == 12
    with fetched(rows[4]["uri"]) as path:
        assert path.read_bytes() == b"x" * 5


def test_missing_objects_are_named(s3: Any, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="s3://dump/none"), fetched("s3://dump/none"):
        pass
    with pytest.raises(FetchError, match="names no file"):
        build_raw_dump(Lake(tmp_path), DumpCard(name="d", kind="jsonl", uris=("s3://dump/nothing/*",)))


def test_a_paths_listing_in_the_bucket_names_objects_of_the_bucket(s3: Any, tmp_path: Path) -> None:
    for i in range(3):
        s3.put_object(Bucket="dump", Key=f"crawl-data/x/{i}.jsonl", Body=b"x" * (i + 1))
    lines = "".join(f"crawl-data/x/{i}.jsonl\n" for i in range(3))
    s3.put_object(Bucket="dump", Key="crawl-data/x/wet.paths.gz", Body=gzip.compress(lines.encode()))
    rows = build_raw_dump(Lake(tmp_path), DumpCard(name="d", kind="jsonl", uris=("s3://dump/crawl-data/x/wet.paths.gz",))).dataset.read()
    assert rows["uri"].to_pylist() == [f"s3://dump/crawl-data/x/{i}.jsonl" for i in range(3)] and rows["bytes"].to_pylist() == [1, 2, 3]


def test_a_listing_of_more_than_one_page_is_read_to_its_end(s3: Any, tmp_path: Path) -> None:
    for i in range(1003):  # a page of ListObjectsV2 holds 1,000
        s3.put_object(Bucket="dump", Key=f"many/{i:04d}.jsonl", Body=b"x")
    assert build_raw_dump(Lake(tmp_path), DumpCard(name="d", kind="jsonl", uris=("s3://dump/many/*",))).dataset.manifest.rows == 1003


def test_requests_are_unsigned_where_no_credentials_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
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
