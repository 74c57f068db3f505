from __future__ import annotations

import gzip
import http.server
import json
import shutil
import threading
from pathlib import Path

import pytest

from jobs.demo import crawl_slice, sample, sample_sources
from jobs.demo.pack import PageFile, write_warc
from jobs.demo.sample import make_sample
from jobs.demo.sample_sources import PACKAGES
from pipelines.cards.dump import DumpCard
from pipelines.dumps import fetch
from pipelines.lake import LakeError


def test_where_nothing_can_be_had_the_error_says_how_to_write_a_card(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    monkeypatch.setattr(
        crawl_slice, "LISTING", "http://127.0.0.1:9/crawl-data/x/warc.paths.gz"
    )  # the discard port: nothing listens
    with pytest.raises(LakeError, match=r"(?s)no apt-get.*127\.0\.0\.1:9.*dump card.*kind: warc"):
        make_sample(tmp_path / "lake", tmp_path / "cache", progress=lambda line: None)


def test_without_apt_the_sample_is_a_slice_of_common_crawl(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (
        "<p>A sentence of a page that stands on the web, long enough to be taken into the sample, "
        "with commas.</p>"
    )
    pages = [
        PageFile(
            f"https://site{i}.example/{i}",
            "x",
            f"<html><title>{i}</title><body>{text * 4}{i}</body></html>".encode(),
        )
        for i in range(80)
    ]
    write_warc(tmp_path / "big.warc.gz", pages, "2023-01-01T00:00:00Z")
    whole = (tmp_path / "big.warc.gz").read_bytes()
    ranges = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = (
                gzip.compress(b"crawl-data/x/big.warc.gz\ncrawl-data/x/other.warc.gz\n")
                if self.path.endswith("paths.gz")
                else whole
            )
            wanted = self.headers.get("Range", "")
            if wanted:
                ranges.append(wanted)
                data = data[: int(wanted.split("-")[1]) + 1]
            self.send_response(206 if wanted else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, format: str, *args: object) -> None:
            pass

    limit = len(whole) * 3 // 4
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(crawl_slice.fetch_slice, "__defaults__", ("", limit))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        monkeypatch.setattr(
            crawl_slice, "LISTING", f"http://127.0.0.1:{server.server_address[1]}/crawl-data/x/warc.paths.gz"
        )
        lines: list[str] = []
        cards = make_sample(tmp_path / "lake", tmp_path / "cache", progress=lines.append)
    finally:
        server.shutdown()
        server.server_close()
    assert ranges == [f"bytes=0-{limit - 1}"] and "no apt-get" in lines[0]
    source = json.loads((tmp_path / "lake/inputs/sample/sources.json").read_text())
    assert (
        40 < source["packages"]["common-crawl"]["pages"] < 80
        and source["packages"]["common-crawl"]["licence"]
    )
    assert {c.stem for c in cards} == {
        "sample-web-a",
        "sample-web-b",
        "sample-code",
        "sample-reference",
        "sample-pairs",
    }
    assert source["dumps"]["sample-web-a"]["pages"] > 10 and source["dumps"]["sample-reference"]["pages"] > 2


def _fake_pages(package: sample_sources.Package, deb: Path) -> list[PageFile]:
    """Pages in the form of the packages' own, without the packages."""
    made = []
    for i in range(60):
        zh = "zh" in package.name
        name = (
            f"ch{i:02d}.html" if package.name in sample_sources.REFERENCE else f"part{i % 7}/guide/{i}.html"
        )
        text = (
            "这是一段说明文字，解释如何在文档中插入对象，以及怎样调整它的位置和大小。"
            if zh
            else "This paragraph explains how the command works and what it prints. "
        )
        body = "".join(
            f'<p id="p{j}" class="paragraph">{package.name} {i} {j} {text * 4}</p>' for j in range(4)
        )
        section = f'<div class="section"><h2>{i}</h2>{body}</div>'
        html = f"<html><head><title>{package.name} {i}</title></head><body>{section}</body></html>"
        made.append(PageFile(f"https://docs.{package.name}.invalid/{name}", package.name, html.encode()))
    return made


def test_sample_is_the_same_bytes_again_and_keeps_its_splits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deb = tmp_path / "x_1_all.deb"
    deb.write_bytes(b"deb")
    monkeypatch.setattr(sample, "packages_in", lambda cache, progress: {p.name: deb for p in PACKAGES})
    monkeypatch.setattr(sample_sources, "_pages", _fake_pages)
    records = []
    for name in ("a", "b"):
        cards = make_sample(tmp_path / name, tmp_path, progress=lambda line: None)
        records.append((tmp_path / name / "inputs/sample/sources.json").read_text())
    assert records[0] == records[1]
    assert [DumpCard.load(c).name for c in cards] == [
        "sample-web-a",
        "sample-web-b",
        "sample-code",
        "sample-reference",
        "sample-pairs",
    ]
    assert [c.name for c in map(DumpCard.load, cards) if c.reference] == ["sample-reference"]
    source = json.loads(records[0])
    assert all(p["licence"] for p in source["packages"].values()) and source["packages"]["git-doc"]["sha256"]
    texts = {}
    for name in ("train", "test", "reference"):
        lines = (tmp_path / f"a/inputs/leakage/{name}.jsonl").read_text().splitlines()
        texts[name] = {json.loads(line)["text"] for line in lines}
    assert len(texts["train"]) >= 100 and len(texts["test"]) >= 40 and len(texts["reference"]) >= 40
    assert (
        not texts["train"] & texts["test"]
        and not texts["test"] & texts["reference"]
        and not texts["train"] & texts["reference"]
    )
    monkeypatch.setattr(sample, "packages_in", lambda cache, progress: pytest.fail("nothing was missing"))
    assert make_sample(tmp_path / "a", tmp_path) == [tmp_path / "a/cards/dumps" / c.name for c in cards]
