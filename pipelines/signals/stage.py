"""Rendered text -> numbers, group by group.

Belongs here: which groups there are and how they are published. Does not belong here: how a group is measured.
A group with its own version: changing one computes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from pipelines.edits import rendered
from pipelines.lake import Built, Dataset, Lake, Writer
from pipelines.signals import language, rules, safety
from pipelines.spark import Engine

VERSIONS = {"language": 1, "rules": 1, "safety": 1}


def build_signals(lake: Lake, engine: Engine, documents: Dataset, edits: Dataset) -> dict[str, Built]:
    """Publish signals/language, signals/rules and signals/safety: doc_id and the group's columns, row-aligned with `documents`."""
    languages = _build(lake, engine, "language", documents, edits, {}, lambda i, texts: language.measure(texts))

    def measure_rules(i: int, texts: list[str]) -> pa.Table:
        return rules.measure(texts, languages.dataset.read_part(i, ["language"])["language"].to_pylist())

    def measure_safety(i: int, texts: list[str]) -> pa.Table:
        return safety.measure(texts, documents.read_part(i, ["url"])["url"].to_pylist())

    return {
        "language": languages,
        "rules": _build(lake, engine, "rules", documents, edits, {"language": languages.dataset}, measure_rules),
        "safety": _build(lake, engine, "safety", documents, edits, {}, measure_safety),
    }


def _build(
    lake: Lake,
    engine: Engine,
    group: str,
    documents: Dataset,
    edits: Dataset,
    more: dict[str, Dataset],
    measure: Callable[[int, list[str]], pa.Table],
) -> Built:
    def write(writer: Writer) -> None:
        def work(index: int) -> None:
            path = documents.parts[index].path
            if writer.has(path):
                return
            ids = documents.read_part(index, ["doc_id"])["doc_id"].combine_chunks()
            table = measure(index, rendered(documents, edits, index).to_pylist())
            stats: dict[str, Any] = {"documents": len(ids)}
            if group == "language":
                stats["languages"] = dict(sorted(Counter(table["language"].to_pylist()).items()))
            writer.write_table(path, table.add_column(0, documents_id_field(), ids), stats)

        engine.map_parts(len(documents.parts), work)

    return lake.build(
        f"signals/{group}",
        documents.manifest.partition,
        version=VERSIONS[group],
        inputs={"documents": documents, "edits": edits, **more},
        write=write,
    )


def documents_id_field() -> pa.Field:
    """The column that every row-aligned table begins with."""
    return pa.field("doc_id", pa.binary(16))
