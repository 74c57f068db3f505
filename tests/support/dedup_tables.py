"""Tiny dumps for the tests of deduplication: text in, all tables of a release out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.release import ReleaseCard
from pipelines.dedup.signatures import signatures_stage
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, Writer
from pipelines.tables.inputs import DumpTables, ReleaseTables
from pipelines.tables.schemas import DECISIONS, DOCUMENTS, EDITS, document_id
from pipelines.tables.stage import build


def publish(lake: Lake, asset: str, dump: str, tables: Sequence[pa.Table]) -> Dataset:
    """The tables as the parts of one dataset."""

    def write(writer: Writer) -> None:
        for i, table in enumerate(tables):
            writer.write_table(f"part-{i:05d}.parquet", table)

    from pipelines.lake import digest, logical_hash

    return lake.publish(
        asset, dump, version=1, inputs={"rows": digest(*(logical_hash(t) for t in tables))}, write=write
    ).dataset


def make_dump(
    lake: Lake,
    name: str,
    rows: Sequence[dict[str, Any]],
    parts: int = 1,
    parameters: MinHashParameters | None = None,
    engine: Any = None,
) -> DumpTables:
    """A dump of `rows` (text, and any of url, published, crawled, side, category, quality, keep, offset)."""
    documents, decisions, edits = [], [], []
    for n, row in enumerate(rows):
        offset = row.get("offset", n)
        doc_id = document_id(row.get("dump", name), "f", offset)
        url = row.get("url", f"https://{name}.example/{offset}")
        defaults = {
            "host": "h",
            "group": "h",
            "file": "f",
            "charset": "utf-8",
            "title": "",
            "language_hint": "",
        }
        fields = {
            "category": row.get("category", "webpages"),
            "side": row.get("side", "train"),
            "published": row.get("published"),
            "crawled": row.get("crawled"),
        }
        documents.append(
            defaults | fields | {"doc_id": doc_id, "url": url, "offset": offset, "text": row["text"]}
        )
        edits.append({"doc_id": doc_id, "spans": []})
        judged = {
            "keep": row.get("keep", True),
            "reasons": [],
            "language": "en",
            "category": fields["category"],
            "corpus": "main",
        }
        decisions.append(
            judged | {"doc_id": doc_id, "quality": row.get("quality", ""), "num_chars": len(row["text"])}
        )
    size = -(-len(rows) // parts) or 1

    def cut(values: list[dict[str, Any]], schema: pa.Schema) -> list[pa.Table]:
        return [
            pa.Table.from_pylist(values[i : i + size], schema=schema) for i in range(0, len(values), size)
        ]

    docs = publish(lake, "documents", name, cut(documents, DOCUMENTS))
    cuts = publish(lake, "edits", name, cut(edits, EDITS))
    signatures = build(
        lake, engine or InProcess(), signatures_stage(docs, cuts, parameters or MinHashParameters())
    ).dataset
    card = DumpCard(name=name, kind="jsonl", uris=("x",))
    return DumpTables(
        card,
        docs,
        cuts,
        signatures=signatures,
        decisions=publish(lake, "decisions", name, cut(decisions, DECISIONS)),
    )


def make_release(dumps: Sequence[DumpTables], name: str = "r", **card: Any) -> ReleaseTables:
    return ReleaseTables(
        ReleaseCard(name=name, dumps=tuple(d.card.name for d in dumps), **card),
        {d.card.name: d for d in dumps},
    )
