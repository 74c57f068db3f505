"""A release made by hand: two dumps of a few documents, with decisions and duplicates. Used by
tests of the release stages."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.cards.release import ReleaseCard
from pipelines.dedup.signatures import signatures_stage
from pipelines.engine import InProcess
from pipelines.filtering.policy import Policy
from pipelines.lake import Dataset, Lake
from pipelines.tables.inputs import DumpTables, ReleaseTables
from pipelines.tables.schemas import DECISIONS, DOCUMENTS, EDITS, ID, document_id
from pipelines.tables.stage import build

DUPLICATES = pa.schema([("doc_id", ID), ("kept_id", ID), ("kind", pa.string()), ("similarity", pa.float32())])


# texts of 50 characters or more pass; what is shorter after a cut fails
POLICY = Policy.model_validate(
    {
        "name": "tests",
        "sets": [
            {
                "name": "length",
                "categories": ["*"],
                "languages": ["*"],
                "bounds": {"rules/num_chars": {"min": 50, "source": "tests"}},
            }
        ],
        "stem_exercise": {"min": 0.5, "source": "tests"},
    }
)


def prose(name: str, words: int = 24) -> str:
    """Text of its own for each name: no two share a word, far above the policy's 50 characters."""
    return " ".join(f"{name.replace(' ', '')}{chr(97 + k // 26)}{chr(97 + k % 26)}" for k in range(words))


def publish(
    lake: Lake,
    asset: str,
    partition: str,
    tables: list[pa.Table],
    paths: list[str] | None = None,
    **parameters: Any,
) -> Dataset:
    """A dataset of these parts; its key holds their rows, so that other rows are another
    dataset."""

    def write(writer: Any) -> None:
        for i, table in enumerate(tables):
            writer.write_table(paths[i] if paths else f"part-{i:05d}.parquet", table)

    key = {"rows": repr([t.to_pydict() for t in tables])} | parameters
    return lake.publish(asset, partition, version=1, parameters=key, write=write).dataset


def make_dump(lake: Lake, name: str, rows: list[dict[str, Any]]) -> DumpTables:
    """One part of documents; a row needs text, the rest has defaults. Row k has document_id(name,
    "f", k)."""
    documents, decisions, edits = [], [], []
    for k, row in enumerate(rows):
        doc_id = document_id(name, "f", k)
        host = row.get("host", f"h{k}.example")
        page = {
            "doc_id": doc_id,
            "url": row.get("url", f"https://{host}/{name}/{k}"),
            "host": host,
            "group": host,
            "file": "f",
            "offset": k,
        }
        other = {
            "published": row.get("published"),
            "crawled": row.get("crawled"),
            "charset": "utf-8",
            "title": "",
            "language_hint": "",
            "category": row.get("category", "webpages"),
        }
        documents.append(page | other | {"side": row.get("side", "train"), "text": row["text"]})
        edits.append({"doc_id": doc_id, "spans": []})
        reasons = row.get("reasons", [])
        decided = {
            "doc_id": doc_id,
            "keep": not reasons,
            "reasons": reasons,
            "language": row.get("language", "en"),
            "quality": "",
        }
        labels = {
            "category": row.get("category", "webpages"),
            "corpus": row.get("corpus", "main"),
            "num_chars": len(row["text"]),
        }
        decisions.append(decided | labels)
    published = publish(lake, "documents", name, [pa.Table.from_pylist(documents, DOCUMENTS)])
    spans = publish(lake, "edits", name, [pa.Table.from_pylist(edits, EDITS)])
    decided = publish(
        lake, "decisions", name, [pa.Table.from_pylist(decisions, DECISIONS)], policy=POLICY.parameters()
    )
    signed = build(lake, InProcess(), signatures_stage(published, spans, MinHashParameters())).dataset
    card = DumpCard(name=name, kind="jsonl", uris=("x",))
    return DumpTables(card, published, spans, signatures=signed, decisions=decided)


def make_release(lake: Lake, dumps: dict[str, list[dict[str, Any]]], **card: Any) -> ReleaseTables:
    """A release over hand-made dumps, where a block recurs at three documents of any hosts; `card`
    overrides fields of its card."""
    recurrence = RecurrencePolicy(min_documents=3, min_hosts=1, host_documents=1)
    given = {"name": "r", "dumps": tuple(dumps), "recurrence": recurrence}
    values = ReleaseCard(**(given | card))
    return ReleaseTables(values, {n: make_dump(lake, n, rows) for n, rows in dumps.items()})


def make_duplicates(lake: Lake, *pairs: tuple[bytes, bytes]) -> Dataset:
    """A duplicates table of (removed, kept) pairs."""
    rows = [
        {"doc_id": removed, "kept_id": kept, "kind": "near", "similarity": 0.9} for removed, kept in pairs
    ]
    return publish(lake, "duplicates", "r", [pa.Table.from_pylist(rows, DUPLICATES)])
