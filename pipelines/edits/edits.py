"""The table `edits`: spans of every document's text that are masked or taken out.

Belongs here: the spans of one text, the stage. Does not belong here: what is personal data
(personal_data.py), what is left behind (leftovers.py), which lines are notices (boilerplate.py) or
quotes (quotes.py), rendering (render.py). Spans depend on the document alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from pipelines.edits.boilerplate import CATEGORIES, is_boilerplate
from pipelines.edits.leftovers import leftovers
from pipelines.edits.personal_data import MASKS, find_personal_data
from pipelines.edits.quotes import may_quote, quoted_lines
from pipelines.edits.render import LINE, REPLACED, flat, render
from pipelines.lake import Dataset
from pipelines.tables.schemas import EDITS
from pipelines.tables.stage import Stage, Stats, row_aligned

VERSION = 7


Mask = tuple[int, int, str]
"""Start and end in characters, kind."""


def _shown(text: str, masks: list[Mask]) -> Iterator[tuple[int, int, str, list[Mask]]]:
    """Every line: its start and end, how it will read, and the masks in it."""
    position = number = 0
    for line in text.split("\n"):
        end = position + len(line)
        if number == len(masks) or masks[number][0] >= end:  # no mask in it, as in most
            yield position, end, line, []
            position = end + 1
            continue
        inside = []
        while number < len(masks) and masks[number][0] < end:
            inside.append(masks[number])
            number += 1
        shown, at = [], position
        for start, stop, kind in inside:
            shown += [text[at:start], MASKS[kind]]
            at = stop
        yield position, end, "".join([*shown, text[at:end]]), inside
        position = end + 1


def _lines(text: str, masks: list[Mask]) -> list[Mask]:
    """The masks, and the lines to take out; masks in such lines go with them.

    Lines are judged as they will read, masks in place, so that a rendered text has no line more to
    take out.
    """
    lines = list(_shown(text, masks))
    gone = _gone([shown for _, _, shown, _ in lines], may_quote(text))
    spans: list[Mask] = []
    for number, (start, end, _, inside) in enumerate(lines):
        if number in gone:
            spans.append((start, min(end + 1, len(text)), LINE))
        else:
            spans += inside
    return spans


def _gone(lines: list[str], quotes: bool) -> set[int]:
    """Places of the lines that go: notices, and `quotes` where asked for. What stays is read for
    quotes until there are none: a line that goes may have stood between a quote and what introduces
    it."""
    gone: set[int] = set()
    found = {i for i, line in enumerate(lines) if is_boilerplate(line)}
    found |= quoted_lines(lines) if quotes else set()
    while found:
        gone |= found
        left = [i for i in range(len(lines)) if i not in gone]
        found = {left[i] for i in quoted_lines([lines[i] for i in left])} if quotes else set()
    return gone


def spans_of(text: str, category: str = "") -> list[dict[str, Any]]:
    """The spans of one text, in UTF-8 byte offsets, as rows of the column `spans` of EDITS. Lines
    go in categories that have notices."""
    found = find_personal_data(text)
    if category in CATEGORIES:
        found = _lines(text, found)
    spans, position, offset = [], 0, 0
    for start, end, kind in found:
        first = offset + len(text[position:start].encode())
        offset = first + len(text[start:end].encode())
        position = end
        spans.append({"start": first, "end": offset, "kind": kind})
    return spans


def edits_stage(documents: Dataset) -> Stage:
    """The spans of every document (schema EDITS), row-aligned with `documents`.

    Stats: documents, edited documents, spans by kind, leftovers by kind.
    """

    def rows(i: int) -> tuple[pa.Table, Stats]:
        table = documents.read_part(i, ["doc_id", "category", "text"])
        texts, categories = table["text"].to_pylist(), table["category"].to_pylist()
        spans = [spans_of(text, category) for text, category in zip(texts, categories, strict=True)]
        columns = [table["doc_id"].combine_chunks(), pa.array(spans, EDITS.field("spans").type)]
        edits = pa.table(columns, schema=EDITS)
        counts = Counter(span["kind"] for row in spans for span in row)
        shown = render(flat(table["text"]), flat(edits["spans"]))
        left = sum((leftovers(text or "") for text in shown.to_pylist()), Counter[str]())
        return edits, {
            "documents": len(spans),
            "edited_documents": sum(map(bool, spans)),
            "spans": {kind: counts[kind] for kind in REPLACED},
            "leftovers": {kind: left[kind] for kind in MASKS},  # in the rendered texts; any is a defect
        }

    return Stage(
        "edits",
        VERSION,
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        parameters={"replaced": REPLACED},
        inputs={"documents": documents},
    )
