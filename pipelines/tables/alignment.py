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

    LakeError, naming both files, where the rows are not of the same documents.
    """
    read = [
        dataset.read_part(i, ["doc_id", *(c for c in columns if c != "doc_id")], rows)
        for dataset, columns in tables
    ]
    for (dataset, _), table in zip(tables[1:], read[1:], strict=True):
        check_aligned(i, (tables[0][0], read[0]), (dataset, table))
    return read


def check_aligned(i: int, first: tuple[Dataset, pa.Table], second: tuple[Dataset, pa.Table]) -> None:
    """LakeError, naming both files, where rows read from part `i` of two tables are not of the same
    documents."""
    if not first[1]["doc_id"].equals(second[1]["doc_id"]):
        one, other = (dataset.file(dataset.parts[i].path) for dataset, _ in (first, second))
        raise LakeError(f"{one} and {other} hold different documents: rebuild {second[0].manifest.asset}")
