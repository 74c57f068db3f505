"""The election over members of components, in this process or by component on Spark.

Belongs here: gathering members with their shingles, batches of whole components, the table of
outcomes. Does not belong here: the loop (election.py), which documents are members (candidates.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.candidates import by_part, parts_of
from pipelines.dedup.election import KINDS, Members, Pairs, Thresholds, elect
from pipelines.dedup.pairs import PAIRS, Cache, id_lanes, pairs_table
from pipelines.dedup.signed_parts import MEMBERS, ROW_MASK, SignedPart, nodes_by_part
from pipelines.engine import map_arrow
from pipelines.tables.columns import described
from pipelines.tables.schemas import ID

Array = np.ndarray[Any, Any]
BATCH_BYTES = 256 << 20  # members held at once; one component at least
BATCH_MEMBERS = 100_000
CLUSTERS = described(
    "clusters",
    [
        ("node", pa.int64(), "document as signed part << 32 | row"),
        ("root", pa.int64(), "the least node of the component"),
        ("doc_id", ID, "as in documents"),
        ("size", pa.int32(), "distinct shingles"),
        ("kept_id", ID, "the document of which this one is a duplicate; null: it stays"),
        ("kind", pa.string(), "exact, near or containment; null: it stays"),
        ("similarity", pa.float32(), "verified similarity to kept_id"),
    ],
)
OUTCOMES = pa.schema([*CLUSTERS, *PAIRS])  # a row is a member, or a pair (node is null)
UNKNOWN = "unknown"  # kind of every member of a component that needs texts which were not read


def _words(column: pa.ChunkedArray) -> tuple[Array, Array]:
    """(all uint64 of a binary column one after the other, offsets int64 [n + 1] in words); null is
    empty."""
    array = pc.fill_null(column.combine_chunks().cast(pa.large_binary()), b"")
    _, ends, data = array.buffers()
    offsets = np.frombuffer(ends, np.int64)[array.offset : array.offset + len(array) + 1]
    words = np.frombuffer(data or b"", np.uint8)[offsets[0] : offsets[-1]]
    return np.require(words.view(np.uint64), requirements="A"), (offsets - offsets[0]) // 8


def elect_table(table: pa.Table, thresholds: Thresholds, cache: Cache | None) -> pa.Table:
    """OUTCOMES of MEMBERS sorted by root and order."""
    table = table.combine_chunks()
    contents, sizes, roots = (
        id_lanes(table["content"]),
        table["size"].to_numpy().astype(np.int64),
        table["root"].to_numpy(),
    )
    keys, _ = _words(table["keys"])
    members = Members(roots, contents, keys.reshape(table.num_rows, -1), sizes, *_words(table["shingles"]))
    result = elect(members, thresholds, cache.among(contents) if cache else None)

    ids, gone = table["doc_id"].combine_chunks(), result.kept >= 0
    kinds = np.array(KINDS, object)[np.maximum(result.kind, 0)]
    kinds[~gone] = None
    unknown = np.isin(roots, result.unknown)
    kinds[unknown] = UNKNOWN
    known = ~unknown[result.compared.later]
    compared = Pairs(
        *(column[known] for column in (result.compared.later, result.compared.earlier, result.compared.both))
    )
    rows = pa.Table.from_arrays(
        [
            table["node"].combine_chunks(),
            table["root"].combine_chunks(),
            ids,
            table["size"].combine_chunks(),
            ids.take(pa.array(result.kept, mask=~gone)),
            pa.array(kinds, pa.string()),
            pa.array(np.round(result.similarity, 4).astype(np.float32), mask=~gone),
        ],
        schema=CLUSTERS,
    )
    found = pa.concat_tables([rows, pairs_table(contents, compared)], promote_options="default")
    return found.select(OUTCOMES.names).cast(OUTCOMES)


def elect_stream(
    batches: Iterator[pa.RecordBatch], thresholds: Thresholds, cache: Cache | None
) -> Iterator[pa.RecordBatch]:
    """`elect_table` over a stream sorted by root and order, in batches of whole components."""
    held: list[pa.RecordBatch] = []
    size = 0
    for batch in batches:
        if held and size >= BATCH_BYTES and batch.num_rows:
            roots = batch.column(0).to_numpy()
            if roots[0] != held[-1].column(0)[-1].as_py():
                yield from elect_table(pa.Table.from_batches(held), thresholds, cache).to_batches()
                held, size = [], 0
            elif roots[-1] != roots[0]:
                cut = int(np.searchsorted(roots, roots[0], "right"))
                yield from elect_table(
                    pa.Table.from_batches([*held, batch.slice(0, cut)]), thresholds, cache
                ).to_batches()
                held, size, batch = [], 0, batch.slice(cut)
        if batch.num_rows:
            held.append(batch)
            size += batch.nbytes
    if held:
        yield from elect_table(pa.Table.from_batches(held), thresholds, cache).to_batches()


def in_process(
    parts: Sequence[SignedPart],
    nodes: Array,
    roots: Array,
    sizes: Array | None,
    parameters: MinHashParameters,
    thresholds: Thresholds,
    cache: Cache | None,
) -> pa.Table:
    """OUTCOMES of components (nodes and roots int64 [n]). With `sizes` no text is read, and only
    known pairs count."""
    found = [OUTCOMES.empty_table()]
    order = np.lexsort((nodes, roots))
    nodes, roots = nodes[order], roots[order]
    starts = np.flatnonzero(np.r_[True, np.diff(roots) != 0]) if len(roots) else np.zeros(0, np.int64)
    first = 0
    while first < len(nodes):
        later = starts[starts >= first + BATCH_MEMBERS]
        last = int(later[0]) if len(later) else len(nodes)
        place = np.argsort(nodes[first:last])
        own, root = nodes[first:last][place], roots[first:last][place]
        known = None if sizes is None else sizes[order][first:last][place]
        tables, start = [], 0
        for i, rows in nodes_by_part(own):
            end = start + len(rows)
            tables.append(
                parts[i].members(
                    rows, root[start:end], None if known is None else known[start:end], parameters
                )
            )
            start = end
        members = pa.concat_tables(tables).sort_by([("root", "ascending"), ("order", "ascending")])
        found.append(elect_table(members, thresholds, cache))
        first = last
    return pa.concat_tables(found)


def on_spark(
    clusters: Any,
    parts: Sequence[SignedPart],
    with_texts: bool,
    parameters: MinHashParameters,
    thresholds: Thresholds,
    cache: Cache | None,
) -> Any:
    """Frame of OUTCOMES of a frame (node, root, size), as `in_process` has it. Of the texts,
    hashes of shingles alone pass through the JVM."""

    def read(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for i, own in parts_of(batches):
            rows, sizes = own[:, 0] & ROW_MASK, None if with_texts else own[:, 2]
            members = parts[i].members(rows, np.ascontiguousarray(own[:, 1]), sizes, parameters)
            yield from _for_spark(members).to_batches(max_chunksize=10_000)

    def run(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        given = (batch.cast(MEMBERS) for batch in batches)
        for outcome in elect_stream(given, thresholds, cache):
            yield from _for_spark(pa.Table.from_batches([outcome])).to_batches()

    members = map_arrow(by_part(clusters.select("node", "root", "size")), read, _ddl(MEMBERS))
    return map_arrow(members.repartition("root").sortWithinPartitions("root", "order"), run, _ddl(OUTCOMES))


def _spark_type(kind: pa.DataType) -> pa.DataType:
    return pa.binary() if pa.types.is_fixed_size_binary(kind) or pa.types.is_large_binary(kind) else kind


def _for_spark(table: pa.Table) -> pa.Table:
    return table.cast(pa.schema([field.with_type(_spark_type(field.type)) for field in table.schema]))


def _ddl(schema: pa.Schema) -> str:
    names = {
        pa.int64(): "long",
        pa.int32(): "int",
        pa.binary(): "binary",
        pa.string(): "string",
        pa.float32(): "float",
    }
    return ", ".join(f"`{field.name}` {names[_spark_type(field.type)]}" for field in schema)
