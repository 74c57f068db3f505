"""Blocks of text that recur over too many documents of a release (paper 3.1, distribution filtering).

Belongs here: who survived the first election, counting blocks, the thresholds. Does not belong here: the normal form and hash of a
block (dedup/kernel.py), cutting blocks out of a text (corpus.py).
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.settings import Card
from pipelines.spark import Engine
from pipelines.tables import DumpTables, ReleaseTables

VERSION = 1
SCHEMA = pa.schema([("block", pa.uint64()), ("documents", pa.int32()), ("hosts", pa.int32())])
ROWS_PER_BUCKET = 200_000  # documents of a release for each range of hashes counted at once: bounds the memory of one task


class RecurrencePolicy(Card):
    """When a block recurs exceedingly. The paper names the filter but gives no numbers; CCNet removes a paragraph at its second
    appearance in a shard, which would take definitions and quotations too. Ten documents is our choice, not a published one.
    """

    min_documents: int = Field(default=10, ge=2)  # surviving documents that hold the block
    min_hosts: int = Field(default=1, ge=1)  # a site's own template counts; 2 keeps what a single site repeats
    min_bytes: int = Field(default=12, ge=1)  # shorter lines are no template: a bare number or one word recurs everywhere
    exempt_categories: tuple[str, ...] = ("code", "parallel", "stem")  # cutting lines breaks a program or a pair
    max_loss: float = Field(default=0.5, gt=0, le=1)  # a document that loses a larger share of its characters is dropped
    min_chars: int = Field(default=50, ge=1)  # a document that is shorter after the cut is dropped


def removed_ids(duplicates: Dataset) -> pa.Array:
    """doc_id of every document that the election removed."""
    return duplicates.read(["doc_id"])["doc_id"].combine_chunks()


def survivors(tables: DumpTables, removed: pa.Array, i: int) -> pa.Array:
    """Boolean array over part `i`: passes its own rules and is not a duplicate. LakeError where tables are not aligned."""
    decisions = tables.need("decisions").read_part(i, ["doc_id", "keep"])
    ids = tables.documents.read_part(i, ["doc_id"])["doc_id"]
    if not ids.equals(decisions["doc_id"]):
        raise LakeError(f"part {i} of documents and decisions of {tables.card.name} differ in doc_id: rebuild decisions")
    duplicate = pc.is_in(ids.combine_chunks(), value_set=removed)
    return pc.and_(decisions["keep"].combine_chunks(), pc.invert(duplicate))


def _pairs(tables: DumpTables, removed: pa.Array, i: int, bucket: int, buckets: int) -> pa.Table:
    """Blocks of part `i` in one range of hashes: (block, host, n), n the number of surviving documents that hold it."""
    keep = survivors(tables, removed, i)
    hosts = tables.documents.read_part(i, ["host"])["host"].combine_chunks().filter(keep)
    lists = tables.need("signatures").read_part(i, ["block_hashes"])["block_hashes"].combine_chunks().filter(keep)
    frame = pa.table({"row": pc.list_parent_indices(lists).cast(pa.int64()), "block": lists.flatten()})
    if buckets > 1:
        frame = frame.filter(pa.array(frame["block"].to_numpy() % np.uint64(buckets) == bucket))
    once = frame.group_by(["block", "row"], use_threads=False).aggregate([])
    located = pa.table({"block": once["block"], "host": hosts.take(once["row"].combine_chunks())})
    return located.group_by(["block", "host"], use_threads=False).aggregate([([], "count_all")]).rename_columns(["block", "host", "n"])


def build_recurring_blocks(
    lake: Lake, engine: Engine, release: ReleaseTables, duplicates: Dataset, policy: RecurrencePolicy | None = None
) -> Built:
    """Publish (block, documents, hosts) of the blocks at or above the policy's thresholds, sorted by block.

    A block counts once for a surviving document. Hashes are counted range by range, one task each, so that memory does not grow with
    the release; every task reads all block hashes once.
    """
    limits = policy or RecurrencePolicy()
    removed = removed_ids(duplicates)
    rows = sum(t.documents.manifest.rows for t in release.dumps.values())
    buckets = 1 + rows // ROWS_PER_BUCKET

    def write(writer: Writer) -> None:
        def work(bucket: int) -> None:
            path = f"part-{bucket:05d}.parquet"
            if writer.has(path):
                return
            pieces = [
                _pairs(tables, removed, i, bucket, buckets) for tables in release.dumps.values() for i in range(len(tables.documents.parts))
            ]
            if not pieces:
                writer.write_table(path, SCHEMA.empty_table(), {"blocks_seen": 0, "recurring": 0})
                return
            by_host = pa.concat_tables(pieces).group_by(["block", "host"], use_threads=False).aggregate([("n", "sum")])
            total = by_host.group_by(["block"], use_threads=False).aggregate([("n_sum", "sum"), ([], "count_all")])
            counted = pa.table([total["block"], total["n_sum_sum"].cast(pa.int32()), total["count_all"].cast(pa.int32())], schema=SCHEMA)
            often = pc.and_(
                pc.greater_equal(counted["documents"], limits.min_documents), pc.greater_equal(counted["hosts"], limits.min_hosts)
            )
            kept = counted.filter(often).sort_by("block")
            writer.write_table(path, kept, {"blocks_seen": counted.num_rows, "recurring": kept.num_rows})

        engine.map_parts(buckets, work)

    inputs = {**release.inputs("documents", "decisions", "signatures"), "duplicates": duplicates}
    parameters = limits.parameters() | {"dumps": list(release.dumps)}
    return lake.build("recurring_blocks", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)
