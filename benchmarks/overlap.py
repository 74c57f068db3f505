"""Overlap on real benchmark files: planted items verbatim and edited, false positives on clean text, speed.

Run: python -m benchmarks.overlap --items DIR --texts FILE.jsonl[.gz] [--planted 300] [--documents 2000]

Planted items are put between two halves of a clean document; in the edited ones every tenth token is replaced. A false positive is a
clean document in which any item is found; documents that do hold a published item count as false here, so the figure is an upper bound.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import time
from pathlib import Path

from pipelines.items import items_from_folders
from pipelines.overlap import _TOKEN, Index, OverlapPolicy


def edited(text: str, rng: random.Random) -> str:
    """`text` with a tenth of its tokens, drawn at random, replaced."""
    tokens = list(_TOKEN.finditer(text))
    chosen = sorted(rng.sample(range(len(tokens)), len(tokens) // 10), reverse=True)
    for k in chosen:
        text = text[: tokens[k].start()] + ("某" if len(tokens[k][0]) == 1 else "something") + text[tokens[k].end() :]
    return text


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=Path, required=True)
    parser.add_argument("--texts", type=Path, required=True)
    parser.add_argument("--planted", type=int, default=300)
    parser.add_argument("--documents", type=int, default=2000)
    arguments = parser.parse_args()
    opened = gzip.open if arguments.texts.suffix == ".gz" else open
    with opened(arguments.texts, "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for _, line in zip(range(arguments.documents), lines, strict=False)]
    started = time.process_time()
    items = items_from_folders([arguments.items])
    index = Index(items, OverlapPolicy())
    built = time.process_time() - started
    started = time.process_time()
    false = [k for k, text in enumerate(texts) if index.find(text)]
    seconds = time.process_time() - started
    rng = random.Random(1)
    clean = [t for k, t in enumerate(texts) if k not in set(false)]
    sample = rng.sample(index.items, min(arguments.planted, len(index.items)))
    found = {"verbatim": 0, "edited": 0}
    for item in sample:
        page = rng.choice(clean)
        half = len(page) // 2
        for name, text in (("verbatim", item.text), ("edited", edited(item.text, rng))):
            found[name] += any(m.item is item for m in index.find(f"{page[:half]} {text} {page[half:]}"))
    size = sum(len(t.encode()) for t in texts)
    report = {
        "items_read": len(items),
        "items_indexed": len(index.items),
        "items_too_short": index.skipped,
        "index_cpu_seconds": round(built, 2),
        "documents": len(texts),
        "found_in_clean_documents": len(false),
        "megabytes_per_cpu_second": round(size / 1e6 / seconds, 2),
        "planted": len(sample),
        "verbatim_found": found["verbatim"] / len(sample),
        "edited_found": found["edited"] / len(sample),
    }
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
