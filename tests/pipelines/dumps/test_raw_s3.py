"""Listing and fetching from S3, against a SeaweedFS that the test starts."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps.addresses import FetchError
from pipelines.dumps.fetch import fetched
from pipelines.dumps.raw_dump import raw_dump_stage
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
