"""Band keys and star edges: which documents may be near-duplicates.

Belongs here: from MinHash values to edges between documents. Does not belong here: components,
verification.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.engine import map_arrow
from pipelines.kernels.bit_tables import bit_table, may_hold
from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import GOLDEN, MIX, STEP, U64

SHARED_BITS = 22  # of the table that tells most keys of one document apart: 4 MiB
SPREAD = np.int64(0x61C8864680B583EB)  # odd: spreads rows that need not meet over the partitions


@kernel
def _keys(values: Array, chosen: Array, salts: Array, bands: int, rows: int, out: Array) -> None:
    for doc in range(len(chosen)):
        for band in range(bands):
            h = (GOLDEN + U64(band)) * STEP ^ U64(salts[doc]) * MIX
            for r in range(rows):
                h = (h ^ U64(values[chosen[doc], band * rows + r])) * STEP
                h ^= h >> U64(29)
            h = (h ^ (h >> U64(32))) * MIX
            out[doc, band] = h ^ (h >> U64(31))


def band_keys(
    values: Array, bands: int, rows: int, salts: Array | None = None, chosen: Array | None = None
) -> Array:
    """64-bit keys over (salt, band, its `rows` values): uint64 [n, bands] of uint16 [n, num_perm],
    or of its rows `chosen` (int64 [n]).

    Documents of different salt (int64 [n]) never share a key.
    """
    chosen = np.arange(len(values)) if chosen is None else chosen
    out = np.empty((len(chosen), bands), np.uint64)
    _keys(values, chosen, np.zeros(len(chosen), np.int64) if salts is None else salts, bands, rows, out)
    return out


class Wanted:
    """A few keys that are looked for among many others."""

    def __init__(self, keys: Array) -> None:
        self._keys = np.unique(keys)
        self._table = bit_table(self._keys)

    def places(self, keys: Array) -> Array:
        """Places (int64, ascending) in uint64 [m] of keys that are wanted."""
        return _places(keys, self._keys, self._table)


@kernel
def _places(keys: Array, wanted: Array, table: Array) -> Array:
    mask = U64(len(table) - 1)
    places, count = np.empty(len(keys), np.int64), 0
    for i in range(len(keys)):
        key = keys[i]
        if may_hold(table, mask, key):
            at = np.searchsorted(wanted, key)
            if at < len(wanted) and wanted[at] == key:
                places[count] = i
                count += 1
    return places[:count].copy()


def _stars(keys: Array, nodes: Array) -> tuple[Array, Array, Array]:
    """(distinct keys, the smallest node of each, edges int64 [m, 2] from the others to it) of rows
    sorted by key and node."""
    if not len(keys):
        return keys, nodes, np.zeros((0, 2), np.int64)
    starts = np.flatnonzero(np.r_[True, keys[1:] != keys[:-1]])
    smallest = np.repeat(nodes[starts], np.diff(np.r_[starts, len(keys)]))
    others = smallest != nodes
    return keys[starts], nodes[starts], np.stack([nodes[others], smallest[others]], 1)


def _sorted(keys: Array, nodes: Array) -> tuple[Array, Array]:
    flat, owners = keys.ravel(), np.repeat(nodes.astype(np.int64), keys.shape[1] if keys.ndim == 2 else 1)
    order = np.argsort(
        flat
    )  # not stable, which is the fast one; only runs of equal keys need their nodes in order
    flat, owners = flat[order], owners[order]
    _sort_runs(flat, owners)
    return flat, owners


@kernel
def _sort_runs(keys: Array, nodes: Array) -> None:
    start = 0
    for i in range(1, len(keys) + 1):
        if i == len(keys) or keys[i] != keys[start]:
            if i - start > 1:
                nodes[start:i].sort()
            start = i


@kernel
def _likely_shared(ordered: Array, keys: Array) -> Array:
    """Places in `keys` of those that occur more than once in `ordered` (the same, sorted), and of a
    few others."""
    table = np.zeros(1 << SHARED_BITS, np.bool_)
    mask = U64((1 << SHARED_BITS) - 1)
    for i in range(1, len(ordered)):
        if ordered[i] == ordered[i - 1]:
            table[ordered[i] & mask] = True
    places, count = np.empty(len(keys), np.int64), 0
    for i in range(len(keys)):
        if table[keys[i] & mask]:
            places[count] = i
            count += 1
    return places[:count].copy()


def star_edges(keys: Array, nodes: Array) -> Array:
    """Edges (node, smallest node with the same key), int64 [m, 2], distinct: at most n - 1 for a
    key of n documents.

    keys uint64 [n, bands] with nodes int64 [n], or both [n] row by row.
    """
    flat, bands = np.ascontiguousarray(keys).ravel(), keys.shape[1] if keys.ndim == 2 else 1
    places = _likely_shared(np.sort(flat), flat)  # most keys are of one document: they need no second sort
    edges = _stars(*_sorted(flat[places], nodes[places // bands]))[2]
    return np.unique(edges, axis=0) if len(edges) else edges


def combine(keys: Array, nodes: Array) -> tuple[Array, Array, Array]:
    """(key, node, smallest), int64 each, of uint64 [n, bands]: one row for each distinct key, with
    its smallest node and smallest = -1; and one for each star edge within these documents, which
    needs no meeting and spreads by its node."""
    distinct, first, edges = _stars(*_sorted(keys, nodes))
    edges = np.unique(edges, axis=0)
    columns = (
        [distinct.view(np.int64), edges[:, 0] * SPREAD],
        [first, edges[:, 0]],
        [np.full(len(first), -1, np.int64), edges[:, 1]],
    )
    return tuple(np.concatenate(c) for c in columns)  # type: ignore[return-value]


def spark_star_edges(combined: Any) -> Any:
    """Edges of a Spark frame of `combine`'s columns: frame (node, smallest).

    One shuffle; the sort spills where a partition outgrows its memory, and the pass behind it holds
    one batch.
    """
    schema = "node long, smallest long"

    def emit(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        last_key, last_smallest = None, np.int64(0)
        for batch in batches:
            keys, nodes, smallest = (column.to_numpy() for column in batch.columns)
            done = smallest >= 0
            edges = [np.stack([nodes[done], smallest[done]], 1)]
            keys, nodes = keys[~done], nodes[~done]
            if len(keys):
                if keys[0] == last_key:  # the run goes on from the batch before
                    keys, nodes = np.r_[keys[:1], keys], np.r_[last_smallest, nodes]
                distinct, first, found = _stars(keys, nodes)
                edges.append(found)
                last_key, last_smallest = distinct[-1], first[-1]
            both = np.unique(np.concatenate(edges), axis=0)
            yield pa.RecordBatch.from_arrays(
                [pa.array(both[:, 0].copy()), pa.array(both[:, 1].copy())], ["node", "smallest"]
            )

    return map_arrow(combined.repartition("key").sortWithinPartitions("key", "node"), emit, schema)
