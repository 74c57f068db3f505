"""The experiment's text: corpora, a small vocabulary and token shards.

Belongs here: what is read from a folder of JSON lines, and what is held out. Does not belong here:
how a vocabulary or shards are built (pipelines/).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import zstandard

from experiments.two_stages.config import TwoStages
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, Writer
from pipelines.release.validation_sets import domain_of
from pipelines.shards.writer import shards_stage
from pipelines.tables.schemas import CORPUS, VALIDATION, document_id
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage

CATEGORIES = {"web": "webpages", "law": "miscellany", "literature": "books"}
"""Category of a folder of the corpus, where it is not the folder's name."""
STEM_FILES = 14
"""Files that share `stem_characters`."""


def documents(corpus: Path, config: TwoStages) -> Iterator[tuple[str, dict[str, Any]]]:
    """(set, row) of the English and Chinese documents of `<domain>/<name>.jsonl.zst` (fields lang,
    text).

    Sets: main, stem; one document in sixteen, by the hash of its text, is validation.
    """
    stem_left: dict[str, int] = {}  # characters by file name
    for path in sorted(corpus.rglob("*.jsonl.zst")):
        domain = path.parent.name
        category, left = CATEGORIES.get(domain, domain), config.file_characters
        stem_left.setdefault(path.name, config.stem_characters // STEM_FILES)
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for i, line in enumerate(lines):
                item = json.loads(line)
                text, language = item["text"], item["lang"]
                if language not in ("en", "zh"):
                    continue
                held = hashlib.blake2b(text.encode()).digest()[0] < 16
                name = "validation" if held else "stem" if domain == "stem" else "main"
                if name == "stem":
                    if len(text) > stem_left[path.name]:
                        continue
                    stem_left[path.name] -= len(text)
                row = {
                    "doc_id": document_id(domain, path.name, i),
                    "url": "",
                    "dump": domain,
                    "file": path.name,
                    "offset": i,
                    "group": "",
                    "published": None,
                    "crawled": None,
                    "language": language,
                    "category": category,
                    "text": text,
                }
                if held:
                    row["text"] = text[: config.validation_characters]
                    row["domain"] = domain_of(language, category, "stem" if domain == "stem" else "main")
                yield name, row
                left -= len(text)
                if left < 0:
                    break


def prepare(lake: Lake, corpus: Path, config: TwoStages) -> dict[str, str]:
    """Build corpora, vocabulary and shards in `lake`; the addresses that a run needs: `tokenizer`,
    `main_shards`, `stem_shards`, `validation_shards`."""
    rows: dict[str, list[dict[str, Any]]] = {"main": [], "stem": [], "validation": []}
    for name, row in documents(corpus, config):
        rows[name].append(row)
    sets: dict[str, Dataset] = {}
    for name, found in rows.items():
        schema = VALIDATION if name == "validation" else CORPUS

        def write(writer: Writer, found: list[dict[str, Any]] = found, schema: pa.Schema = schema) -> None:
            writer.write_table("part-00000.parquet", pa.Table.from_pylist(found, schema=schema))

        text = hashlib.sha256("\0".join(r["text"] for r in found).encode()).hexdigest()
        sets[name] = lake.publish(f"two_stages_{name}", version=1, inputs={"text": text}, write=write).dataset
    tokenizer_config = TokenizerConfig.proportional(
        "two_stages", config.vocabulary, sample_chars=config.tokenizer_characters
    )
    tokenizer = build(lake, InProcess(), tokenizer_stage([sets["main"]], tokenizer_config)).dataset
    paths = {"tokenizer": str(tokenizer.local("tokenizer.json"))}
    for name, dataset in sets.items():
        stage = shards_stage(f"{name}_shards", dataset, tokenizer, seed=1)
        built = build(lake, InProcess(), stage)
        paths[f"{name}_shards"] = str(built.dataset.local())
    return paths
