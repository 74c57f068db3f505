"""The bytes of a shard set: the order of documents, the table of shards and its sums."""

from __future__ import annotations

import hashlib
import struct

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.shards.format import (
    FILES,
    ShardFile,
    order_key,
    pack_files,
    shard_paths,
    table_path,
    unpack_file,
)

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)
SIZE = st.integers(0, 2**40)


@st.composite
def shard_files(draw: st.DrawFn) -> list[ShardFile]:
    return [
        ShardFile(
            *shard_paths("en-books", i), *draw(st.tuples(SIZE, SIZE, SIZE)), *draw(st.tuples(HEX, HEX, HEX))
        )
        for i in range(draw(st.integers(0, 4)))
    ]


@given(shard_files())
def test_a_packed_table_gives_back_its_shards_and_their_sums(files: list[ShardFile]) -> None:
    entry, data = pack_files(files)
    table = np.frombuffer(data, FILES)
    assert [unpack_file("en-books", i, table[i]) for i in range(len(table))] == files
    assert entry == {
        "tokens": sum(f.tokens for f in files),
        "documents": sum(f.documents for f in files),
        "text_bytes": sum(f.text_bytes for f in files),
        "shards": len(files),
        "files_sha256": hashlib.sha256(data).hexdigest(),
    }


def test_a_record_is_three_little_endian_numbers_and_three_hashes() -> None:
    hashes = [bytes([n]) * 32 for n in (1, 2, 3)]
    file = ShardFile(*shard_paths("zh-web", 7), 258, 5, 70_000, *(h.hex() for h in hashes))
    assert pack_files([file])[1] == struct.pack("<3q", 258, 5, 70_000) + b"".join(hashes)
    assert (file.bin, file.idx, file.prov) == (
        "zh-web/00007.bin",
        "zh-web/00007.idx",
        "zh-web/00007.prov.parquet",
    )
    assert table_path("zh-web") == "zh-web/files.table"


@given(st.integers(0, 2**63), st.binary(min_size=16, max_size=16))
def test_the_order_of_a_document_hangs_on_seed_and_id_alone(seed: int, doc_id: bytes) -> None:
    wanted = hashlib.blake2b(struct.pack("<Q", seed) + doc_id, digest_size=8).digest()
    assert order_key(seed, doc_id) == struct.unpack("<Q", wanted)[0]
