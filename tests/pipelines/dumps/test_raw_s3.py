"""Listing and fetching from S3, against a SeaweedFS that the test starts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pipelines.dumps.card import DumpCard
from pipelines.dumps.raw import FetchError, build_raw_dump, fetched
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
