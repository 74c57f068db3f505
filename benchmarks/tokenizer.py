"""The vocabulary against its peers on text that it was not trained on.

Trained on the sources of ../shared/data/corpus but HELD_OUT; measured on HELD_OUT and on the
paper's six domain sets (news, never trained on). Writes plots and the table as a page where --page
names a file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.lake.outputs import refuse_foreign_file, replace_file
from pipelines.tokenizer.build import assemble
from pipelines.tokenizer.pieces import train_pieces
from pipelines.tokenizer.pretokens import count_pretokens
from pipelines.tokenizer.report import count_words, load_peers, measure_tokenizer, own_encoder, own_fallback
from reports.vocabulary import page

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CORPUS_FOLDER = DATA / "corpus"
QUICK_CHARS = 100_000  # below this, a few documents stand for each set
HELD_OUT = {"javaguide", "oi-wiki", "cmrc2018-wiki-zh", "wikitext2-en", "openstax-physics"}
GOAL = {"bytes_per_token_zh_news": 4.29, "ratio_qwen_zh_news": 0.97, "fallback_share_zh": 0.005}


def read_texts(path: Path, chars: int) -> Iterator[tuple[str, str]]:
    """(language, text) of a corpus file until `chars` characters."""
    import zstandard

    with zstandard.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            item = json.loads(line)
            yield item["lang"], item["text"]
            chars -= len(item["text"])
            if chars < 0:
                return


def held_out(chars: int) -> dict[str, list[str]]:
    """Texts by domain: zh and en (sources left out), each such source, zh_news (the paper's six
    sets, whole) and each of them."""
    texts: dict[str, list[str]] = {"zh": [], "en": [], "zh_news": []}
    for path in sorted(CORPUS_FOLDER.rglob("*.jsonl.zst")):
        name = path.name.removesuffix(".jsonl.zst")
        if name in HELD_OUT:
            for language, text in read_texts(path, chars):
                if language in texts:
                    texts[language].append(text)
                    texts.setdefault(name, []).append(text)
    for path in sorted((DATA / "domain-loss").glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            found = [json.loads(line)["text"] for line in lines]
        if chars < QUICK_CHARS:
            found = found[:10]
        texts["zh_news"] += found
        texts[path.name.removesuffix(".jsonl.gz")] = found
    return texts


PAGE = "<title>Vocabulary "
"""What an earlier page contains."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller sample, under a minute")
    parser.add_argument("--page", type=Path, help="write plots and table as an HTML page to this file")
    arguments = parser.parse_args()
    if arguments.page:
        refuse_foreign_file(arguments.page, PAGE)
    train_chars, test_chars = (150_000, 20_000) if arguments.quick else (100_000_000, 300_000)
    if not CORPUS_FOLDER.is_dir():
        raise SystemExit(f"{CORPUS_FOLDER} is not on this machine: the benchmark needs the shared data")
    started = time.process_time()
    counts: Counter[str] = Counter()
    characters = 0
    for path in sorted(CORPUS_FOLDER.rglob("*.jsonl.zst")):
        if path.name.removesuffix(".jsonl.zst") not in HELD_OUT:
            texts = [text for _, text in read_texts(path, train_chars)]
            counts.update(count_pretokens(texts))
            characters += sum(map(len, texts))
    pieces = train_pieces(counts, TokenizerConfig.preset("full"))
    seconds = time.process_time() - started
    tokenizer = assemble(pieces)
    every = pieces.latin + pieces.characters + pieces.words
    reachable = sum(len(e.ids) == 1 for e in tokenizer.encode_batch(every, add_special_tokens=False))
    encoders: dict[str, Any] = {
        "ours": (
            own_encoder(tokenizer.to_str()),
            tokenizer.get_vocab_size(),
            own_fallback(tokenizer.to_str()),
        )
    }
    encoders |= load_peers(DATA / "tokenizers")
    domains = held_out(test_chars)
    words = {d: count_words(t) for d, t in domains.items()}
    rows: dict[str, dict[str, dict[str, float]]] = {}
    unused: dict[str, int] = {}  # of the domain that uses most
    metrics: dict[str, float] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "reachable_share": reachable / len(every),
        "filled_pieces": sum(pieces.filled.values()),
        "train_characters": characters,
        "train_cpu_seconds": round(seconds, 1),
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
    }
    for domain, held in domains.items():
        print(
            f"\n{domain:20} {'pieces':>8} {'bytes/token':>12} {'chars/token':>12} {'fertility':>10} "
            f"{'fallback':>9} {'unused':>8}"
        )
        for name, (encode, size, falls) in encoders.items():
            seen: set[int] = set()
            row = measure_tokenizer(encode, held, falls, words[domain], seen)
            rows.setdefault(domain, {})[name] = row
            unused[name] = min(unused.get(name, size), size - len(seen))
            suffix = domain if name == "ours" else f"{domain}_{name}"
            metrics[f"bytes_per_token_{suffix}"], metrics[f"fallback_share_{suffix}"] = (
                row["bytes_per_token"],
                row["fallback_share"],
            )
            print(
                f"{name:20} {size:8} {row['bytes_per_token']:12.3f} {row['characters_per_token']:12.3f} "
                f"{row['fertility']:10.3f}"
                f" {row['fallback_share']:9.5f} {size - len(seen):8}"
            )
    for name in ("qwen", "chinese-llama", "llama2-tokenizer"):
        for domain in domains:
            metrics[f"ratio_{name}_{domain}"] = round(
                rows[domain]["ours"]["bytes_per_token"] / rows[domain][name]["bytes_per_token"], 4
            )
    if arguments.page:
        report = {"domains": rows, "vocab_size": {n: e[1] for n, e in encoders.items()}, "unused_ids": unused}
        replace_file(arguments.page, page("full", report), PAGE)
    hardware, command = (
        f"{platform.machine()}, {os.cpu_count()} CPUs",
        "python -m benchmarks.tokenizer" + (" --quick" if arguments.quick else ""),
    )
    print(
        json.dumps(
            {"name": "tokenizer", "metrics": metrics, "goal": GOAL, "hardware": hardware, "command": command}
        )
    )


if __name__ == "__main__":
    main()
