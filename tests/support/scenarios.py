"""Work that is killed and done again (tests/support/kills.py): a dump from its files to decisions, a
release, its tokens."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.contamination.contamination import contamination_stage
from pipelines.corpora.assembly import corpus_stage, rejected_stage
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.dedup.signatures import signatures_stage
from pipelines.edits.edits import edits_stage
from pipelines.engine import Engine
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import current_policy
from pipelines.lake import Lake, Writer
from pipelines.quality.scores import SCORES
from pipelines.release.recurring_blocks import recurring_blocks_stage
from pipelines.release.validation_sets import validation_sets_stage
from pipelines.shards.writer import shards_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.assembled import decide
from tests.support.dumps import build_documents, build_signals
from tests.support.judged import CHINESE, ENGLISH, MENU, PLANTED
from tests.support.release_samples import make_release, prose
from tests.support.tokenizer_samples import corpus, sample_texts

FOOTER = "All rights reserved by the people of this site"


def dump(root: Path, engine: Engine) -> None:
    """Two files of JSON lines to decisions."""
    lake = Lake(root)
    folder = root / "inputs"
    folder.mkdir(parents=True, exist_ok=True)
    texts = [ENGLISH * 3, f"{CHINESE * 3}邮箱{PLANTED}谢谢", MENU, ENGLISH.upper()]
    for number in range(2):
        rows = [
            {"url": f"https://h{k}.invalid/{number}", "text": f"{text}\n{number}"}
            for k, text in enumerate(texts)
        ]
        (folder / f"{number}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    card = DumpCard(name="d", kind="jsonl", uris=("inputs/*.jsonl",))
    documents = build_documents(lake, engine, card).dataset
    edits = build(lake, engine, edits_stage(documents)).dataset
    signals = {group: built.dataset for group, built in build_signals(lake, engine, documents, edits).items()}
    build(lake, engine, signatures_stage(documents, edits, MinHashParameters()))

    def unscored(writer: Writer) -> None:
        for index, part in enumerate(documents.parts):
            ids = documents.read_part(index, ["doc_id"])["doc_id"].to_pylist()
            writer.write_table(part.path, pa.Table.from_pylist([{"doc_id": i} for i in ids], SCORES))

    scores = lake.publish("scores", "d", version=1, inputs={"documents": documents}, write=unscored).dataset
    build(lake, engine, decisions_stage(documents, signals, scores, current_policy(lake)))


def release(root: Path, engine: Engine) -> None:
    """Two dumps to the published corpora: duplicates, a footer that recurs, a leaked item, a
    validation document, one date too late."""
    lake = Lake(root)
    items = root / "benchmarks" / "quiz"
    items.mkdir(parents=True, exist_ok=True)
    (items / "test.jsonl").write_text(json.dumps({"question": prose("leak", 40), "answer": "1"}) + "\n")
    rows = [{"text": f"{prose(name)}\n{FOOTER}", "host": f"{name}.example"} for name in ("cat", "dog", "owl")]
    rows += [{"text": f"{prose('ant')}\n{prose('leak', 40)}"}, {"text": prose("hen"), "side": "validation"}]
    rows += [
        {"text": prose("late"), "published": "2025-01-01"},
        {"text": prose("stem"), "corpus": "stem", "category": "stem"},
    ]
    other = [
        {"text": f"{prose('dog')}\n{FOOTER}"},
        {"text": prose("bee")},
        {"text": prose("bad"), "reasons": ["rules/x"]},
    ]
    tables = make_release(
        lake,
        {"a": rows, "b": other},
        cutoff_date="2024-12-31",
        recurrence=RecurrencePolicy(min_documents=3, min_hosts=3, host_documents=1),
    )
    duplicates = build(lake, engine, duplicates_stage(tables)).dataset
    validation = build(lake, engine, validation_sets_stage(tables, duplicates)).dataset
    blocks = build(lake, engine, recurring_blocks_stage(tables, duplicates)).dataset
    contamination = build(
        lake, engine, contamination_stage(tables, validation, [root / "benchmarks"])
    ).dataset
    decided = decide(lake, engine, tables, validation, blocks, contamination).dataset
    for which in ("main", "stem"):
        build(lake, engine, corpus_stage(tables, decided, which))  # type: ignore[arg-type]
    build(lake, engine, rejected_stage(tables, decided))
    fate = {row["doc_id"]: row["reasons"] for row in decided.read(["doc_id", "reasons"]).to_pylist()}
    assert fate[document_id("a", "f", 3)] == ["contamination/benchmark"] and blocks.stats["recurring"] == 1, (
        fate,
        blocks.stats,
    )


def tokens(root: Path, engine: Engine) -> None:
    """A corpus to its vocabulary and shards of several files."""
    lake = Lake(root)
    texts = corpus(lake, sample_texts(20))
    config = TokenizerConfig.proportional("test", 1_200, sample_chars=20_000)
    vocabulary = build(lake, engine, tokenizer_stage([texts], config)).dataset
    build(lake, engine, shards_stage("main_shards", texts, vocabulary, 7, shard_tokens=500))
