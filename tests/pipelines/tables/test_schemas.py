"""Document ids and the normal form of a URL."""

from __future__ import annotations

import hashlib
import struct

from hypothesis import given
from hypothesis import strategies as st

from pipelines.tables.schemas import document_id

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
