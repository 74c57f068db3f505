"""The tables `signals/*`: numbers about the rendered text of every document of a dump.

Belongs here: which groups there are, what each is measured on, their stages. Does not belong here:
how a group is measured (language.py, rules.py, safety.py, code.py). Each group is a table with a
version of its own: changing one computes one. All are row-aligned with `documents`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

import pyarrow as pa

from pipelines.edits.render import rendered_texts
from pipelines.lake import Dataset
from pipelines.signals import code, language, rules, safety
from pipelines.tables.alignment import read_aligned
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Stage, Stats, row_aligned

Texts = Callable[[], pa.Array]
"""Gives the rendered texts of a part."""
VERSIONS = {"language": 5, "rules": 10, "safety": 2, "code": 1}


def language_stage(documents: Dataset, edits: Dataset) -> Stage:
    """The table signals/language: the language of every document. Stats: documents, languages."""

    def measure(i: int, texts: Texts) -> tuple[pa.Table, Stats]:
        table = language.measure_language(texts().to_pylist())
        return table, {"languages": dict(sorted(Counter(table["language"].to_pylist()).items()))}

    return _stage("language", documents, edits, measure)


def rules_stage(documents: Dataset, edits: Dataset, language: Dataset) -> Stage:
    """The table signals/rules: the numbers of all rules, of a text's prose (of the whole text in
    category code). The unit that it is counted in depends on its language, read from the table
    signals/language. Stats: documents."""

    def measure(i: int, texts: Texts) -> tuple[pa.Table, Stats]:
        metadata, codes = read_aligned(i, (documents, ["category"]), (language, ["language"]))
        forms = [c != code.CATEGORY for c in metadata["category"].to_pylist()]
        return rules.measure_prose(texts(), codes["language"].to_pylist(), forms), {}

    return _stage("rules", documents, edits, measure, {"language": language})


def safety_stage(documents: Dataset, edits: Dataset) -> Stage:
    """The table signals/safety: words of harmful trades in text and URL. Stats: documents."""

    def measure(i: int, texts: Texts) -> tuple[pa.Table, Stats]:
        urls = documents.read_part(i, ["url"])["url"].to_pylist()
        return safety.measure_safety(texts().to_pylist(), urls), {}

    return _stage("safety", documents, edits, measure)


def code_stage(documents: Dataset, edits: Dataset) -> Stage:
    """The table signals/code: the type of every source file; null in other categories. Stats:
    documents, file_types."""

    def measure(i: int, texts: Texts) -> tuple[pa.Table, Stats]:
        metadata = documents.read_part(i, ["url", "category", "doc_id"])
        if code.CATEGORY in metadata["category"].to_pylist():
            columns = (metadata[name].to_pylist() for name in ("url", "category", "doc_id"))
            table = code.measure_code(texts().to_pylist(), *columns)
        else:
            nulls = [pa.nulls(metadata.num_rows, field.type) for field in code.SCHEMA]
            table = pa.table(nulls, schema=code.SCHEMA)
        types = Counter(t or "unknown" for t in table["file_type"].drop_null().to_pylist())
        return table, {"file_types": dict(sorted(types.items()))}

    return _stage("code", documents, edits, measure)


def _stage(
    group: str,
    documents: Dataset,
    edits: Dataset,
    measure: Callable[[int, Texts], tuple[pa.Table, Stats]],
    more: Mapping[str, Dataset] | None = None,
) -> Stage:
    """The stage of a group. `measure` gives the group's columns of part i, and its counts beside
    `documents`; its rendered texts are read where it asks for them. `more` are inputs beside documents
    and edits."""

    def rows(i: int) -> tuple[pa.Table, Stats]:
        ids = documents.read_part(i, ["doc_id"])["doc_id"].combine_chunks()
        table, stats = measure(i, lambda: rendered_texts(documents, edits, i))
        return table.add_column(0, pa.field("doc_id", ID), ids), {"documents": len(ids), **stats}

    return Stage(
        f"signals/{group}",
        VERSIONS[group],
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        inputs={"documents": documents, "edits": edits, **(more or {})},
    )
