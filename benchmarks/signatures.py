"""MinHash signatures from text at the shipped default, one core, against datasketch.

Run: python -m benchmarks.signatures [--quick] [--data ../shared/data/corpus]
CPU time of this process, peers interleaved, medians; the same documents, compiled code warm.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "corpus"
ENGLISH = (
    "stem/openstax-physics",
    "stem/openstax-chemistry",
    "stem/openstax-astronomy",
    "academic/arxiv-abstracts-amds123",
)
CHINESE = ("web/lctt", "web/javaguide", "web/tidb-docs-zh", "law/cn-laws")
TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\d_\u3400-\u9fff]+|\d+")


def read_texts(data: Path, names: tuple[str, ...], han: bool, limit: int, size: int) -> list[str]:
    """Texts of `size` characters cut from the documents, mostly Han or mostly not, at most
    `limit`."""
    import zstandard

    found: list[str] = []
    for name in names:
        with open(data / f"{name}.jsonl.zst", "rb") as file:
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                text = json.loads(line)["text"]
                for start in range(0, len(text), size):
                    piece = text[start : start + size]
                    share = sum("\u3400" <= c <= "\u9fff" for c in piece) / len(piece)
                    if len(piece) > size // 3 and (share > 0.3) == han:
                        found.append(piece)
                if len(found) >= limit:
                    return found[:limit]
    return found


def shingle_strings(text: str) -> list[bytes]:
    """The shingles as Python sees them: what every peer that takes tokens pays for first."""
    tokens = TOKEN.findall(text.lower())
    if len(tokens) < 5:
        return [" ".join(tokens).encode()] if tokens else []
    return [" ".join(tokens[i : i + 5]).encode() for i in range(len(tokens) - 4)]


def peers(num_perm: int) -> dict[str, Callable[[list[str]], Any]]:
    """What is compared, by name."""
    import xxhash
    from datasketch import MinHash

    from pipelines.dedup import shingles

    def xxh32(data: bytes) -> int:
        return int(xxhash.xxh32_intdigest(data))

    return {
        "skypile": lambda texts: shingles.minhash(pa.array(texts, pa.string()), num_perm, 1)[0].astype(
            np.uint16
        ),
        "datasketch": lambda texts: MinHash.bulk([shingle_strings(t) for t in texts], num_perm=num_perm),
        "datasketch_xxh32": lambda texts: MinHash.bulk(
            [shingle_strings(t) for t in texts], num_perm=num_perm, hashfunc=xxh32
        ),
    }


def hardware() -> str:
    return f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    from pipelines.cards.minhash import MinHashParameters

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="fewer documents and rounds")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name a corpus with --data", file=sys.stderr)
        return 2
    parameters = MinHashParameters()
    compared = peers(parameters.num_perm)
    count, rounds = (400, 3) if options.quick else (2000, 5)
    metrics: dict[str, float] = {}
    print(
        f"{'language':8} {'method':18} {'docs/s':>10} {'MB/s':>8} {'ratio':>8}   ({parameters.num_perm} "
        f"permutations)"
    )
    for language, names, han, size in (("en", ENGLISH, False, 2000), ("zh", CHINESE, True, 750)):
        texts = read_texts(options.data, names, han, count, size)
        seconds: dict[str, list[float]] = {name: [] for name in compared}
        for run in compared.values():
            run(texts[:20])
        for _ in range(rounds):
            for name, run in compared.items():
                share = texts if name == "skypile" else texts[: len(texts) // 8]
                repeats = 5 if name == "skypile" else 1
                started = time.process_time()
                for _ in range(repeats):
                    run(share)
                seconds[name].append((time.process_time() - started) / len(share) / repeats)
        medians = {name: statistics.median(values) for name, values in seconds.items()}
        size_mb = sum(len(t.encode()) for t in texts) / len(texts) / 1e6
        for name, value in medians.items():
            metrics[f"documents_per_second_{name}_{language}"] = round(1 / value, 1)
            if name != "skypile":
                metrics[f"ratio_{name}_{language}"] = round(value / medians["skypile"], 2)
            print(
                f"{language:8} {name:18} {1 / value:10.0f} {size_mb / value:8.1f} "
                f"{value / medians['skypile']:8.1f}"
            )
    goal = {"ratio_datasketch_en": 50, "ratio_datasketch_zh": 75}
    command = "python -m benchmarks.signatures" + (" --quick" if options.quick else "")
    print(
        json.dumps(
            {
                "name": "signatures",
                "metrics": metrics,
                "goal": goal,
                "hardware": hardware(),
                "command": command,
            }
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
