"""A dump with every table up to decisions, and personal data planted in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa

from pipelines.engine import InProcess
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import current_policy
from pipelines.lake import Lake, Writer
from pipelines.quality.scores import SCORES
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build
from tests.support.dumps import build_signals
from tests.support.pages import make_dump

PLANTED = "planted.person@example-mail.com"
ENGLISH = (
    "The committee of the city met on Monday to talk about a new bridge over the river, and many people "
    "came to listen.\n"
    "Engineers said that the old bridge would have to be closed for two years while workers replace its "
    "rusty pillars.\n"
    "Shop owners fear losing customers, but most of them agree with the plan because heavy trucks shake "
    "their windows daily.\n"
)
CHINESE = (
    "市政府周一开会讨论在河上修建一座新桥，许多市民到场旁听。工程师说，旧桥必须关闭两年，以便更换生锈的桥墩。\n"
    "附近的商店老板担心失去顾客，但大多数人同意这个计划，因为重型卡车每天都会震动他们的窗户。\n"
)
MENU = "Home\nAbout\nContact\nHome\nAbout\nContact\nLogin\n"


def judged(
    lake: Lake,
    engine: InProcess,
    name: str = "d",
    parts: list[list[str]] | None = None,
    sources: int = 1,
    **card: Any,
) -> DumpTables:
    """All tables of a dump whose texts hold PLANTED, dealt over `sources` hosts."""
    texts = parts or [
        [f"{ENGLISH}Write to {PLANTED}.", f"{CHINESE}邮箱{PLANTED}谢谢"],
        [f"{MENU}{PLANTED}", f"{PLANTED}"],
    ]
    dump = make_dump(lake, engine, name, texts, sources=sources, **card)
    lake.write_bytes(f"cards/dumps/{name}.yaml", f"name: {name}\nkind: jsonl\nuris: [x]\n".encode())
    signals = {g: b.dataset for g, b in build_signals(lake, engine, dump.documents, dump.edits).items()}

    def write(writer: Writer) -> None:
        for index, part in enumerate(dump.documents.parts):
            ids = dump.documents.read_part(index, ["doc_id"])["doc_id"].to_pylist()
            writer.write_table(part.path, pa.Table.from_pylist([{"doc_id": i} for i in ids], SCORES))

    scores = lake.publish(
        "scores", name, version=1, inputs={"documents": dump.documents}, write=write
    ).dataset
    tables = replace(dump, signals=signals, scores=scores)
    decisions = build(
        lake, engine, decisions_stage(dump.documents, signals, scores, current_policy(lake))
    ).dataset
    return replace(tables, decisions=decisions)
