from __future__ import annotations

import pytest

from pipelines.dumps.warc import WARC


def test_folded_fields_are_joined_and_names_are_lower_case() -> None:
    head = WARC.head(b"WARC/1.0\r\nWARC-Target-URI: https://a.org/\r\n  b\r\nCONTENT-LENGTH: 7\r\n\r\nblock")
    assert head and head.values == {"warc-target-uri": "https://a.org/ b", "content-length": "7"}
    assert (head.length, head.size) == (7, 69)


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"9" * 20, "٧".encode()])
def test_a_length_that_is_no_number_is_none(length: bytes) -> None:
    head = WARC.head(b"WARC/1.0\nContent-Length: " + length + b"\n\n")
    assert head and head.length == -1
