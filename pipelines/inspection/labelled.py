"""Labels beside the documents that they are of.

Belongs here: finding labelled documents in the tables of a dump, what several people make together,
for how many documents a label stands, and what decisions make of them. Does not belong here: the
file of labels (cards/labels.py), the figures (agreement.py).

A label counts where the document is still there and its rendered text is the one that was read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.labels import Label, read_labels
from pipelines.edits.render import rendered_texts
from pipelines.inspection.agreement import Agreement, agreement
from pipelines.lake import Lake, digest
from pipelines.tables.inputs import DumpTables
from pipelines.tables.schemas import ID


@dataclass(frozen=True)
class LabelledDocument:
    """A document of a dump and everything that was said of it."""

    doc_id: bytes
    part: int
    row: int
    labels: tuple[Label, ...]
    weight: float
    """For how many documents of the dump it stands."""

    @property
    def verdict(self) -> str:
        """What all say; `border` where they differ."""
        said = {label.verdict for label in self.labels}
        return said.pop() if len(said) == 1 else "border"


@dataclass(frozen=True)
class Labels:
    """The labels of a dump, sorted by whether they count."""

    documents: tuple[LabelledDocument, ...]
    """In the order of parts and rows."""
    changed: tuple[Label, ...]
    """Of documents whose text is another now."""
    gone: tuple[Label, ...]
    """Of documents that the dump has no more."""

    @property
    def decided(self) -> tuple[LabelledDocument, ...]:
        """Documents that count: keep or drop."""
        return tuple(d for d in self.documents if d.verdict != "border")


def content_of(text: str) -> str:
    """What a label says of the text that was read."""
    return digest(text)


def find_labelled(tables: DumpTables, labels: Sequence[Label]) -> Labels:
    """The documents of the labels. Reads ids, and the texts of labelled documents alone."""
    by_id: dict[bytes, list[Label]] = {}
    for label in labels:
        by_id.setdefault(bytes.fromhex(label.doc_id), []).append(label)
    found: list[tuple[bytes, int, int, tuple[Label, ...]]] = []
    changed: list[Label] = []
    wanted = pa.array(sorted(by_id), ID)
    for part in range(len(tables.documents.parts)):
        ids = tables.documents.read_part(part, ["doc_id"])["doc_id"].combine_chunks()
        rows = np.asarray(pc.indices_nonzero(pc.is_in(ids, value_set=wanted)), np.int64)
        if not len(rows):
            continue
        texts = rendered_texts(tables.documents, tables.edits, part, rows).to_pylist()
        for row, doc_id, text in zip(rows, ids.take(pa.array(rows)).to_pylist(), texts, strict=True):
            said = by_id.pop(doc_id, [])
            now = content_of(text)
            current = tuple(label for label in said if label.content == now)
            changed += [label for label in said if label.content != now]
            if current:
                found.append((doc_id, part, int(row), current))
    gone = [label for said in by_id.values() for label in said]
    return Labels(tuple(_weighted(found)), tuple(changed), tuple(gone))


def _weighted(found: Sequence[tuple[bytes, int, int, tuple[Label, ...]]]) -> Iterable[LabelledDocument]:
    """The documents with their weights: those of a cell share its documents equally; a label that was
    not drawn stands for itself."""
    cells = Counter(labels[0].cell for *_, labels in found)
    for doc_id, part, row, labels in found:
        first = labels[0]
        weight = max(1.0, first.of / cells[first.cell]) if first.cell and first.of else 1.0
        yield LabelledDocument(doc_id, part, row, labels, weight)


def agreement_of(labels: Labels, kept: Sequence[bool]) -> Agreement:
    """Agreement of `kept`, side by side with `labels.decided`, weighted to the dump."""
    documents = labels.decided
    return agreement([d.verdict == "keep" for d in documents], kept, [d.weight for d in documents])


def published(tables: DumpTables, documents: Sequence[LabelledDocument], column: str = "keep") -> list[Any]:
    """A column of the published decisions on the documents."""
    decisions, parts = tables.need("decisions"), dict[int, list[Any]]()
    for part in sorted({d.part for d in documents}):
        parts[part] = decisions.read_part(part, [column])[column].to_pylist()
    return [parts[d.part][d.row] for d in documents]


def label_lines(lake: Lake, tables: DumpTables) -> list[str]:
    """How the published decisions of a dump agree with its labels, in words and by language; empty
    where nobody labelled it."""
    said = read_labels(lake, tables.card.name)
    if not said:
        return []
    labels = find_labelled(tables, said)
    people = sorted({label.labeller for label in said})
    verdicts = Counter(d.verdict for d in labels.documents)
    out = [
        f"labels of {tables.card.name}: {len(labels.documents):,} documents"
        f" ({', '.join(f'{verdicts[v]:,} {v}' for v in ('keep', 'drop', 'border'))}) by {', '.join(people)}"
    ]
    if labels.changed:
        out.append(f"{len(labels.changed):,} labels are of another text than is there now: they do not count")
    if labels.gone:
        out.append(f"{len(labels.gone):,} labels are of documents that are gone: they do not count")
    if (both := between_people(labels)) is not None:
        out.append(both)
    kept = published(tables, labels.decided)
    languages = published(tables, labels.decided, "language")
    for language in sorted(set(languages)):
        rows = [i for i, known in enumerate(languages) if known == language]
        part = Labels(tuple(labels.decided[i] for i in rows), (), ())
        out += [f"{language}  {line}" for line in agreement_of(part, [kept[i] for i in rows]).lines()]
    return out


def between_people(labels: Labels) -> str | None:
    """How often two people said one thing of a document, and Cohen's kappa; None where no document
    has two answers."""
    pairs = [
        (one.verdict, other.verdict)
        for d in labels.documents
        for i, one in enumerate(d.labels)
        for other in d.labels[i + 1 :]
    ]
    if not pairs:
        return None
    equal = sum(a == b for a, b in pairs) / len(pairs)
    first, second = (Counter(p[side] for p in pairs) for side in (0, 1))
    chance = sum(first[v] * second[v] for v in first) / len(pairs) ** 2
    kappa = 1.0 if chance == 1 else (equal - chance) / (1 - chance)
    return f"people agree on {equal:.2f} of {len(pairs):,} answers to one document, kappa {kappa:.2f}"
