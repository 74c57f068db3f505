"""Which training documents hold items of benchmarks, leakage sets or the validation side.

Belongs here: which documents are looked at, the table. Does not belong here: finding items in a text
(index.py, matching.py), reading item files (benchmark_items.py), what is done with a document that
holds one (release/cuts.py, release/exclusions.py).

Validation documents are items too. Beside that, the election compares every training document with
the validation documents that share a band with it, for the validation side comes first in canonical
order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.benchmark_items import BenchmarkItem, items_from_folders
from pipelines.contamination.forms import script_converter
from pipelines.contamination.index import Index, Match
from pipelines.edits.render import rendered_texts
from pipelines.lake import Dataset, canonical_json, digest
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleasePart, ReleaseTables
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, OutputPart, Stage, Stats

VERSION = 8
SCHEMA = described(
    "contamination",
    [
        ("doc_id", ID, "the training document"),
        (
            "item",
            pa.string(),
            "identifier of the benchmark item, or hexadecimal id of the validation document",
        ),
        ("source", pa.string(), "file of the benchmark, or validation/DOMAIN"),
        ("kind", pa.string(), "benchmark, leakage or validation"),
        ("start", pa.int32(), "where the match begins, in UTF-8 bytes of the rendered text"),
        ("end", pa.int32(), "where it ends"),
        (
            "in_long",
            pa.bool_(),
            "whether the text is long and what is found in it covers little of it, or it is of a category of "
            "`cut_categories`",
        ),
        ("form", pa.string(), "how it was found: n-grams, whole, skeleton or shape"),
        ("group", pa.string(), "as in documents"),
        (
            "grams",
            pa.list_(pa.uint64()),
            "hashes of the item's n-grams that were found; none of validation documents and of what was "
            "found whole or by its shape",
        ),
        ("num_grams", pa.int32(), "n-grams of the item; 0 where `grams` has none"),
    ],
)


def validation_items(validation_sets: Dataset) -> list[BenchmarkItem]:
    """One item for each validation document; named by its id."""
    items = []
    for i in range(len(validation_sets.parts)):
        table = validation_sets.read_part(i, ["doc_id", "domain", "text"])
        for doc_id, domain, text in zip(*(c.to_pylist() for c in table.columns), strict=True):
            items.append(BenchmarkItem(doc_id.hex(), f"validation/{domain}", "validation", text))
    return items


def contamination_stage(release: ReleaseTables, validation_sets: Dataset, folders: Sequence[Path]) -> Stage:
    """One row for each (training document that passes its own rules, item found in it); schema SCHEMA.

    `folders` hold item files (see benchmark_items.py); they are read at once, as their text counts in
    the recompute key. Parameters count the items by kind. Statistics: documents read and found,
    matches by kind.
    """
    rules, parts = release.card.contamination, release.parts
    items = items_from_folders(folders)
    fields = (field for item in items for field in (item.source, item.name, item.kind, item.text))
    fingerprint = digest(*fields)
    kinds = Counter(item.kind for item in items) + Counter(validation=validation_sets.manifest.rows)
    parameters = rules.parameters() | {"simplified": script_converter() is not None}

    def compute(building: Building) -> None:
        what = (
            str(VERSION),
            fingerprint,
            canonical_json(parameters | {"dumps": []}),
            validation_sets.content_hash,
        )
        outputs = [
            OutputPart(part.path, part.key(("documents", "edits", "decisions"), *what)) for part in parts
        ]
        missing = building.not_known([output.key for output in outputs])
        index = Index(validation_items(validation_sets) + items if missing else [], rules)
        building.write_parts([outputs[i] for i in missing], lambda i: _matches(parts[missing[i]], index))

    inputs: dict[str, Dataset | str] = {
        **release.inputs("documents", "edits", "decisions"),
        "validation_sets": validation_sets,
        "items": fingerprint,
    }
    named = {"dumps": list(release.dumps), "items": dict(kinds)}
    return Stage("contamination", VERSION, compute, release.card.name, parameters | named, inputs)


def _matches(part: ReleasePart, index: Index) -> tuple[pa.Table, Stats]:
    """(SCHEMA, statistics) of one part."""
    documents, decisions = part.aligned(["side", "group"], ["keep", "category"])
    read = pc.and_(decisions["keep"], pc.equal(documents["side"], "train")).combine_chunks()
    ids, groups = (documents[name].filter(read).to_pylist() for name in ("doc_id", "group"))
    categories = decisions["category"].filter(read).to_pylist()
    texts = rendered_texts(part.tables.documents, part.tables.edits, part.number).filter(read)
    found = index.find_all(texts)
    long = _in_long(found, pc.binary_length(texts).to_pylist(), index.policy)
    rows = []
    for row, match in found:
        grams, num_grams = np.zeros(0, np.uint64), 0
        if match.item.kind != "validation":
            grams, num_grams = index.grams_found(match, texts[row].as_py())
        rows.append(
            {
                "doc_id": ids[row],
                "item": match.item.name,
                "source": match.item.source,
                "kind": match.item.kind,
                "start": match.start,
                "end": match.end,
                "in_long": long[row] or categories[row] in index.policy.cut_categories,
                "form": match.form,
                "group": groups[row],
                "grams": grams.tolist(),
                "num_grams": num_grams,
            }
        )
    stats: dict[str, Any] = {
        "documents": len(ids),
        "found_documents": len({row["doc_id"] for row in rows}),
        "matches": dict(Counter(row["kind"] for row in rows)),
    }
    return pa.Table.from_pylist(rows, SCHEMA), stats


def _in_long(
    found: Sequence[tuple[int, Match]], num_bytes: Sequence[int], policy: ContaminationPolicy
) -> dict[int, bool]:
    """By row of a text: whether it is long and all its matches together cover little of it."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for row, match in found:
        spans.setdefault(row, []).append((match.start, match.end))
    long = {}
    for row, own in spans.items():
        covered = last = 0
        for start, end in sorted(own):
            covered += max(0, end - max(start, last))
            last = max(last, end)
        size = num_bytes[row]
        long[row] = size >= policy.long_bytes and covered <= policy.long_share * size
    return long
