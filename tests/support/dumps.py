"""The first tables of a dump, built in the order of the graph."""

from __future__ import annotations

from pathlib import Path

from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.engine import Engine, InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.lake import Built, Dataset, Lake
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.stage import build

TEXT = "<p>An ordinary paragraph of main text, long enough to be kept, with commas, and a full stop.</p>"
"""A page's main text."""


def build_documents(lake: Lake, engine: Engine, card: DumpCard) -> Built:
    """raw_dump, split and documents of a dump; the last as built."""
    raw_dump = build(lake, engine, raw_dump_stage(card, Path(lake.root))).dataset
    split = build(lake, engine, split_stage(card, raw_dump)).dataset
    return build(lake, engine, documents_stage(card, raw_dump, split))


def documents_of(lake: Lake, **fields: object) -> Dataset:
    """The documents of a dump `d` whose card has these fields."""
    card = DumpCard.model_validate({"name": "d", **fields})
    return build_documents(lake, InProcess(), card).dataset


def build_signals(lake: Lake, engine: Engine, documents: Dataset, edits: Dataset) -> dict[str, Built]:
    """The four groups of signals of a dump."""
    language = build(lake, engine, language_stage(documents, edits))
    return {
        "language": language,
        "rules": build(lake, engine, rules_stage(documents, edits, language.dataset)),
        "safety": build(lake, engine, safety_stage(documents, edits)),
        "code": build(lake, engine, code_stage(documents, edits)),
    }
