"""Signatures of a dump's rendered text: content hash, MinHash, block hashes.

Belongs here: the parameters and the table. Does not belong here: the loops (shingles.py,
kernels/text_hashes.py), what shares a band (bands.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup import shingles
from pipelines.edits.render import rendered_texts
from pipelines.kernels import text_hashes
from pipelines.lake import Dataset, LakeError
from pipelines.tables.columns import described
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, OutputPart, Stage, Stats

VERSION = 3


def schema(parameters: MinHashParameters) -> pa.Schema:
    """Columns of the table under these parameters."""
    return described(
        "signatures",
        [
            ("doc_id", ID, "as in documents"),
            ("content_hash", ID, "of the normal form of the rendered text"),
            (
                "minhash",
                pa.binary(2 * parameters.num_perm),
                "low 16 bits of each minimum over the shingles' hashes, little-endian",
            ),
            ("num_shingles", pa.int32(), "distinct shingles"),
            ("block_hashes", pa.list_(pa.uint64()), "of the normal form of each block of the text, in order"),
        ],
    )


SIGNATURES = schema(MinHashParameters())
"""Under the default parameters."""


def sign(doc_ids: pa.Array, texts: pa.Array, parameters: MinHashParameters) -> pa.Table:
    """Signatures of `texts`, row by row."""
    minima, counts = shingles.minhash(texts, parameters.num_perm, parameters.seed)
    low = np.ascontiguousarray(minima.astype("<u2"))
    hashes, _, _, offsets = text_hashes.block_hashes(texts)
    width = pa.binary(2 * parameters.num_perm)
    return pa.Table.from_arrays(
        [
            doc_ids,
            text_hashes.content_hashes(texts),
            pa.Array.from_buffers(width, len(low), [None, pa.py_buffer(low)]),
            pa.array(counts),
            pa.ListArray.from_arrays(pa.array(offsets), pa.array(hashes)),
        ],
        schema=schema(parameters),
    )


def minhash_matrix(column: pa.ChunkedArray | pa.Array, num_perm: int, path: str) -> np.ndarray:
    """uint16 [n, num_perm] of the minhash column of `path`; LakeError where its width is
    another."""
    if column.type != pa.binary(2 * num_perm):
        raise LakeError(
            f"{path}: minhash is {column.type}, expected {num_perm} values of 2 bytes: rebuild it with equal"
            " parameters"
        )
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return np.zeros((0, num_perm), np.uint16)
    data = np.frombuffer(array.buffers()[1], "<u2")
    return data[array.offset * num_perm : (array.offset + len(array)) * num_perm].reshape(-1, num_perm)


def signatures_stage(documents: Dataset, edits: Dataset, parameters: MinHashParameters) -> Stage:
    """The signature of every document (see `schema`), row-aligned with `documents`.

    Stats: documents, shingles.
    """

    def rows(i: int) -> tuple[pa.Table, Stats]:
        ids = documents.read_part(i, ["doc_id"])["doc_id"].combine_chunks()
        table = sign(ids, rendered_texts(documents, edits, i), parameters)
        shingled = int(np.sum(table["num_shingles"].to_numpy(), dtype=np.int64))
        return table, {"documents": table.num_rows, "shingles": shingled}

    parts = [OutputPart(f"part-{i:05d}.parquet") for i in range(len(documents.parts))]

    def compute(building: Building) -> None:
        building.write_parts(parts, rows)

    return Stage(
        "signatures",
        VERSION,
        compute,
        partition=documents.manifest.partition,
        parameters=parameters.parameters(),
        inputs={"documents": documents, "edits": edits},
    )
