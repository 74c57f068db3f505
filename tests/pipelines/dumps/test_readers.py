from __future__ import annotations

import gzip
import io
import json
import random
import resource
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps import members
from pipelines.dumps.members import MARKS, REREAD
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import MAX_BODY, Record, Tally
from pipelines.dumps.rows import FIELDS
from pipelines.extraction.documents import to_document

REAL = Path(__file__).parents[4] / "shared" / "data" / "warc-real"


def read(
    path: Path, kind: str = "warc", fields: dict[str, str] = FIELDS
) -> tuple[list[Record], Counter[str]]:
    stats: Counter[str] = Counter()
    return list(read_records(path, kind, stats, fields)), stats


def pages(count: int) -> list[PageFile]:
    return [
        PageFile(f"https://a.invalid/{i}.html", "a", f"<html><body><p>页面 {i}</p></body></html>".encode())
        for i in range(count)
    ]


def test_warc_compressions_give_the_same_records(tmp_path: Path) -> None:
    import lz4.frame
    import zstandard

    write_warc(tmp_path / "a.warc.gz", pages(5), "2023-01-01T00:00:00Z")
    plain = gzip.decompress((tmp_path / "a.warc.gz").read_bytes())
    (tmp_path / "a.warc").write_bytes(plain)
    (tmp_path / "a.warc.zst").write_bytes(zstandard.compress(plain))
    (tmp_path / "a.warc.lz4").write_bytes(lz4.frame.compress(plain))
    want = [(p.url, p.data) for p in pages(5)]
    for name in ("a.warc", "a.warc.gz", "a.warc.zst", "a.warc.lz4"):
        records, stats = read(tmp_path / name)
        assert [(r.url, r.body) for r in records] == want, name
        assert not any(k.startswith("broken") for k in stats)
    records, _ = read(tmp_path / "a.warc.gz")
    for record in records:  # offsets point at the records' own gzip members
        member = gzip.decompress((tmp_path / "a.warc.gz").read_bytes()[record.offset :])
        assert member.startswith(b"WARC/1.1") and record.url.encode() in member[:400]


def test_writing_the_same_pages_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_warc(tmp_path / name / "x.warc.gz", pages(3), "2023-01-01T00:00:00Z")
    assert (tmp_path / "a/x.warc.gz").read_bytes() == (tmp_path / "b/x.warc.gz").read_bytes()


def test_a_broken_record_costs_only_itself(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    write_warc(path, pages(20), "2023-01-01T00:00:00Z")
    good, _ = read(path)
    data = bytearray(path.read_bytes())
    at = good[10].offset
    data[at + 20 : at + 60] = b"\xff" * 40
    path.write_bytes(bytes(data))
    records, stats = read(path)
    urls = {r.url for r in records}
    assert urls >= {r.url for i, r in enumerate(good) if i != 10}
    assert sum(v for k, v in stats.items() if k.startswith("broken/")) >= 1


def test_truncated_file_gives_what_came_and_a_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.warc.gz"
    write_warc(path, pages(20), "2023-01-01T00:00:00Z")
    good, _ = read(path)
    path.write_bytes(path.read_bytes()[: good[15].offset + 40])
    records, stats = read(path)
    assert len(records) >= 15
    assert any(k.startswith("broken/") for k in stats), stats


def test_jsonl_and_parquet_count_what_is_wrong(tmp_path: Path) -> None:
    import zstandard

    lines = [
        json.dumps({"text": "好", "url": "u", "date": "20230102030405", "k": 1}),
        "{broken",
        json.dumps({"no": 1}),
        json.dumps({"text": ""}),
        "",
        json.dumps({"text": "b\ud800"}),
    ]
    data = "\n".join(lines).encode()
    (tmp_path / "a.jsonl").write_bytes(data)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(data))
    (tmp_path / "a.jsonl.zst").write_bytes(zstandard.compress(data))
    for name in ("a.jsonl", "a.jsonl.gz", "a.jsonl.zst"):
        records, stats = read(tmp_path / name, "jsonl", FIELDS | {"k": "k"})
        assert [(r.offset, r.text) for r in records] == [(0, "好"), (5, "b?")]
        assert records[0].published == "2023-01-02T03:04:05Z" and records[0].fields == {"k": "1"}
        assert (stats["broken/json"], stats["broken/no_text"], stats["skipped/empty_body"]) == (1, 1, 1)
    pq.write_table(pa.table({"text": ["x", None, "z"], "url": ["a", "b", "c"]}), tmp_path / "a.parquet")
    records, stats = read(tmp_path / "a.parquet", "parquet")
    assert [(r.offset, r.url) for r in records] == [(0, "a"), (2, "c")] and stats["broken/no_text"] == 1
    (tmp_path / "b.parquet").write_bytes((tmp_path / "a.parquet").read_bytes()[:-20])
    assert read(tmp_path / "b.parquet", "parquet")[1]["broken/parquet"] == 1


def test_gzip_bomb_is_cut(tmp_path: Path) -> None:
    bomb = PageFile("https://a.invalid/bomb", "a", b"<p>" + b"0" * (40 << 20))
    write_warc(tmp_path / "a.warc.gz", [bomb, *pages(1)], "2023-01-01T00:00:00Z")
    records, stats = read(tmp_path / "a.warc.gz")
    assert [len(r.body) for r in records] == [MAX_BODY, len(pages(1)[0].data)]
    assert stats["cut/max_body"] == 1


def _fuzz_sources(folder: Path) -> list[tuple[bytes, str]]:
    """Files that the fuzz test damages: good ones, and pages that are nested 100,000 deep or
    binary."""
    odd = [
        PageFile("https://a.invalid/deep", "a", b"<div>" * 100_000 + b"text"),
        PageFile("https://a.invalid/binary", "a", random.Random(7).randbytes(30_000)),
        PageFile("https://a.invalid/tags", "a", b"<a <p class='x" * 4000),
    ]
    write_warc(folder / "a.warc.gz", pages(8), "2023-01-01T00:00:00Z")
    write_warc(folder / "b.warc.gz", odd, "2023-01-01T00:00:00Z")
    packed, strange = (folder / "a.warc.gz").read_bytes(), (folder / "b.warc.gz").read_bytes()
    plain = gzip.decompress(packed)
    arc = b"filedesc://x 0.0.0.0 20080101000000 text/plain 10\n1 0 x\nURL \n\n" + b"".join(
        b"http://a.invalid/%d 1.2.3.4 20080101000000 text/html %d\nHTTP/1.1 200 OK\r\n\r\n%s\n"
        % (i, 19 + len(p.data), p.data)
        for i, p in enumerate(pages(8))
    )
    rows = gzip.compress("\n".join(json.dumps({"text": f"t{i}", "url": "u"}) for i in range(40)).encode())
    return [
        (packed, "warc"),
        (plain, "warc"),
        (strange, "warc"),
        (packed, "wet"),
        (arc, "warc"),
        (rows, "jsonl"),
        (plain, "parquet"),
    ]


@pytest.mark.parametrize("inputs", [500, pytest.param(10_000, marks=pytest.mark.full)])
def test_fuzzed_files_never_raise_and_lose_nothing_uncounted(tmp_path: Path, inputs: int) -> None:
    """Bit flips, cuts, lying lengths, inserted bytes: no error, and every page becomes a document
    or a counted reason."""
    sources = _fuzz_sources(tmp_path)
    draw = random.Random(1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for number in range(inputs):
        source, kind = draw.choice(sources)
        data = bytearray(source)
        for _ in range(draw.choice((1, 3, 30))):
            how = draw.random()
            if how < 0.4:
                data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)
            elif how < 0.6:
                del data[draw.randrange(len(data)) :]
                data = data or bytearray(b"x")
            elif how < 0.8:
                data = data.replace(
                    b"Content-Length: ",
                    b"Content-Length: " + str(draw.randrange(1 << 40)).encode(),
                    draw.randrange(1, 4),
                )
            else:
                at = draw.randrange(len(data))
                data[at:at] = draw.randbytes(draw.randrange(1, 50))
        path = tmp_path / f"f{number % 4}"
        path.write_bytes(bytes(data))
        tally = Tally()
        stats = tally.counts
        card = DumpCard(name="d", kind=kind, uris=("x",))  # type: ignore[arg-type]
        for record in read_records(path, kind, tally):
            assert len(record.body) <= MAX_BODY
            to_document(record, card, "f", tally)
        lost = sum(stats[f"skipped/{reason}"] for reason in ("content_type", "binary", "no_main_text"))
        assert stats["pages"] == stats["documents"] + lost == stats["records/read"]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # KiB


def test_bombs_cost_no_memory(tmp_path: Path) -> None:
    """256 MiB of zeros: as one member, as the body of a page, as a line."""
    bomb = zlib.compressobj(9, wbits=31)
    packed = b"".join(bomb.compress(bytes(1 << 24)) for _ in range(16)) + bomb.flush()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Encoding: gzip\r\n\r\n"
    block = head + packed
    record = (
        b"WARC/1.1\r\nWARC-Type: response\r\nWARC-Target-URI: https://a.invalid/\r\n"
        b"Content-Type: application/http; msgtype=response\r\n"
    )
    (tmp_path / "member.warc.gz").write_bytes(packed)
    (tmp_path / "body.warc").write_bytes(
        record + f"Content-Length: {len(block)}\r\n\r\n".encode() + block + b"\r\n\r\n"
    )
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(tmp_path / "member.warc.gz")[0] == []
    records, stats = read(tmp_path / "body.warc")
    assert [len(r.body) for r in records] == [MAX_BODY] and stats["cut/max_body"] == 1
    records, stats = read(tmp_path / "member.warc.gz", "jsonl")
    assert records == [] and any(k.startswith("broken/") for k in stats)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000  # KiB


def test_empty_and_foreign_files_are_named(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read(tmp_path / "empty")[1] == Counter({"broken/empty_file": 1})
    (tmp_path / "foreign").write_bytes(b"\x89PNG" + b"abc\n" * 100)
    records, stats = read(tmp_path / "foreign")
    assert records == [] and any(k.startswith("broken/") for k in stats)


# What differs from warcio, and why.
BROKEN_FOR_WARCIO = {
    "arc__badexample.arc.gz": "one gzip stream over all, and headers that are none: warcio reads nothing",
    "bad.arc": "headers of too few fields: warcio ends at the first",
    "warcfile.warc.lz4": "warcio does not read lz4",
    "block-sized-records.warc.lz4": "warcio does not read lz4",
    "IAH-20080430204825-00000-blackbook-truncated.arc": "a version line of wrong length: warcio ends there",
    "example-bad-non-chunked.warc.gz": "one gzip stream over all records: warcio refuses it",
    "example-bad.warc.gz.bad": "one gzip stream over all records: warcio refuses it",
    "example-wrong-chunks.warc.gz": "a chunk length beyond the record: warcio ends there",
    "clipped.warc.gz": "the last member is cut: warcio gives what came of it",
    "example-space-in-url.arc": "a length beyond the file's end: warcio gives what there is",
}
BAD_STATUS_LINE = {
    "example-extra.warc": "the status line HTTPX/1.1 is none of HTTP: counted as skipped/no_http_headers"
}


def real_files() -> list[Path]:
    if not REAL.exists():
        return []
    return sorted(
        p
        for p in REAL.rglob("*")
        if p.is_file() and any(x in p.name for x in (".warc", ".arc")) and ".wat" not in p.name
    )


def by_warcio(path: Path, kind: str) -> list[tuple[str, bytes]]:
    """(address, payload) of the records that become documents, as warcio reads them."""
    from warcio.archiveiterator import ArchiveIterator

    found = []
    with open(path, "rb") as stream:
        for record in ArchiveIterator(stream, arc2warc=True):
            if record.rec_type not in (("conversion",) if kind == "wet" else ("response", "resource")):
                continue
            if record.http_headers and record.http_headers.get_statuscode() != "200":
                continue
            body = record.content_stream().read()[:MAX_BODY]
            if body:
                found.append((record.rec_headers.get_header("WARC-Target-URI"), body))
    return found


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/warc-real is not on this machine")
def test_records_of_real_good_files_are_warcios() -> None:
    compared = records = 0
    for path in real_files():
        if any(path.name.endswith(name) for name in BROKEN_FOR_WARCIO):
            continue
        kind = "wet" if ".wet" in path.name else "warc"
        ours, stats = read(path, kind)
        want = by_warcio(path, kind)
        if path.name in BAD_STATUS_LINE:
            assert stats["skipped/no_http_headers"] == 1
            want = want[:-1]
        assert [(r.url, (r.text or "").encode() or r.body) for r in ours] == want, path
        compared, records = compared + 1, records + len(ours)
    assert compared >= 50 and records >= 600


@pytest.mark.skipif(not REAL.exists(), reason="../shared/data/warc-real is not on this machine")
def test_real_broken_files_yield_what_is_readable_and_a_reason() -> None:
    wanted = {
        "arc__badexample.arc.gz": (2, "broken/length"),
        "bad.arc": (1, "broken/arc_header"),
        "warcfile.warc.lz4": (16, ""),
        "IAH-20080430204825-00000-blackbook-truncated.arc": (8, ""),
        "example-bad-non-chunked.warc.gz": (1, ""),
        "example-bad.warc.gz.bad": (1, ""),
        "example-wrong-chunks.warc.gz": (1, ""),
        "clipped.warc.gz": (0, "broken/truncated"),
        "example-space-in-url.arc": (0, "broken/truncated"),
    }
    for path in real_files():
        for name, (count, reason) in wanted.items():
            if path.name.endswith(name):
                records, stats = read(path)
                assert len(records) == count and (not reason or stats[reason]), (path, stats)


SIZES = (200_000, 400_000)


def _nested(data: bytes) -> bytes:
    """Units of stored blocks: each is a gzip member with a record in which the next unit lies."""
    head = (
        b"WARC/1.0\r\nWARC-Type: response\r\nContent-Type: application/http\r\nContent-Length: 60000\r\n\r\n"
    )
    lead = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\x00" + (60_000).to_bytes(2, "little")
    unit = lead + (60_000 ^ 0xFFFF).to_bytes(2, "little") + head
    return unit * (len(data) // len(unit))


@pytest.mark.parametrize(
    "unit", [MARKS["gzip"], MARKS["gzip"] + b"\x00", MARKS["gzip"] + bytes(7), b"nested"]
)
def test_broken_places_cost_linear_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, unit: bytes) -> None:
    """Counted in bytes that are asked of the disk, not in seconds."""
    asked = [0]

    class Counted(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            data = super().read(size) or b""
            asked[0] += len(data)
            return data

        def readinto(self, into: Any) -> int:
            count = super().readinto(into) or 0
            asked[0] += count
            return count

    monkeypatch.setattr(members, "open", lambda path, mode: Counted(path, "r"), raising=False)
    monkeypatch.setattr(members, "MAX_REREAD", 0)
    costs = []
    for size in SIZES:
        path = tmp_path / f"{size}.warc.gz"
        start = gzip.compress(b"WARC/1.0\r\n\r\n")
        rest = bytes(size)
        path.write_bytes(start + (_nested(rest) if unit == b"nested" else unit * (size // len(unit))))
        asked[0] = 0
        stats: Counter[str] = Counter()
        list(read_records(path, "warc", stats))
        assert any(reason.startswith("broken/") for reason in stats)
        costs.append(asked[0])
    assert all(cost <= (REREAD + 8) * size for cost, size in zip(costs, SIZES, strict=True)), costs
