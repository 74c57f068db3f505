from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps import fetch
from pipelines.dumps.addresses import FetchError
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build
from tests.support.file_server import FileServer, serve


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


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    with serve(FileServer) as address:
        yield address


def test_listing_over_http_with_retries(server: str, tmp_path: Path) -> None:
    lines = f"{server}/crawl/1.jsonl\n{server}/crawl/2.jsonl\n"
    FileServer.files = {
        "/wet.paths.gz": gzip.compress(lines.encode()),
        "/crawl/1.jsonl": b"one",
        "/crawl/2.jsonl": b"two!",
    }
    FileServer.failures = {"/wet.paths.gz": 2, "/crawl/1.jsonl": 1}
    dataset = build(
        Lake(tmp_path), InProcess(), raw_dump_stage(card(f"{server}/wet.paths.gz"), Path(Lake(tmp_path).root))
    ).dataset
    assert dataset.read(["file", "bytes", "etag_or_sha256"]).to_pylist() == [
        {"file": "1.jsonl", "bytes": 3, "etag_or_sha256": "abc"},
        {"file": "2.jsonl", "bytes": 4, "etag_or_sha256": "abc"},
    ]
