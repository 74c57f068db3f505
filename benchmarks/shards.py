"""Tokenizing to shards against `tokenizers` encode_batch: CPU seconds from Parquet to shard, one
thread each.

Both sides read the same Parquet texts, which neither has seen, and write uint16 files. The ids of
every document are compared. Vocabulary: 65,536 sizes trained on other documents of the same folder.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from itertools import pairwise
from pathlib import Path

os.environ["RAYON_NUM_THREADS"] = "1"
os.environ["TOKENIZERS_PARALLELISM"] = "false"

import numpy as np
import pyarrow as pa

from benchmarks.tokenizer import CORPUS_FOLDER, read_texts
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake, Writer
from pipelines.shards.reader import ShardSet
from pipelines.shards.writer import _encoder, shards_stage
from pipelines.tables.schemas import CORPUS, document_id
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.encoder import Encoder

GOAL = {"ratio_tokenizers": 5.0}


def publish(lake: Lake, name: str, texts: list[tuple[str, str]]) -> Dataset:
    """A corpus of (language, text) in one part."""

    def write(writer: Writer) -> None:
        rows = [
            {
                "doc_id": document_id("d", "f", i),
                "url": "",
                "dump": "d",
                "file": "f",
                "offset": i,
                "group": "",
                "published": None,
                "crawled": None,
                "language": language,
                "category": "webpages",
                "text": text,
            }
            for i, (language, text) in enumerate(texts)
        ]
        writer.write_table("part-00000.parquet", pa.Table.from_pylist(rows, schema=CORPUS))

    return lake.publish(name, "bench", version=1, write=write).dataset


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller sizes, under a minute")
    quick = parser.parse_args().quick
    chars = 60_000 if quick else 400_000
    split: dict[str, list[tuple[str, str]]] = {"train": [], "unseen": []}
    for path in sorted(CORPUS_FOLDER.rglob("*.jsonl.zst")):
        for i, item in enumerate(read_texts(path, 2 * chars)):
            split["unseen" if i % 2 else "train"].append(item)
    lake = Lake(tempfile.mkdtemp(prefix="bench-shards-"))
    train, unseen = (publish(lake, n, split[n]) for n in ("train", "unseen"))
    tokenizer = build(lake, InProcess(), tokenizer_stage([train], TokenizerConfig.preset("full"))).dataset
    definition = tokenizer.local("tokenizer.json").read_text(encoding="utf-8")

    # A worker starts once (compiled code, class and merge tables), as the peer loads its file
    # before its clock.
    _encoder(definition).encode(["start before the clock"])
    num_bytes = sum(len(t.encode()) for _, t in split["unseen"])

    started = time.process_time()
    built = build(lake, InProcess(), shards_stage("main_shards", unseen, tokenizer, seed=1))
    ours_seconds = time.process_time() - started

    from tokenizers import Tokenizer

    peer = Tokenizer.from_str(definition)
    started = time.process_time()
    texts = unseen.read_part(0, ["text"]).column("text").to_pylist()
    theirs: list[list[int]] = []
    with open(Path(lake.root, "peer.bin"), "wb") as sink:
        for i in range(0, len(texts), 256):
            for encoding in peer.encode_batch(texts[i : i + 256], add_special_tokens=False):
                ids = [*encoding.ids, 2]
                np.array(ids, np.uint16).tofile(sink)
                theirs.append(ids)
    peer_seconds = time.process_time() - started

    shards = ShardSet.open(built.dataset.local())
    different = 0
    for name, source in shards.sources.items():
        starts = [*shards.document_starts(name, 0, source.tokens).tolist(), source.tokens]
        for begin, end in pairwise(starts):
            row = shards.document_of(name, begin)["offset"]
            different += shards.tokens(name, begin, end - begin).tolist() != theirs[row]

    encoder = Encoder(definition)
    started = time.process_time()
    encoder.encode(texts)
    encode_seconds = time.process_time() - started
    metrics = {
        "ratio_tokenizers": round(peer_seconds / ours_seconds, 2),
        "ratio_tokenizers_encoder_alone": round(peer_seconds / encode_seconds, 2),
        "documents_that_differ": different,
        "documents": len(texts),
        "mebibytes": round(num_bytes / (1 << 20), 2),
        "seconds_ours": round(ours_seconds, 3),
        "seconds_tokenizers": round(peer_seconds, 3),
        "megabytes_per_cpu_second": round(num_bytes / ours_seconds / 1e6, 1),
    }
    for key, value in metrics.items():
        print(f"{key:34} {value}")
    if different:
        raise SystemExit(f"{different} documents have other ids than tokenizers gives them")
    print(
        json.dumps(
            {
                "name": "shards",
                "metrics": metrics,
                "goal": GOAL,
                "hardware": f"{platform.machine()}, {os.cpu_count()} CPUs",
                "command": "python -m benchmarks.shards" + (" --quick" if quick else ""),
            }
        )
    )


if __name__ == "__main__":
    main()
