"""Small dumps for tests of the stages between documents and decisions."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.edits.edits import edits_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake, Writer, digest
from pipelines.tables.inputs import DumpTables
from pipelines.tables.schemas import DOCUMENTS, document_id
from pipelines.tables.stage import build


def make_dump(
    lake: Lake,
    engine: InProcess,
    name: str,
    parts: list[list[str]],
    side: str = "train",
    sources: int = 1,
    **card: Any,
) -> DumpTables:
    """Documents and edits of a dump with the given texts, part by part, dealt over `sources` hosts."""
    dump = DumpCard(name=name, kind="jsonl", uris=("x",), **card)

    def write(writer: Writer) -> None:
        number = 0
        for i, texts in enumerate(parts):
            rows = []
            for text in texts:
                row: dict[str, Any] = {f.name: "" for f in DOCUMENTS} | {
                    "offset": number,
                    "text": text,
                    "side": side,
                }
                row |= {
                    "doc_id": document_id(name, "f", number),
                    "url": f"https://{name}.invalid/{number}",
                    "category": dump.category,
                }
                if sources > 1:
                    host = f"{name}-{number % sources}.invalid"
                    row |= {"url": f"https://{host}/{number}", "group": host}
                rows.append(row)
                number += 1
            writer.write_table(f"part-{i:05d}.parquet", pa.Table.from_pylist(rows, DOCUMENTS))

    texts_hash = {"texts": digest(repr(parts), side, str(sources))}
    documents = lake.publish("documents", name, version=1, inputs=texts_hash, write=write).dataset
    return DumpTables(dump, documents, build(lake, engine, edits_stage(documents)).dataset)
