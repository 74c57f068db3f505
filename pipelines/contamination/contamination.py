"""Which training documents hold items of benchmarks, leakage sets or the validation side.

Belongs here: which documents are looked at, the published table. Does not belong here: finding
items in a text (item_index.py), reading item files (items.py), what is done with a found document
(cuts.py).

Validation documents are items too. Beside that, the election compares every training document with
the validation documents that share a band with it, for the validation side comes first in canonical
order.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contamination.benchmark_items import BenchmarkItem, items_from_folders
from pipelines.contamination.index import Index
from pipelines.contamination.matching import script_converter
from pipelines.engine import Engine
from pipelines.lake import Built, Dataset, Lake, Writer, canonical_json, digest
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleaseTables, part_key, part_path
from pipelines.tables.schemas import ID

VERSION = 3
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


def build_contamination(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    validation_sets: Dataset,
    folders: list[Path],
) -> Built:
    """Publish one row for each (training document that passes its own rules, item found in it);
    schema SCHEMA.

    `folders` hold item files (see items.py); their text counts in the recompute key. Parameters
    name the items by kind. Stats: documents read and found, matches by kind.
    """
    from pipelines.edits.render import rendered_texts

    rules = release.card.contamination
    items = validation_items(validation_sets) + items_from_folders(folders)
    fingerprint = digest(
        *(
            part
            for item in items
            if item.kind != "validation"
            for part in (item.source, item.name, item.kind, item.text)
        )
    )
    parameters = rules.parameters() | {
        "simplified": script_converter() is not None,
        "dumps": list(release.dumps),
    }
    counts = {"items": dict(Counter(item.kind for item in items))}

    def write(writer: Writer) -> None:
        what = (
            str(VERSION),
            fingerprint,
            canonical_json(parameters | {"dumps": []}),
            validation_sets.content_hash,
        )
        known = lake.reusable("contamination")
        keys = [
            part_key(tables, i, ("documents", "edits", "decisions"), *what) for _, tables, i in release.parts
        ]
        fresh = [number for number, key in enumerate(keys) if not writer.take(key, known)]
        index = Index(items if fresh else [], rules)

        def work(place: int) -> None:
            number = fresh[place]
            name, tables, i = release.parts[number]
            path = part_path(name, i)
            if writer.has(path):
                return
            heads = tables.documents.read_part(i, ["doc_id", "side"])
            keep = tables.need("decisions").read_part(i, ["keep"])["keep"]
            read = pc.and_(keep, pc.equal(heads["side"], "train")).combine_chunks()
            ids = heads["doc_id"].filter(read).to_pylist()
            out = [
                {
                    "doc_id": ids[row],
                    "item": m.item.name,
                    "source": m.item.source,
                    "kind": m.item.kind,
                    "start": m.start,
                    "end": m.end,
                }
                for row, m in index.find_all(rendered_texts(tables.documents, tables.edits, i).filter(read))
            ]
            by_kind: dict[str, int] = {}
            for found_row in out:
                by_kind[found_row["kind"]] = by_kind.get(found_row["kind"], 0) + 1
            stats: dict[str, Any] = {
                "documents": len(ids),
                "found_documents": len({r["doc_id"] for r in out}),
                "matches": by_kind,
            }
            writer.write_table(path, pa.Table.from_pylist(out, SCHEMA), stats, key=keys[number])

        engine.map_parts(len(fresh), work)

    inputs: dict[str, Dataset | str] = {
        **release.inputs("documents", "edits", "decisions"),
        "validation_sets": validation_sets,
    }
    inputs["items"] = fingerprint
    return lake.publish(
        "contamination",
        release.card.name,
        version=VERSION,
        parameters=parameters | counts,
        inputs=inputs,
        write=write,
    )
