"""Document ids and the normal form of a URL."""

from __future__ import annotations

import hashlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.tables.schemas import document_id, normal_url

NAMES = st.text("ab/", max_size=4)


@given(*[st.tuples(NAMES, NAMES, st.integers(0, 3))] * 2)
def test_ids_differ_where_dump_file_or_offset_do(
    one: tuple[str, str, int], other: tuple[str, str, int]
) -> None:
    assert (document_id(*one) == document_id(*other)) == (one == other)


def test_an_id_is_a_hash_of_length_prefixed_parts() -> None:
    parts = (b"d", "文.gz".encode(), struct.pack("<q", 7))
    data = b"".join(struct.pack("<I", len(p)) + p for p in parts)
    assert document_id("d", "文.gz", 7) == hashlib.blake2b(data, digest_size=16).digest()


@pytest.mark.parametrize(
    "url",
    [
        "http://www.Example.com/A/b",
        "https://example.com/A/b/",
        " example.com/A/b#top",
        "HTTPS://EXAMPLE.COM/A/b",
    ],
)
def test_addresses_of_one_page_have_one_normal_form(url: str) -> None:
    assert normal_url(url) == "example.com/A/b"


def test_path_and_query_tell_pages_apart() -> None:
    assert normal_url("http://a.com/x?y=1") == "a.com/x?y=1" != normal_url("http://a.com/X?y=1")
    assert normal_url("http://a.com/") == "a.com"
