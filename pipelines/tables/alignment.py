"""Row-aligned tables, read side by side.

Belongs here: the check that part i of two tables holds the same documents in the same order, and its one
wording. Does not belong here: what the columns mean (schemas.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipelines.lake import Dataset, LakeError


def read_aligned(i: int, *tables: tuple[Dataset, Sequence[str]], rows: Any = None) -> list[pa.Table]:
    """Part `i` of each (dataset, columns), with `doc_id` as the first column; only `rows` where given.

    LakeError, naming both datasets, where the rows are not of the same documents.
    """
    read = [
        dataset.read_part(i, ["doc_id", *(c for c in columns if c != "doc_id")], rows)
        for dataset, columns in tables
    ]
    first = tables[0][0]
    for (dataset, _), table in zip(tables[1:], read[1:], strict=True):
        if not read[0]["doc_id"].equals(table["doc_id"]):
            asset = dataset.manifest.asset
            raise LakeError(
                f"part {i} of {first.path} and of {dataset.path} hold different documents: rebuild {asset}"
            )
    return read
