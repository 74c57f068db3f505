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
from pipelines.engine import rows_of_parts
from pipelines.lake import Dataset
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleasePart, ReleaseTables
from pipelines.tables.stage import Building, Stage

VERSION = 5
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


def _pairs(card: ReleaseCard, part: ReleasePart, removed: pa.Array) -> pa.Table:
    """Blocks of a part: (block, host, n) of int64, n the number of surviving documents of the host
    that hold the block; with no block, all of the host's surviving documents."""
    tables, keep = part.tables, survivors(card, part, removed)
    hosts = tables.documents.read_part(part.number, ["host"])["host"].combine_chunks().filter(keep)
    signed = tables.need("signatures").read_part(part.number, ["block_hashes"])["block_hashes"]
    lists = signed.combine_chunks().filter(keep)
    blocks = pa.array(lists.flatten().to_numpy().view(np.int64))
    rows = pa.table({"row": pc.list_parent_indices(lists).cast(pa.int64()), "block": blocks})
    once = rows.group_by(["block", "row"], use_threads=False).aggregate([])
    numbers = host_numbers(hosts)
    located = pa.table({"block": once["block"], "host": numbers.take(once["row"].combine_chunks())})
    located = pa.concat_tables(
        [located, pa.table({"block": pa.nulls(len(numbers), pa.int64()), "host": numbers})]
    )
    counted = located.group_by(["block", "host"], use_threads=False).aggregate([([], "count_all")])
    return counted.rename_columns(["block", "host", "n"])


def _in_process(pieces: list[pa.Table], limits: RecurrencePolicy) -> pa.Table:
    by_host = (
        pa.concat_tables(pieces).group_by(["block", "host"], use_threads=False).aggregate([("n", "sum")])
    )
    whole = pc.is_null(by_host["block"])
    hosts, by_host = by_host.filter(whole).sort_by("host"), by_host.filter(pc.invert(whole))
    place = np.searchsorted(hosts["host"].to_numpy(), by_host["host"].to_numpy())
    total, found = hosts["n_sum"].to_numpy()[place], by_host["n_sum"].to_numpy()
    counted = pa.table(
        {
            "block": by_host["block"],
            "n": by_host["n_sum"],
            "judged": (total >= limits.host_documents).astype(np.int64),
            "template": (
                found >= np.maximum(limits.host_documents, limits.share_of_documents * total)
            ).astype(np.int64),
            "total": total,
        }
    )
    sums = counted.group_by(["block"], use_threads=False).aggregate(
        [("n", "sum"), ([], "count_all"), ("judged", "sum"), ("template", "sum"), ("total", "sum")]
    )
    sums = sums.rename_columns(["block", "documents", "hosts", "judged", "templates", "total"])
    documents, num_hosts, judged, templates, total = (sums[name].to_numpy() for name in sums.column_names[1:])
    template = (templates >= limits.min_hosts) & (templates >= limits.share_of_hosts * judged)
    wide = num_hosts >= max(limits.wide_hosts, limits.wide_share * len(hosts))
    # of each host one document holds it for sure, so only the others tell how often it stands there
    others = total - num_hosts
    usual = np.where(
        others >= limits.min_documents,
        documents - num_hosts >= limits.share_of_documents * others,
        num_hosts >= limits.share_of_hosts * len(hosts),
    )
    often = (documents >= limits.min_documents) & (template | (wide & usual))
    return sums.select(["block", "documents", "hosts"]).filter(pa.array(often))


def _on_spark(session: Any, release: ReleaseTables, removed: pa.Array, limits: RecurrencePolicy) -> pa.Table:
    """The counts by Spark's aggregation, which spills: only the blocks that recur come to this
    process."""
    from pyspark.sql import functions as F

    parts, card = release.parts, release.card
    pairs = rows_of_parts(
        session, len(parts), lambda i: _pairs(card, parts[i], removed), "block long, host long, n long"
    )
    by_host = pairs.groupBy("block", "host").agg(F.sum("n").alias("n")).cache()
    hosts = by_host.where("block is null").select("host", F.col("n").alias("total"))
    num_hosts = hosts.count()
    least = F.greatest(F.lit(float(limits.host_documents)), F.col("total") * limits.share_of_documents)
    total = (
        by_host.where("block is not null")
        .join(hosts, "host")
        .groupBy("block")
        .agg(
            F.sum("n").alias("documents"),
            F.count("*").alias("hosts"),
            F.sum((F.col("total") >= limits.host_documents).cast("long")).alias("judged"),
            F.sum((F.col("n") >= least).cast("long")).alias("templates"),
            (F.sum("total") - F.count("*")).alias("others"),
        )
    )
    template = (F.col("templates") >= limits.min_hosts) & (
        F.col("templates") >= F.col("judged") * limits.share_of_hosts
    )
    wide = F.col("hosts") >= max(limits.wide_hosts, limits.wide_share * num_hosts)
    usual = F.when(
        F.col("others") >= limits.min_documents,
        F.col("documents") - F.col("hosts") >= F.col("others") * limits.share_of_documents,
    ).otherwise(F.col("hosts") >= limits.share_of_hosts * num_hosts)
    often = (F.col("documents") >= limits.min_documents) & (template | (wide & usual))
    found: pa.Table = total.where(often).select("block", "documents", "hosts").toArrow()
    by_host.unpersist()
    return found


def recurring_blocks_stage(release: ReleaseTables, duplicates: Dataset) -> Stage:
    """(block, documents, hosts) of the blocks that recur by the card's `recurrence`, sorted by block
    (schema SCHEMA). A block counts once for a surviving document."""
    card, limits = release.card, release.card.recurrence

    def compute(building: Building) -> None:
        session, removed = building.engine.session, removed_ids(duplicates)
        if session is not None:
            total = _on_spark(session, release, removed, limits)
        else:
            total = _in_process([_pairs(card, part, removed) for part in release.parts], limits)
        blocks = pa.array(total["block"].to_numpy().astype(np.int64).view(np.uint64))
        counts = [total[name].cast(pa.int32()) for name in ("documents", "hosts")]
        table = pa.table([blocks, *counts], schema=SCHEMA).sort_by("block")
        occurrences = pc.sum(total["documents"]).as_py() or 0
        building.writer.write_table(
            "part-00000.parquet", table, {"recurring": table.num_rows, "occurrences": occurrences}
        )

    named = {
        "dumps": list(release.dumps),
        "tombstones": sorted(card.tombstones),
        "cutoff_date": card.cutoff_date,
    }
    return Stage(
        "recurring_blocks",
        VERSION,
        compute,
        card.name,
        limits.parameters() | named,
        {**release.inputs("documents", "decisions", "signatures"), "duplicates": duplicates},
    )


def frozen_blocks_stage(release: ReleaseTables, taken: Dataset) -> Stage:
    """The blocks of an earlier release, which the card's `blocks` names, taken over as they are."""

    def compute(building: Building) -> None:
        for part in taken.parts:
            building.writer.reuse(part.path, taken, part, taken.stats if part == taken.parts[0] else {})

    return Stage(
        "recurring_blocks",
        VERSION,
        compute,
        release.card.name,
        taken.manifest.parameters,
        {"frozen": taken},
    )
