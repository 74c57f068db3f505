"""The sample that a vocabulary is trained on: drawn by domain, counted where it lies.

Belongs here: which documents, and how often each of their pre-tokens occurs. Does not belong here:
which pieces come of it (build.py), the cutting (pretokens.py).

Two passes over the parts. The first adds up the characters of each domain by a hash of (seed,
doc_id), from which follows how far into the hash each domain is taken. The second counts pre-tokens
of the documents taken. The driver holds only counts, never text, and a document is drawn or not
whatever part it stands in.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import Engine
from pipelines.lake import Dataset, Lake, LakeError
from pipelines.tokenizer.pretokens import count_pretokens

BUCKETS = 1 << 12  # the sample is exact to a domain's 4,096th part
BATCH_CHARS = 1 << 22  # counted at once: bounds a worker's memory
COUNTS = pa.schema([("pretoken", pa.string()), ("count", pa.int64())])
KEYS = ["doc_id", "language", "category"]


def _bucket(seed: int, doc_id: bytes) -> int:
    digest = hashlib.blake2b(seed.to_bytes(8, "little") + doc_id, digest_size=4).digest()
    return int.from_bytes(digest, "little") % BUCKETS


def _domains_and_buckets(table: pa.Table, seed: int) -> list[tuple[str, int]]:
    """(domain, bucket) of every row."""
    columns = [table.column(name).to_pylist() for name in KEYS]
    return [
        (f"{language}-{category}", _bucket(seed, doc_id))
        for doc_id, language, category in zip(*columns, strict=True)
    ]


def quotas(sizes: Mapping[str, int], config: TokenizerConfig) -> dict[str, int]:
    """Characters to draw of each domain: its weight's share of the sample; what a small domain
    leaves over goes to the others."""
    left, budget, quota = sorted(sizes), config.sample_chars, dict[str, int]()
    while left:
        total = sum(config.weights.get(d, 1.0) for d in left) or 1.0
        small = [d for d in left if sizes[d] <= budget * config.weights.get(d, 1.0) / total]
        for d in small or left:
            quota[d] = sizes[d] if small else int(budget * config.weights.get(d, 1.0) / total)
        budget -= sum(quota[d] for d in small)
        left = [d for d in left if d not in small] if small else []
    return quota


def draw_sample(
    lake: Lake, engine: Engine, corpora: Sequence[Dataset], config: TokenizerConfig, scratch: str
) -> tuple[dict[str, int], dict[str, dict[str, int]]]:
    """Pre-token counts of about `config.sample_chars` characters, and documents and characters
    drawn by domain.

    `scratch` is a folder of the lake for what the passes leave to each other; a pass that broke off
    is taken up again. LakeError where the corpora hold no document.
    """
    parts = [(corpus, i) for corpus in corpora for i in range(len(corpus.parts))]

    def size(p: int) -> None:
        path = f"{scratch}/size-{p:05d}.json"
        if lake.exists(path):
            return
        table = parts[p][0].read_part(parts[p][1], [*KEYS, "text"])
        sums: dict[str, dict[int, list[int]]] = {}
        for (domain, bucket), length in zip(
            _domains_and_buckets(table, config.seed),
            pc.utf8_length(table.column("text")).to_pylist(),
            strict=True,
        ):
            entry = sums.setdefault(domain, {}).setdefault(bucket, [0, 0])
            entry[0] += 1
            entry[1] += length or 0
        lake.write_json(path, sums)

    engine.map_parts(len(parts), size)
    sums: dict[str, dict[int, list[int]]] = {}
    for p in range(len(parts)):
        for domain, buckets in lake.read_json(f"{scratch}/size-{p:05d}.json").items():
            for bucket, (documents, chars) in buckets.items():
                entry = sums.setdefault(domain, {}).setdefault(int(bucket), [0, 0])
                entry[0] += documents
                entry[1] += chars
    if not sums:
        raise LakeError(
            "the corpora given to the tokenizer hold no documents: materialize skypile_main with at least"
            " one kept document"
        )
    until, drawn = dict[str, int](), dict[str, dict[str, int]]()
    for domain, quota in quotas({d: sum(c for _, c in b.values()) for d, b in sums.items()}, config).items():
        taken = {"documents": 0, "characters": 0}
        for bucket, (documents, chars) in sorted(sums[domain].items()):
            if taken["characters"] >= quota:
                break
            taken = {"documents": taken["documents"] + documents, "characters": taken["characters"] + chars}
            until[domain] = bucket
        drawn[domain] = taken

    def count(p: int) -> None:
        path = f"{scratch}/count-{p:05d}.parquet"
        if lake.exists(f"{path}.done") and lake.exists(path):
            return
        table = parts[p][0].read_part(parts[p][1], [*KEYS, "text"])
        wanted = [
            bucket <= until.get(domain, -1) for domain, bucket in _domains_and_buckets(table, config.seed)
        ]
        counts: dict[str, int] = {}
        pending: list[str] = []
        chars = 0
        for text in [*table.column("text").filter(pa.array(wanted, pa.bool_())), None]:
            if text is not None:
                pending.append(text.as_py() or "")
                chars += len(pending[-1])
            if pending and (text is None or chars >= BATCH_CHARS):
                for pretoken, number in count_pretokens(pending).items():
                    counts[pretoken] = counts.get(pretoken, 0) + number
                pending, chars = [], 0
        columns: list[Any] = [list(counts), list(counts.values())]
        lake.write_parquet(path, pa.table(columns, schema=COUNTS), compression="zstd")
        lake.write_json(f"{path}.done", {})

    engine.map_parts(len(parts), count)
    total: pa.Table = COUNTS.empty_table()
    for p in range(len(parts)):
        more = lake.read_parquet(f"{scratch}/count-{p:05d}.parquet")
        total = (
            pa.concat_tables([total, more])
            .group_by("pretoken")
            .aggregate([("count", "sum")])
            .rename_columns(COUNTS.names)
        )
    rows = total.sort_by("pretoken")
    lake.delete(scratch)
    return dict(
        zip(rows.column("pretoken").to_pylist(), rows.column("count").to_pylist(), strict=True)
    ), drawn
