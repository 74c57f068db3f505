"""The table of signatures: what a row holds, and refusal of another width."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import reference
from pipelines.dedup.shingles import minhash
from pipelines.dedup.signatures import minhash_matrix, schema, sign
from pipelines.kernels.text_hashes import content_hashes
from pipelines.lake import Lake, LakeError
from pipelines.tables.schemas import document_id
from tests.support.dedup_tables import make_dump

TEXTS = [
    "One line.\n\nAnother, longer line of it.",
    "",
    "中文的一行。\n123",
    "ONE LINE.\n\nANOTHER, LONGER LINE OF IT.",
]
SMALL = MinHashParameters(num_perm=16, bands=4, rows=4, seed=3)


def signed(parameters: MinHashParameters = SMALL) -> pa.Table:
    ids = pa.array([document_id("d", "f", n) for n in range(len(TEXTS))], pa.binary(16))
    return sign(ids, pa.array(TEXTS), parameters)


def test_a_row_holds_the_low_bits_of_its_minima_and_its_distinct_shingles() -> None:
    table = signed()
    minima, _ = minhash(pa.array(TEXTS), SMALL.num_perm, SMALL.seed)
    assert table.schema.equals(schema(SMALL))
    assert np.array_equal(minhash_matrix(table["minhash"], 16, "x"), (minima & 0xFFFF).astype(np.uint16))
    assert table["num_shingles"].to_pylist() == [len(set(reference.shingle_hashes(t))) for t in TEXTS]
    assert table["content_hash"].combine_chunks().equals(content_hashes(pa.array(TEXTS)))
    # case is no part of the normal form, so the first and the last are copies
    assert table["content_hash"][0] == table["content_hash"][3] != table["content_hash"][2]
    assert [len(b) for b in table["block_hashes"].to_pylist()] == [2, 0, 2, 2]


def test_a_matrix_of_a_slice_is_the_slice_of_the_matrix() -> None:
    column = signed()["minhash"].combine_chunks()
    assert np.array_equal(minhash_matrix(column[1:3], 16, "x"), minhash_matrix(column, 16, "x")[1:3])
    assert minhash_matrix(column[:0], 16, "x").shape == (0, 16)


def test_signatures_of_another_width_are_refused_by_name() -> None:
    with pytest.raises(LakeError, match=r"d/part-0: minhash is fixed_size_binary\[32\], expected 224 values"):
        minhash_matrix(signed()["minhash"], 224, "d/part-0")


def test_the_table_is_row_aligned_with_documents(lake: Lake) -> None:
    dump = make_dump(lake, "d", [{"text": text} for text in TEXTS], parts=2, parameters=SMALL)
    signatures = dump.need("signatures")
    for i in range(len(dump.documents.parts)):
        assert signatures.read_part(i, ["doc_id"]).equals(dump.documents.read_part(i, ["doc_id"]))
    assert signatures.stats["documents"] == 4
    assert signatures.manifest.parameters == SMALL.parameters()
