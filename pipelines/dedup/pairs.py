"""Pairs of contents that were compared before: how many shingles they share, whatever the
thresholds.

Belongs here: the table and finding its pairs among members. Does not belong here: comparing
(election.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.dedup.election import Pairs
from pipelines.lake import Dataset
from pipelines.tables.columns import described
from pipelines.tables.schemas import ID

Array = np.ndarray[Any, Any]
PAIRS = described(
    "verified_pairs",
    [
        ("content", ID, "content hash; above other, as bytes"),
        ("other", ID, "content hash"),
        ("shared", pa.int32(), "shingles that both texts have"),
    ],
)


def content_bytes(contents: Array) -> Array:
    """Fixed-width bytes [n] that sort as the ids of uint64 [n, 2] do; each has a last byte of its
    own, so no zero is lost."""
    padded = np.full((len(contents), 17), 1, np.uint8)
    padded[:, :16] = np.ascontiguousarray(contents).view(np.uint8).reshape(len(contents), 16)
    return padded.view("S17").reshape(-1)


@dataclass(frozen=True)
class Cache:
    """Verified pairs of one release (PAIRS), read where they are first asked for."""

    dataset: Dataset

    @cached_property
    def _pairs(self) -> tuple[Array, Array, Array]:
        table = self.dataset.read()
        one, other = (content_bytes(id_lanes(table[name])) for name in ("content", "other"))
        return one, other, table["shared"].to_numpy().astype(np.int64)

    def among(self, contents: Array) -> Pairs:
        """Known pairs between places of uint64 [n, 2]; where a content occurs more than once, its
        first place counts."""
        own = content_bytes(contents)
        unique, first = np.unique(own, return_index=True)
        if not len(unique):
            return Pairs.none()
        places = []
        one, other, shared = self._pairs
        for side in (one, other):
            at = np.minimum(np.searchsorted(unique, side), len(unique) - 1)
            places.append(np.where(unique[at] == side, first[at], -1))
        here = (places[0] >= 0) & (places[1] >= 0)
        left, right = places[0][here], places[1][here]
        return Pairs(np.maximum(left, right), np.minimum(left, right), shared[here])


def id_lanes(column: pa.ChunkedArray | pa.Array) -> Array:
    """uint64 [n, 2] of 16-byte ids."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if not len(array):
        return np.zeros((0, 2), np.uint64)
    return np.frombuffer(array.buffers()[1], np.uint64)[
        2 * array.offset : 2 * (array.offset + len(array))
    ].reshape(-1, 2)


def pairs_table(contents: Array, pairs: Pairs) -> pa.Table:
    """PAIRS of places in uint64 [n, 2]."""
    order = content_bytes(contents)
    swapped = order[pairs.later] < order[pairs.earlier]
    one, other = np.where(swapped, pairs.earlier, pairs.later), np.where(swapped, pairs.later, pairs.earlier)
    ids = [
        pa.Array.from_buffers(ID, len(p), [None, pa.py_buffer(np.ascontiguousarray(contents[p]))])
        for p in (one, other)
    ]
    return pa.Table.from_arrays([*ids, pa.array(pairs.both.astype(np.int32))], schema=PAIRS)
