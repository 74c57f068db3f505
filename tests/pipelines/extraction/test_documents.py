from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps.readers import read_records
from pipelines.dumps.records import Record, Tally
from pipelines.engine import Engine, InProcess
from pipelines.extraction import documents as stage
from pipelines.extraction import page
from pipelines.extraction.documents import to_document
from pipelines.extraction.page import Page, extract
from pipelines.inspection.funnel import judge_ids, what_came
from pipelines.lake import Lake, digest
from pipelines.tables.schemas import DOCUMENTS, document_id
from tests.support.archives import CODECS, compressed, warc
from tests.support.dumps import TEXT, build_documents, documents_of


def test_pages_become_rows_and_losses_are_counted(tmp_path: Path) -> None:
    pages = [
        PageFile(
            f"https://h{i % 3}.invalid/a/b/{i}.html",
            "x",
            f"<html><title>T{i}</title><body>{TEXT * 2}{i}</body></html>".encode(),
        )
        for i in range(9)
    ]
    pages.append(PageFile("https://blocked.invalid/x", "x", pages[0].data))
    pages.append(PageFile("https://h0.invalid/empty", "x", b"<html><body></body></html>"))
    pages.append(PageFile("https://h0.invalid/binary", "x", b"\x89PNG\0\0\0" * 50))
    write_warc(tmp_path / "in" / "a.warc.gz", pages, "2023-01-01T00:00:00Z")
    (tmp_path / "in" / "b.warc.gz").write_bytes(b"not a warc")
    dataset = documents_of(
        Lake(tmp_path), kind="warc", uris=["in/*.warc.gz"], block=["blocked.invalid"], group="host/1"
    )
    table = dataset.read()
    assert table.schema.equals(DOCUMENTS) and table.num_rows == 9
    row = table.to_pylist()[4]
    assert (row["url"], row["host"], row["group"], row["title"]) == (
        "https://h1.invalid/a/b/4.html",
        "h1.invalid",
        "h1.invalid/a",
        "T4",
    )
    assert row["doc_id"] == document_id("d", "a.warc.gz", row["offset"])
    assert (row["published"], row["crawled"]) == (None, "2023-01-01T00:00:00Z")
    stats = dataset.stats
    assert (stats["files"], stats["pages"], stats["documents"]) == (2, 12, 9)
    assert (
        stats["skipped"] == {"block_list": 1, "no_main_text": 1, "binary": 1}
        and sum(stats["broken"].values()) >= 1
    )
    assert stats["pages"] == stats["documents"] + sum(stats["skipped"].values())


def test_parts_are_cut_by_file_and_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PART_ROWS", 4)
    for name, count in (("a", 10), ("b", 0), ("c", 4)):
        rows = [
            {"text": f"text number {i} of the file {name}, long enough", "repo": f"r{i}"}
            for i in range(count)
        ]
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    dataset = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"], category="code", group="repo")
    a, b, c = (f"part-{digest(f'{name}.jsonl')[:12]}" for name in "abc")
    rows = {p.path: p.rows for p in dataset.parts}
    assert rows == {
        f"{a}.parquet": 4,
        f"{a}_0001.parquet": 4,
        f"{a}_0002.parquet": 2,
        f"{b}.parquet": 0,
        f"{c}.parquet": 4,
    }
    table = dataset.read()
    of_a = [row["group"] for row in table.to_pylist() if row["file"] == "a.jsonl"]
    assert of_a == [f"r{i}" for i in range(10)]
    assert dataset.stats["documents"] == 14


def test_a_crash_keeps_finished_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jsonl").write_text(
            json.dumps({"text": f"a text that is long enough {name}"}) + "\n"
        )
    real, calls = stage._read_file, []

    def fails_once(lake: object, card: object, file: dict[str, str], *rest: object) -> object:
        calls.append(file["file"])
        if calls == ["a.jsonl", "b.jsonl"]:
            raise KeyboardInterrupt
        return real(lake, card, file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "_read_file", fails_once)
    with pytest.raises(KeyboardInterrupt):
        documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"])
    assert documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"]).manifest.rows == 2
    assert calls == ["a.jsonl", "b.jsonl", "b.jsonl"]


def test_spark_gives_the_same_bytes(tmp_path: Path, spark: Engine) -> None:
    for name in "ab":
        pages = [
            PageFile(f"https://{name}.invalid/{i}", "x", f"<html><body>{TEXT * 2}{i}</body></html>".encode())
            for i in range(5)
        ]
        write_warc(tmp_path / "in" / f"{name}.warc.gz", pages, "2023-01-01T00:00:00Z")
    card = DumpCard(name="d", kind="warc", uris=(str(tmp_path / "in" / "*.warc.gz"),))
    hashes = set()
    for number, engine in enumerate((InProcess(), spark)):
        lake = Lake(tmp_path / f"lake{number}")
        hashes.add(build_documents(lake, engine, card).dataset.content_hash)
    assert len(hashes) == 1


def test_opt_outs_are_counted_and_obeyed_where_the_card_says_so(tmp_path: Path) -> None:
    head = {0: "", 1: '<meta name="robots" content="noindex">', 2: '<meta name="robots" content="noai">'}
    pages = [
        PageFile(f"https://a.invalid/{i}", "x", f"<head>{head[i % 3]}</head><body>{TEXT * 2}{i}".encode())
        for i in range(9)
    ]
    write_warc(tmp_path / "in" / "a.warc.gz", pages, "2023-01-01T00:00:00Z")
    counted = documents_of(Lake(tmp_path), kind="warc", uris=["in/*.warc.gz"])
    obeyed = documents_of(Lake(tmp_path), kind="warc", uris=["in/*.warc.gz"], obey_opt_outs=["noai", "tdm"])
    assert counted.stats["opted_out"] == obeyed.stats["opted_out"] == {"noindex": 3, "noai": 3}
    assert (counted.manifest.rows, obeyed.manifest.rows) == (9, 6) and obeyed.stats["skipped"] == {
        "opted_out": 3
    }


def test_a_larger_sample_reads_only_the_files_that_are_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stage, "PART_ROWS", 2)
    for i in range(20):
        lines = (json.dumps({"text": f"a text that is long enough {i} {j}"}) for j in range(3))
        (tmp_path / f"{i}.jsonl").write_text("".join(line + "\n" for line in lines))
    small = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"], sample=0.4, min_groups=0)
    real, calls = stage._read_file, []

    def counted(lake: object, card: object, file: dict[str, str], *rest: object) -> object:
        calls.append(file["file"])
        return real(lake, card, file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "_read_file", counted)
    whole = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"], min_groups=0)
    old = {row["file"] for row in small.read().to_pylist()}
    assert 0 < len(old) < 20 and len(calls) == 20 - len(old) and not old & set(calls)
    assert (whole.stats["files"], whole.stats["documents"], whole.manifest.rows) == (20, 60, 60)
    fresh = documents_of(
        Lake(tmp_path / "other"), kind="jsonl", uris=[str(tmp_path / "*.jsonl")], min_groups=0
    )
    assert fresh.content_hash == whole.content_hash


def test_a_page_that_the_clock_stops_is_named_and_left_out_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "ab":
        lines = (json.dumps({"text": f"a text that is long enough {name}{j}"}) for j in range(4))
        (tmp_path / f"{name}.jsonl").write_text("".join(line + "\n" for line in lines))
    real, slow, calls = stage.to_document, {"a2", "b1"}, []

    def stuck(record: Record, *rest: object) -> object:
        if (record.text or "")[-2:] in slow:
            calls.append(record.offset)
            if not (calls.count(1) % 2 == 0 and record.offset == 1):  # b1 comes through at the second try
                signal.raise_signal(signal.SIGALRM)
        return real(record, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "to_document", stuck)
    first = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"])
    assert (
        first.manifest.rows == 7
        and first.stats["skipped"] == {"quarantined": 1}
        and "quarantine" in first.manifest.inputs
    )
    assert json.loads(next((tmp_path / "quarantine/d").iterdir()).read_text()) == {
        "file": "a.jsonl",
        "records": [[2, 0]],
    }
    monkeypatch.setattr(stage, "to_document", real)
    assert (
        documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"]).content_hash == first.content_hash
    )  # a fast machine gives equal documents
    assert first.stats["pages"] == first.stats["documents"] + 1 == 8


def test_kernels_are_compiled_before_a_page_is_under_the_clock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running: list[bool] = []

    @contextlib.contextmanager
    def clock(seconds: float) -> Iterator[None]:
        running.append(True)
        yield
        running.pop()

    seen: list[bool] = []

    def extract_and_note(markup: str) -> Page:
        seen.append(bool(running))
        return extract(markup)

    page.compile_kernels.cache_clear()
    monkeypatch.setattr(stage, "deadline", clock)
    monkeypatch.setattr(page, "extract", extract_and_note)
    monkeypatch.setattr(stage, "extract", extract_and_note)
    write_warc(tmp_path / "in" / "a.warc.gz", [PageFile("https://h.invalid/a", "x", TEXT.encode())], "2023")
    documents_of(Lake(tmp_path), kind="warc", uris=["in/*.warc.gz"])
    assert seen[0] is False and seen[-1] is True


@pytest.mark.parametrize("codec", CODECS)
def test_records_of_one_member_become_documents_with_ids_of_their_own(tmp_path: Path, codec: str) -> None:
    (tmp_path / "in").mkdir()
    bodies = [f"<html><body>{TEXT * 2}{n}</body></html>".encode() for n in range(5)]
    records = b"".join(warc(n, body) for n, body in enumerate(bodies))
    (tmp_path / "in" / "a.warc").write_bytes(compressed(records, codec))
    dataset = documents_of(Lake(tmp_path), kind="warc", uris=["in/*"])
    assert len(set(dataset.read()["doc_id"].to_pylist())) == 5 and judge_ids(dataset).passed
    assert dataset.stats["seen"] == {"not_seekable": 4}


def test_a_page_that_raises_costs_only_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the class of the error, it is counted under its name."""
    lines = (json.dumps({"text": f"a text that is long enough {j}"}) for j in range(4))
    (tmp_path / "a.jsonl").write_text("".join(line + "\n" for line in lines))
    real = stage.to_document

    def fails(record: Record, *rest: object) -> object:
        if record.offset in (1, 2):
            raise (OverflowError if record.offset == 1 else LookupError)("undefined")
        return real(record, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(stage, "to_document", fails)
    dataset = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"])
    assert dataset.manifest.rows == 2 and dataset.stats["pages"] == 4
    assert dataset.stats["broken"] == {"LookupError": 1, "OverflowError": 1}


@pytest.mark.parametrize(
    "charset", ["undefined", "unicode_escape", "rot13", "zlib", "mbcs", "oem", "utf-7", "x", "idna"]
)
def test_no_declared_charset_stops_a_page(tmp_path: Path, charset: str) -> None:
    body = f'<meta charset="{charset}"><body>{TEXT * 2}'.encode() + b"\xff\xfe\x80"
    (tmp_path / "a.warc").write_bytes(warc(0, body))
    card = DumpCard(name="d", kind="warc", uris=("x",))
    (record,) = read_records(tmp_path / "a.warc", "warc", Tally())
    record.charset = charset
    row = to_document(record, card, "a", Tally())
    assert row and "ordinary paragraph" in row["text"]


def test_parts_are_cut_by_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stage, "PART_BYTES", 1000)
    rows = [{"text": "\u4e00" * 200} for _ in range(10)]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    dataset = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"])
    assert [p.rows for p in dataset.parts] == [2, 2, 2, 2, 2]


def test_rows_without_text_name_the_fields_that_there_are_and_a_card_can_name_one(tmp_path: Path) -> None:
    rows = [
        {"content": f"a text that is long enough {n}", "meta": {"url": f"https://a.invalid/{n}"}}
        for n in range(3)
    ]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
    unnamed = documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"])
    assert unnamed.manifest.rows == 0
    assert "the fields content, meta" in what_came(unnamed.stats) and "fields: {text: NAME}" in what_came(
        unnamed.stats
    )
    named = documents_of(
        Lake(tmp_path), kind="jsonl", uris=["*.jsonl"], fields={"text": "content", "url": "meta.url"}
    )
    assert named.read()["url"].to_pylist() == [f"https://a.invalid/{n}" for n in range(3)]
    assert named.read()["host"].to_pylist() == ["a.invalid"] * 3


def test_rows_are_made_as_pages_are(tmp_path: Path) -> None:
    text = "A line of prose, which is long enough.\nAnd a second line of it."
    rows = [text, text.replace("\n", "\r\n"), "\ufeff" + text.replace("prose", "pr\x00ose\x07")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps({"text": t}) + "\n" for t in rows))
    assert (
        documents_of(Lake(tmp_path), kind="jsonl", uris=["*.jsonl"]).read()["text"].to_pylist() == [text] * 3
    )


def test_a_nul_in_the_head_of_a_page_does_not_make_it_binary(tmp_path: Path) -> None:
    body = b"<!DOCTYPE html><html><head><title>a\0b</title></head><body>" + TEXT.encode() * 2
    (tmp_path / "a.warc").write_bytes(warc(0, body) + warc(1, b"\x89PNG\0\0" + body))
    dataset = documents_of(Lake(tmp_path), kind="warc", uris=["a.warc"])
    assert dataset.manifest.rows == 1 and dataset.stats["skipped"] == {"binary": 1}


def test_when_a_page_was_published_stands_apart_from_when_it_was_fetched(tmp_path: Path) -> None:
    dated = '<meta property="article:published_time" content="2021-03-04T05:06:07Z">'
    pages = [
        PageFile(f"https://h{i}.invalid/", "x", f"<html>{head}<body>{TEXT}</body></html>".encode())
        for i, head in enumerate(("", dated))
    ]
    write_warc(tmp_path / "a.warc.gz", pages, "2023-01-01T00:00:00Z")
    table = documents_of(Lake(tmp_path), kind="warc", uris=["a.warc.gz"], date="2023-05").read()
    assert table["published"].to_pylist() == [None, "2021-03-04"]
    assert table["crawled"].to_pylist() == ["2023-01-01T00:00:00Z"] * 2


def test_rows_have_the_dates_that_their_fields_give_and_else_that_of_the_card(tmp_path: Path) -> None:
    rows = [{"text": TEXT, "date": "2020-01-02", "at": "2022"}, {"text": TEXT * 2}]
    (tmp_path / "a.jsonl").write_text("\n".join(map(json.dumps, rows)))
    table = documents_of(
        Lake(tmp_path), kind="jsonl", uris=["a.jsonl"], fields={"crawled": "at"}, date="2023-05"
    ).read()
    assert table["published"].to_pylist() == ["2020-01-02", None]
    assert table["crawled"].to_pylist() == ["2022", "2023-05"]


def test_a_date_behind_the_crawl_is_none_of_publication(tmp_path: Path) -> None:
    pages = [
        PageFile(f"https://h{i}.invalid/", "x", f"<time datetime={day}></time>{TEXT}".encode())
        for i, day in enumerate(("2023-01-02", "2023-06-07"))
    ]
    write_warc(tmp_path / "a.warc.gz", pages, "2023-01-01T23:00:00Z")
    table = documents_of(Lake(tmp_path), kind="warc", uris=["a.warc.gz"]).read()
    assert table["published"].to_pylist() == ["2023-01-02", None]
