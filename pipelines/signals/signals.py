"""Rendered text -> numbers, group by group.

Belongs here: which groups there are and how they are published. Does not belong here: how a group
is measured. A group with its own version: changing one computes one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pyarrow as pa

from pipelines.edits.render import rendered_texts
from pipelines.engine import Engine
from pipelines.lake import Built, Dataset, Lake, Writer
from pipelines.signals import code, language, rules, safety

VERSIONS = {"language": 2, "rules": 3, "safety": 2, "code": 1}


def build_signals(lake: Lake, engine: Engine, documents: Dataset, edits: Dataset) -> dict[str, Built]:
    """Publish signals/language, rules, safety and code: doc_id and the group's columns, row-aligned
    with `documents`."""
    languages = _build(
        lake,
        engine,
        "language",
        documents,
        edits,
        {},
        lambda i, texts: language.measure_language(texts.to_pylist()),
    )

    def measure_rules(i: int, texts: pa.Array) -> pa.Table:
        return rules.measure_rules(
            texts, languages.dataset.read_part(i, ["language"])["language"].to_pylist()
        )

    def measure_safety(i: int, texts: pa.Array) -> pa.Table:
        return safety.measure_safety(texts.to_pylist(), documents.read_part(i, ["url"])["url"].to_pylist())

    def measure_code(i: int, texts: pa.Array) -> pa.Table:
        heads = documents.read_part(i, ["url", "category", "doc_id"])
        if code.CATEGORY not in heads["category"].to_pylist():
            return pa.table([pa.nulls(len(texts), field.type) for field in code.SCHEMA], schema=code.SCHEMA)
        return code.measure_code(
            texts.to_pylist(), *(heads[name].to_pylist() for name in ("url", "category", "doc_id"))
        )

    return {
        "language": languages,
        "rules": _build(
            lake, engine, "rules", documents, edits, {"language": languages.dataset}, measure_rules
        ),
        "safety": _build(lake, engine, "safety", documents, edits, {}, measure_safety),
        "code": _build(lake, engine, "code", documents, edits, {}, measure_code),
    }


def _build(
    lake: Lake,
    engine: Engine,
    group: str,
    documents: Dataset,
    edits: Dataset,
    more: dict[str, Dataset],
    measure: Callable[[int, pa.Array], pa.Table],
) -> Built:
    def write(writer: Writer) -> None:
        def work(index: int) -> None:
            path = documents.parts[index].path
            if writer.has(path):
                return
            ids = documents.read_part(index, ["doc_id"])["doc_id"].combine_chunks()
            table = measure(index, rendered_texts(documents, edits, index))
            stats: dict[str, Any] = {"documents": len(ids)}
            if group == "language":
                stats["languages"] = dict(sorted(Counter(table["language"].to_pylist()).items()))
            if group == "code":
                stats["file_types"] = dict(
                    sorted(
                        Counter(t or "unknown" for t in table["file_type"].drop_null().to_pylist()).items()
                    )
                )
            writer.write_table(path, table.add_column(0, documents_id_field(), ids), stats)

        engine.map_parts(len(documents.parts), work)

    return lake.publish(
        f"signals/{group}",
        documents.manifest.partition,
        version=VERSIONS[group],
        inputs={"documents": documents, "edits": edits, **more},
        write=write,
    )


def documents_id_field() -> pa.Field:
    """The column that every row-aligned table begins with."""
    return pa.field("doc_id", pa.binary(16))
