from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.dumps.readers import read_records
from pipelines.dumps.records import Tally
from pipelines.dumps.warc import WARC
from tests.support.archives import page, warc


def test_folded_fields_are_joined_and_names_are_lower_case() -> None:
    head = WARC.head(b"WARC/1.0\r\nWARC-Target-URI: https://a.org/\r\n  b\r\nCONTENT-LENGTH: 7\r\n\r\nblock")
    assert head and head.values == {"warc-target-uri": "https://a.org/ b", "content-length": "7"}
    assert (head.length, head.size) == (7, 69)


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"9" * 20, "٧".encode()])
def test_a_length_that_is_no_number_is_none(length: bytes) -> None:
    head = WARC.head(b"WARC/1.0\nContent-Length: " + length + b"\n\n")
    assert head and head.length == -1


@pytest.mark.parametrize(
    ("kind", "form", "reason"),
    [
        ("warc", b"conversion", "skipped/conversion_record"),
        ("warc", b"continuation", "skipped/continuation_record"),
        ("wet", b"response", "skipped/response_record"),
        ("warc", b"request", ""),
        ("wet", b"metadata", ""),
    ],
)
def test_a_page_of_another_kind_of_dump_is_named(tmp_path: Path, kind: str, form: bytes, reason: str) -> None:
    (tmp_path / "a").write_bytes(warc(1).replace(b"WARC-Type: response", b"WARC-Type: " + form))
    tally = Tally()
    assert not list(read_records(tmp_path / "a", kind, tally))
    assert [place.reason for place in tally.left_out] == ([reason] if reason else [])


def test_a_response_without_a_content_type_is_one_of_http(tmp_path: Path) -> None:
    record = warc(1).replace(b"Content-Type: application/http; msgtype=response\r\n", b"")
    (tmp_path / "a").write_bytes(record)
    [read] = read_records(tmp_path / "a", "warc", Tally())
    assert (read.body, read.content_type) == (page(1), "text/html")
