from __future__ import annotations

import gzip
import json
from pathlib import Path

from warcio.archiveiterator import ArchiveIterator

from jobs.demo.pack import PageFile, write_jsonl, write_warc

PAGES = [PageFile(f"https://docs.a.invalid/{i}.html", "a", f"<p>页面 {i}</p>".encode()) for i in range(5)]


def test_warcio_reads_the_pages_back(tmp_path: Path) -> None:
    assert write_warc(tmp_path / "a.warc.gz", PAGES, "2023-01-01T00:00:00Z") == 5
    with open(tmp_path / "a.warc.gz", "rb") as stream:
        records = [
            (r.rec_type, r.rec_headers.get_header("WARC-Target-URI"), r.content_stream().read())
            for r in ArchiveIterator(stream)
        ]
    assert [kind for kind, _, _ in records] == ["warcinfo"] + ["response"] * 5
    assert [(url, body) for _, url, body in records[1:]] == [(p.url, p.data) for p in PAGES]


def test_the_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_warc(tmp_path / name / "x.warc.gz", PAGES, "2023-01-01T00:00:00Z")
        assert write_jsonl(tmp_path / name / "x.jsonl.gz", ({"text": p.text} for p in PAGES)) == 5
    for file in ("x.warc.gz", "x.jsonl.gz"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert json.loads(gzip.decompress((tmp_path / "a/x.jsonl.gz").read_bytes()).splitlines()[0]) == {
        "text": " 页面 0 "
    }


def test_a_page_is_chinese_by_its_letters() -> None:
    assert (
        PAGES[0].language == "zh"
        and PageFile("u", "p", b"<script>var x</script><p>Plain words").language == "en"
    )
