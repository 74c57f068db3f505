"""Blocks of text that recur over too many documents of a release (paper 3.1, distribution
filtering).

Belongs here: who survived the first election, counting blocks, the thresholds. Does not belong
here: the normal form and hash of a block (kernels/text_hashes.py), cutting blocks out of a text (cuts.py).
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.cards.release import ReleaseCard
from pipelines.engine import Engine, rows_of_parts
from pipelines.lake import Built, Dataset, Lake, Writer
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.columns import described
from pipelines.tables.inputs import DumpTables, ReleaseTables, frozen

VERSION = 2
SCHEMA = described(
    "recurring_blocks",
    [
        ("block", pa.uint64(), "hash of the block's normal form"),
        ("documents", pa.int32(), "surviving documents that hold it"),
        ("hosts", pa.int32(), "different hosts of these documents"),
    ],
)


def host_numbers(hosts: pa.Array) -> pa.Array:
    """A 64-bit number for each host's name, int64."""
    names = hosts.dictionary_encode()
    hashes = b"".join(
        hashlib.blake2b(name.encode(), digest_size=8).digest() for name in names.dictionary.to_pylist()
    )
    return pa.array(np.frombuffer(hashes, "<i8")).take(names.indices)


def _pairs(card: ReleaseCard, tables: DumpTables, removed: pa.Array, i: int) -> pa.Table:
    """Blocks of part `i`: (block, host, n) of int64, n the number of surviving documents of the
    host that hold the block."""
    keep = survivors(card, tables, removed, i)
    hosts = host_numbers(tables.documents.read_part(i, ["host"])["host"].combine_chunks().filter(keep))
    lists = (
        tables.need("signatures").read_part(i, ["block_hashes"])["block_hashes"].combine_chunks().filter(keep)
    )
    blocks = pa.array(lists.flatten().to_numpy().view(np.int64))
    rows = pa.table({"row": pc.list_parent_indices(lists).cast(pa.int64()), "block": blocks})
    once = rows.group_by(["block", "row"], use_threads=False).aggregate([])
    located = pa.table({"block": once["block"], "host": hosts.take(once["row"].combine_chunks())})
    return (
        located.group_by(["block", "host"], use_threads=False)
        .aggregate([([], "count_all")])
        .rename_columns(["block", "host", "n"])
    )


def _in_process(pieces: list[pa.Table], limits: RecurrencePolicy) -> pa.Table:
    by_host = (
        pa.concat_tables(pieces).group_by(["block", "host"], use_threads=False).aggregate([("n", "sum")])
    )
    total = by_host.group_by(["block"], use_threads=False).aggregate([("n_sum", "sum"), ([], "count_all")])
    total = total.rename_columns(["block", "documents", "hosts"])
    often = pc.and_(
        pc.greater_equal(total["documents"], limits.min_documents),
        pc.greater_equal(total["hosts"], limits.min_hosts),
    )
    return total.filter(often)


def _on_spark(session: Any, release: ReleaseTables, removed: pa.Array, limits: RecurrencePolicy) -> pa.Table:
    """The same by Spark's aggregation, which spills: only the blocks that recur come to this
    process."""
    from pyspark.sql import functions as F

    places, card = release.parts, release.card

    def rows(number: int) -> pa.Table:
        _, tables, i = places[number]
        return _pairs(card, tables, removed, i)

    pairs = rows_of_parts(session, len(places), rows, "block long, host long, n long")
    by_host = pairs.groupBy("block", "host").agg(F.sum("n").alias("n"))
    total = by_host.groupBy("block").agg(F.sum("n").alias("documents"), F.count("*").alias("hosts"))
    found: pa.Table = total.where(
        (F.col("documents") >= limits.min_documents) & (F.col("hosts") >= limits.min_hosts)
    ).toArrow()
    return found


def build_recurring_blocks(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    duplicates: Dataset,
) -> Built:
    """Publish (block, documents, hosts) of the blocks at or above the thresholds of the card's `recurrence`,
    sorted by block.

    A block counts once for a surviving document. Where the card freezes the blocks of an earlier
    release, those are taken over.
    """
    card, limits = release.card, release.card.recurrence
    if card.blocks:
        taken = frozen(lake, "recurring_blocks", card.blocks)

        def take(writer: Writer) -> None:
            for part in taken.parts:
                writer.reuse(part.path, taken, part, taken.stats if part == taken.parts[0] else {})

        inputs = {"frozen": taken}
        return lake.publish(
            "recurring_blocks",
            card.name,
            version=VERSION,
            parameters=taken.manifest.parameters,
            inputs=inputs,
            write=take,
        )
    removed = removed_ids(duplicates)

    def write(writer: Writer) -> None:
        session = engine.session
        if session is not None:
            total = _on_spark(session, release, removed, limits)
        else:
            total = _in_process([_pairs(card, tables, removed, i) for _, tables, i in release.parts], limits)
        blocks = pa.array(total["block"].to_numpy().astype(np.int64).view(np.uint64))
        table = pa.table(
            [blocks, total["documents"].cast(pa.int32()), total["hosts"].cast(pa.int32())], schema=SCHEMA
        ).sort_by("block")
        occurrences = pc.sum(total["documents"]).as_py() or 0
        writer.write_table(
            "part-00000.parquet", table, {"recurring": table.num_rows, "occurrences": occurrences}
        )

    inputs = {**release.inputs("documents", "decisions", "signatures"), "duplicates": duplicates}
    named = {
        "dumps": list(release.dumps),
        "tombstones": sorted(card.tombstones),
        "cutoff_date": card.cutoff_date,
    }
    parameters = limits.parameters() | named
    return lake.publish(
        "recurring_blocks", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )
