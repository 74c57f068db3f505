"""Labels of documents of a dump, as a reader would give them."""

from __future__ import annotations

from typing import Any

from pipelines.cards.labels import Label, put_label
from pipelines.edits.render import rendered_texts
from pipelines.inspection.labelled import content_of
from pipelines.lake import Lake
from pipelines.tables.inputs import DumpTables


def say(lake: Lake, tables: DumpTables, part: int, row: int, verdict: str, **fields: Any) -> Label:
    """Put what `ann` says of the document at a place into the lake."""
    doc_id = tables.documents.read_part(part, ["doc_id"])["doc_id"][row].as_py()
    text = rendered_texts(tables.documents, tables.edits, part)[row].as_py()
    values = {
        "dump": tables.card.name,
        "doc_id": doc_id.hex(),
        "url": "",
        "content": content_of(text),
        "verdict": verdict,
        "labeller": "ann",
    }
    label = Label.model_validate(values | fields)
    put_label(lake, label)
    return label
