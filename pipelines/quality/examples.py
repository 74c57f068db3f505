"""Examples that the fastText classifiers learn from: drawn, dealt, balanced, parted into folds.

Belongs here: which documents are examples, in which order and how many, and which fold leaves which
out. Does not belong here: what a label means, training (classifiers.py).

Documents of the validation side are not read. A fold is made of whole sources (the column `group`:
host, repository, book), so that a report is about sources left out of training; where a label has too
few sources for that, of documents.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import zip_longest
from typing import NamedTuple
from urllib.parse import urlsplit

from pipelines.edits.render import rendered_texts
from pipelines.quality.features import FOLDS, features, fold
from pipelines.tables.inputs import DumpTables

LANGUAGES = ("en", "zh")
PER_DUMP = 20_000  # examples of one dump, language and label; those of the smallest ids
MIN_EXAMPLES = 8  # of each class, in each fold's training set


class TrainingRow(NamedTuple):
    """A document to learn from."""

    doc_id: bytes
    group: str
    """Its source, that folds leave out."""
    features: str
    publisher: str = ""
    """Whose it is: its host, or its dump."""
    kind: str = ""
    """The category of its dump."""


Examples = dict[str, list[TrainingRow]]  # by label
Label = Callable[[DumpTables, str, str], str | None]  # of a dump, a text, a URL


def collect_examples(dumps: Mapping[str, DumpTables], label: Label) -> dict[str, Examples]:
    """Examples of the training side by language and label, at most PER_DUMP of each dump, those of
    the smallest ids, which are hashes."""
    from pipelines.signals import language

    found: dict[str, Examples] = {code: {} for code in LANGUAGES}
    for _, tables in sorted(dumps.items()):
        mine: dict[tuple[str, str], list[TrainingRow]] = {}
        for index in range(len(tables.documents.parts)):
            rows = tables.documents.read_part(index, ["doc_id", "side", "group", "url"]).to_pylist()
            texts = rendered_texts(tables.documents, tables.edits, index).to_pylist()
            train = [(row, t) for row, t in zip(rows, texts, strict=True) if row["side"] == "train"]
            codes = language.measure_language([t for _, t in train])["language"].to_pylist()
            for (row, text), code in zip(train, codes, strict=True):
                name = label(tables, text, row["url"] or "") if code in LANGUAGES else None
                if name:
                    url = row["url"] or ""
                    example = TrainingRow(
                        row["doc_id"],
                        row["group"] or tables.card.name,
                        features(text),
                        urlsplit(url).hostname or tables.card.name,
                        tables.card.category,
                    )
                    mine.setdefault((code, name), []).append(example)
            mine = {k: sorted(v)[:PER_DUMP] for k, v in mine.items()}
        for (code, name), examples in sorted(mine.items()):
            found[code].setdefault(name, []).extend(examples)
    return {
        code: {name: sorted(examples) for name, examples in sorted(labels.items())}
        for code, labels in found.items()
    }


def dealt(examples: Iterable[TrainingRow]) -> list[TrainingRow]:
    """The examples in an order of which every beginning is as mixed as can be: kinds in turn, in each
    its publishers in turn, in each by id."""
    kinds: dict[str, dict[str, list[TrainingRow]]] = {}
    for example in sorted(examples):
        kinds.setdefault(example.kind, {}).setdefault(example.publisher, []).append(example)
    return _in_turn([_in_turn(list(publishers.values())) for publishers in kinds.values()])


def _in_turn(rows: list[list[TrainingRow]]) -> list[TrainingRow]:
    return [example for turn in zip_longest(*rows) for example in turn if example is not None]


def _without_majority(examples: list[TrainingRow]) -> list[TrainingRow]:
    """At most half of the examples of one publisher: the first that are dealt."""
    counts = Counter(e.publisher for e in examples)
    largest, count = counts.most_common(1)[0]
    others = len(examples) - count
    if not others or count <= others:
        return examples
    kept = {e.doc_id for e in [e for e in examples if e.publisher == largest][:others]}
    return [e for e in examples if e.publisher != largest or e.doc_id in kept]


def balanced(examples: Examples, max_ratio: int, calibrated: str = "") -> Examples:
    """The examples as they are dealt, no class more than `max_ratio` times the smallest, and no
    publisher more than half of the class that is calibrated."""
    mixed = {name: dealt(rows) for name, rows in examples.items()}
    if mixed.get(calibrated):
        mixed[calibrated] = _without_majority(mixed[calibrated])
    return first(mixed, max_ratio, MIN_EXAMPLES * FOLDS)


def first(examples: Examples, max_ratio: int, least: int = 1) -> Examples:
    """The first examples of each class, none more than `max_ratio` times the smallest class, which
    counts as `least` where it is smaller."""
    limit = max_ratio * max(min(map(len, examples.values()), default=0), least)
    return {name: rows[:limit] for name, rows in examples.items()}


def folds(examples: Examples) -> tuple[str, list[Examples]]:
    """("group" or "document", the training examples without each fold): whole sources where every
    label has enough of them."""
    for kind in ("group", "document"):
        parts = [
            {n: [r for r in rows if fold_of(kind, r.doc_id, r.group) != k] for n, rows in examples.items()}
            for k in range(FOLDS)
        ]
        if all(len(rows) >= MIN_EXAMPLES for part in parts for rows in part.values()):
            break
    return kind, parts


def fold_of(kind: str, doc_id: bytes, group: str) -> int:
    """The fold of a document, by its source or by itself (`fold_by` of the card)."""
    return fold(group.encode() if kind == "group" else doc_id)


def outside(kind: str, example: TrainingRow, k: int) -> bool:
    """Whether an example is in the training set that fold `k` is left out of."""
    return fold_of(kind, example.doc_id, example.group) != k
