"""The vocabulary against its peers on text that it was not trained on.

Trained on the sources of ../shared/data/corpus but HELD_OUT; measured on HELD_OUT and on the paper's six
domain sets (news, never trained on). Writes a plot beside the table where --plot names a file.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pipelines.tokenizer.build import TokenizerConfig, assemble, train
from pipelines.tokenizer.pretokens import count_pretokens
from pipelines.tokenizer.report import count_words, load_peers, measure, own_encoder, own_fallback

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
CORPUS_FOLDER = DATA / "corpus"
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
    """Texts by domain: zh, en (sources left out) and zh_news (the paper's sets)."""
    texts: dict[str, list[str]] = {"zh": [], "en": [], "zh_news": []}
    for path in sorted(CORPUS_FOLDER.rglob("*.jsonl.zst")):
        if path.name.removesuffix(".jsonl.zst") in HELD_OUT:
            for language, text in read_texts(path, chars):
                if language in texts:
                    texts[language].append(text)
    for path in sorted((DATA / "domain-loss").glob("*.jsonl.gz")):
        left = chars
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                text = json.loads(line)["text"]
                texts["zh_news"].append(text)
                left -= len(text)
                if left < 0:
                    break
    return texts


def plot(path: Path, metrics: dict[str, dict[str, dict[str, float]]], sizes: dict[str, int]) -> None:
    """Bytes per token by vocabulary size."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, len(metrics), figsize=(5 * len(metrics), 4))
    for axis, (domain, rows) in zip(axes, metrics.items(), strict=True):
        for name, row in rows.items():
            axis.scatter(sizes[name], row["bytes_per_token"])
            axis.annotate(name, (sizes[name], row["bytes_per_token"]), fontsize=7)
        axis.set(title=domain, xlabel="vocabulary", ylabel="bytes per token", xscale="log")
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller sample, under a minute")
    parser.add_argument("--plot", type=Path, help="write a plot of bytes per token to this file")
    arguments = parser.parse_args()
    train_chars, test_chars = (150_000, 20_000) if arguments.quick else (100_000_000, 300_000)
    if not CORPUS_FOLDER.is_dir():
        raise SystemExit(f"{CORPUS_FOLDER} is not on this machine: the benchmark needs the shared data")
    texts = [
        text
        for path in sorted(CORPUS_FOLDER.rglob("*.jsonl.zst"))
        if path.name.removesuffix(".jsonl.zst") not in HELD_OUT
        for _, text in read_texts(path, train_chars)
    ]
    started = time.process_time()
    pieces = train(count_pretokens(texts), TokenizerConfig.preset("full"))
    seconds = time.process_time() - started
    tokenizer = assemble(pieces)
    every = pieces.latin + pieces.characters + pieces.words
    reachable = sum(len(e.ids) == 1 for e in tokenizer.encode_batch(every, add_special_tokens=False))
    encoders: dict[str, Any] = {"ours": (own_encoder(tokenizer.to_str()), tokenizer.get_vocab_size(), own_fallback())}
    encoders |= load_peers(DATA / "tokenizers")
    domains = held_out(test_chars)
    words = {d: count_words(t) for d, t in domains.items()}
    rows: dict[str, dict[str, dict[str, float]]] = {}
    metrics: dict[str, float] = {
        "vocab_size": tokenizer.get_vocab_size(),
        "reachable_share": reachable / len(every),
        "filled_pieces": sum(pieces.filled.values()),
        "train_characters": sum(map(len, texts)),
        "train_cpu_seconds": round(seconds, 1),
    }
    for domain, held in domains.items():
        print(f"\n{domain:20} {'pieces':>8} {'bytes/token':>12} {'chars/token':>12} {'fertility':>10} {'fallback':>9} {'unused':>8}")
        for name, (encode, size, falls) in encoders.items():
            seen: set[int] = set()
            row = measure(encode, held, falls, words[domain], seen)
            rows.setdefault(domain, {})[name] = row
            suffix = domain if name == "ours" else f"{domain}_{name}"
            metrics[f"bytes_per_token_{suffix}"], metrics[f"fallback_share_{suffix}"] = row["bytes_per_token"], row["fallback_share"]
            print(
                f"{name:20} {size:8} {row['bytes_per_token']:12.3f} {row['characters_per_token']:12.3f} {row['fertility']:10.3f}"
                f" {row['fallback_share']:9.5f} {size - len(seen):8}"
            )
    for name in ("qwen", "chinese-llama", "llama2-tokenizer"):
        for domain in domains:
            metrics[f"ratio_{name}_{domain}"] = round(rows[domain]["ours"]["bytes_per_token"] / rows[domain][name]["bytes_per_token"], 4)
    if arguments.plot:
        plot(arguments.plot, rows, {name: e[1] for name, e in encoders.items()})
    hardware, command = (
        f"{platform.machine()}, {os.cpu_count()} CPUs",
        "python -m benchmarks.tokenizer" + (" --quick" if arguments.quick else ""),
    )
    print(json.dumps({"name": "tokenizer", "metrics": metrics, "goal": GOAL, "hardware": hardware, "command": command}))


if __name__ == "__main__":
    main()
