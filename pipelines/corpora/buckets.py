"""Buckets of a release: columns of its corpora that divide them by quality, topic or any other number
or label.

Belongs here: from columns of a dump's tables to buckets. Does not belong here: the fields of the card
(cards/release.py), names of the sources of shards (shards/writer.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import CorpusBucket, ReleaseCard
from pipelines.lake import LakeError
from pipelines.quality.scores import SCORES
from pipelines.tables.alignment import read_aligned
from pipelines.tables.inputs import DumpTables, ReleasePart
from pipelines.tables.schemas import CORPUS, VALIDATION

NONE = "none"
"""The bucket of a document that has no value: no model of its language."""


def check_buckets(card: ReleaseCard, dumps: Mapping[str, DumpTables]) -> None:
    """LakeError names a bucket whose column is not there, is a number without edges or a label with
    edges, or whose name a corpus has."""
    for name, bucket in card.buckets.items():
        if name in CORPUS.names or name in VALIDATION.names:
            raise LakeError(f"release {card.name}: buckets: a corpus has a column {name!r}; use another name")
        table, _, column = bucket.column.rpartition("/")
        for tables in dumps.values():
            has = SCORES.names[1:] if table == "scores" else tables.need(table).manifest.parameters["columns"]
            if column not in has:
                raise LakeError(
                    f"release {card.name}: bucket {name}: no column {column!r} in {table}; it has"
                    f" {', '.join(has)}"
                )
            if (is_label := column == "label") == bool(bucket.edges):
                fault = "is a label: leave out `edges`" if is_label else "is a number: give `edges`"
                raise LakeError(f"release {card.name}: bucket {name}: {bucket.column} {fault}")


def bucket_parameters(card: ReleaseCard) -> dict[str, Any]:
    """What of a card's buckets enters the parameters of a corpus, in their order; nothing where it has
    none."""
    listed = [{"name": name, **bucket.parameters()} for name, bucket in card.buckets.items()]
    return {"buckets": listed} if listed else {}


def bucket_columns(card: ReleaseCard, part: ReleasePart) -> dict[str, pa.Array]:
    """The bucket of every document of a part, by the name of the bucket."""
    found = {}
    for name, bucket in card.buckets.items():
        column = bucket.column.rpartition("/")[2]
        source = (part.tables.need(bucket.table), [column])
        values = read_aligned(part.number, (part.tables.documents, []), source)[1][column].combine_chunks()
        found[name] = bucket_values(name, bucket, values)
    return found


def bucket_values(name: str, bucket: CorpusBucket, values: pa.Array) -> pa.Array:
    """NAME and the number of edges at or below each value, or the label; NONE where there is none."""
    if not bucket.edges:
        return pc.fill_null(values.cast(pa.string()), NONE)
    numbers = pc.fill_null(values.cast(pa.float32()), float("nan")).to_numpy(zero_copy_only=False)
    # A score is float32, so an edge is compared as float32.
    place = np.searchsorted(np.array(bucket.edges, np.float32), numbers, side="right")
    labels = np.where(np.isnan(numbers), NONE, np.char.add(name, place.astype(str)))
    return pa.array(labels.tolist(), pa.string())


def bucket_counts(table: pa.Table, names: list[str]) -> dict[str, Any]:
    """Documents and bytes of text by bucket (`q3/science`), as statistics."""
    if not names or not table.num_rows:
        return {}
    keys = pc.binary_join_element_wise(*(table[name] for name in names), "/")
    sizes = pa.table({"key": keys, "bytes": pc.binary_length(table["text"])})
    rows = sizes.group_by("key").aggregate([("bytes", "count"), ("bytes", "sum")]).to_pylist()
    return {"buckets": {r["key"]: {"documents": r["bytes_count"], "bytes": r["bytes_sum"]} for r in rows}}
