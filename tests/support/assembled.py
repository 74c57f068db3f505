"""Every table of a hand-made release, built by the release's stages. Used by tests of the release and of
its corpora."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.contamination.contamination import SCHEMA
from pipelines.corpora.assembly import corpus_stage, rejected_stage
from pipelines.dedup.duplicates import duplicates_stage, final_duplicates_stage
from pipelines.engine import Engine, InProcess
from pipelines.lake import Built, Dataset, Lake
from pipelines.release.cuts import cuts_stage
from pipelines.release.exclusions import exclusions_stage
from pipelines.release.recurring_blocks import recurring_blocks_stage
from pipelines.release.release_decisions import release_decisions_stage
from pipelines.release.validation_sets import frozen_validation_sets_stage, validation_sets_stage
from pipelines.tables.inputs import ReleaseTables, frozen
from pipelines.tables.stage import build
from tests.support.release_samples import prose, publish

FOOTER = "All rights reserved by the people of this site"


def hits(lake: Lake, release: ReleaseTables, *rows: dict[str, Any]) -> Dataset:
    """A contamination table of these rows, in the parts of their dumps."""
    tables = []
    for part in release.parts:
        ids = set(part.ids().to_pylist())
        tables.append(pa.Table.from_pylist([r for r in rows if r["doc_id"] in ids], SCHEMA))
    return publish(lake, "contamination", release.card.name, tables, [part.path for part in release.parts])


def hit(doc_id: bytes, **more: Any) -> dict[str, Any]:
    """A row of contamination."""
    row = {"doc_id": doc_id, "item": "i", "source": "s", "kind": "benchmark", "start": 0, "end": 5}
    how = {"in_long": False, "form": "whole", "group": "", "grams": [], "num_grams": 0}
    return row | how | more


def texts(built: Built) -> set[str]:
    """The texts of a corpus."""
    return set(built.dataset.read(["text"])["text"].to_pylist()) if built.dataset.parts else set()


def decide(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    validation: Dataset,
    recurring: Dataset,
    contamination: Dataset,
) -> Built:
    """The release decisions, with cuts, exclusions and final duplicates before them."""
    cuts = build(lake, engine, cuts_stage(release, recurring, contamination)).dataset
    exclusions = build(lake, engine, exclusions_stage(release, validation, contamination, cuts)).dataset
    final = build(lake, engine, final_duplicates_stage(release, exclusions)).dataset
    return build(lake, engine, release_decisions_stage(release, cuts, exclusions, final))


def assemble(
    lake: Lake, release: ReleaseTables, *matches: dict[str, Any], engine: Engine | None = None
) -> dict[str, Built]:
    """Every table of a release from its dumps on, by name."""
    engine, card = engine or InProcess(), release.card
    duplicates = build(lake, engine, duplicates_stage(release))
    stage = (
        frozen_validation_sets_stage(release, frozen(lake, "validation_sets", card.validation))
        if card.validation
        else validation_sets_stage(release, duplicates.dataset)
    )
    validation = build(lake, engine, stage)
    recurring = build(lake, engine, recurring_blocks_stage(release, duplicates.dataset))
    found = hits(lake, release, *matches)
    decided = decide(lake, engine, release, validation.dataset, recurring.dataset, found)
    return {
        "main": build(lake, engine, corpus_stage(release, decided.dataset, "main")),
        "stem": build(lake, engine, corpus_stage(release, decided.dataset, "stem")),
        "rejected": build(lake, engine, rejected_stage(release, decided.dataset)),
        "validation": validation,
        "release_decisions": decided,
        "duplicates": duplicates,
    }


def reasons(built: dict[str, Built]) -> dict[bytes, list[str]]:
    """Why each rejected document was rejected."""
    return {r["doc_id"]: r["reasons"] for r in built["rejected"].dataset.read().to_pylist()}


def animals(*rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows of documents of different texts."""
    names = ["cat", "dog", "owl", "fox", "hen", "cow", "pig", "bee"]
    return [{"text": prose(a)} | row for a, row in zip(names, rows, strict=False)]
