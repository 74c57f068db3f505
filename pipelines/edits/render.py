"""The one way from a document's text and its edits to what everything else reads.

Belongs here: putting masks in, taking lines out. Does not belong here: which spans there are
(personal_data.py, boilerplate.py), cuts that depend on other documents (release/cuts.py).
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.edits.personal_data import MASKS
from pipelines.lake import Dataset, LakeError
from pipelines.tables.alignment import read_aligned

LINE = "line"  # the kind of a line that is taken out, with its line feed
REPLACED = {**MASKS, LINE: ""}


def rendered_texts(documents: Dataset, edits: Dataset, i: int, rows: Any = None) -> pa.Array:
    """The rendered texts of part `i`, or of `rows` of it (int64, ascending).

    LakeError where the tables are not aligned.
    """
    texts, spans = read_aligned(i, (documents, ["text"]), (edits, ["spans"]), rows=rows)
    return render(flat(texts["text"]), flat(spans["spans"]))


def render(texts: pa.Array, spans: pa.Array) -> pa.Array:
    """The texts with every span replaced by its mask, or by nothing; null texts stay null.

    `texts`: string array of length n; `spans`: list<struct<start, end, kind>> of length n, UTF-8
    byte offsets, sorted, not overlapping. Raises LakeError for spans that do not fit their text.
    """
    if len(texts) != len(spans):
        raise LakeError(
            f"{len(texts)} texts and {len(spans)} rows of spans: the tables are not aligned; rebuild edits"
        )
    touched = pc.greater(pc.fill_null(pc.list_value_length(spans), 0), 0)
    rows = pc.indices_nonzero(touched)
    if not len(rows):
        return texts
    changed = [
        None if text is None else _render_one(text.encode(), row)
        for text, row in zip(texts.take(rows).to_pylist(), spans.take(rows).to_pylist(), strict=True)
    ]
    return pc.replace_with_mask(texts, touched, pa.array(changed, texts.type))


def _render_one(data: bytes, spans: list[dict[str, Any]]) -> str:
    pieces, position = [], 0
    for span in spans:
        if not position <= span["start"] <= span["end"] <= len(data):
            raise LakeError(
                f"span {span} does not fit a text of {len(data)} bytes: the edits are of other documents; "
                f"rebuild edits"
            )
        pieces += [data[position : span["start"]], REPLACED[span["kind"]].encode()]
        position = span["end"]
    return b"".join([*pieces, data[position:]]).decode()


def flat(column: pa.ChunkedArray) -> pa.Array:
    """The column as one array."""
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
