"""Main text against gold text, side by side with trafilatura (default and fast), resiliparse and
justext, page by page.

Run: python -m benchmarks.extraction [--quick] [--held-back] [--data ../shared/data] Token F1 by
cell on the development half of the gold pages (which the block model was trained on: an upper
bound), or with --held-back on the half that nothing was ever tuned on; paired 95 % bootstrap
intervals against the best peer of each cell; shares of required and of forbidden snippets that are
found; CPU seconds, interleaved page by page. The peers run from .venv-peers.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from pipelines.extraction.blocks.training import gold_pages, token_f1
from pipelines.extraction.page import extract

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CELLS = ("article_en", "article_zh", "forum_en", "forum_zh")
GOAL = {"f1_macro": 0.85, "ratio_trafilatura": 5}
OURS = "skypile"


class Peers:
    """The peers' process: one page in, the texts and CPU seconds of all of them out."""

    def __init__(self) -> None:
        command = [str(PEERS_PYTHON), str(Path(__file__).with_name("extraction_peers.py"))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, html: str, chinese: bool) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"id": "", "html": html, "chinese": chinese}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("the peers' process ended: run `make bench-setup`")
        answer: dict[str, Any] = json.loads(line)
        return answer

    def close(self) -> None:
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait(30)


def run_all(peers: Peers, html: str, chinese: bool, seconds: dict[str, float]) -> dict[str, str]:
    """The text of a page by every method; `seconds` grows."""
    started = time.process_time()
    text = extract(html).text
    seconds[OURS] += time.process_time() - started
    answer = peers.ask(html, chinese)
    for name, value in answer["seconds"].items():
        seconds[name] += value
    return {OURS: text, **answer["text"]}


def paired_interval(ours: list[float], other: list[float], seed: int = 1) -> tuple[float, float]:
    """95 % bootstrap interval of the mean difference over pages."""
    difference = np.array(ours) - np.array(other)
    draws = np.random.default_rng(seed).integers(0, len(difference), (10_000, len(difference)))
    low, high = np.percentile(difference[draws].mean(1), (2.5, 97.5))
    return float(low), float(high)


def snippets(data: Path, peers: Peers, limit: int, seconds: dict[str, float]) -> dict[str, float]:
    """Shares of must-have and must-not-have strings that are in the text, by method; pages are
    found by their file's own address."""
    import zstandard

    from pipelines.dumps.readers import read_records
    from pipelines.extraction.charset import decode

    with open(data / "extraction-gold" / "trafilatura-snippets.jsonl.zst", "rb") as stream:
        rows = [
            json.loads(line)
            for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(stream), encoding="utf-8")
        ]
    wanted = {row["file"]: row for row in rows} | {row["url"]: row for row in rows}
    found: dict[str, Counter[str]] = defaultdict(Counter)
    pages = 0
    for record in read_records(data / "webdump" / "mixed-trafilatura.warc.gz", "warc", Counter()):
        row = wanted.get(record.url) or wanted.get(record.url.rsplit("/", 1)[-1])
        if row is None or pages == limit:
            continue
        pages += 1
        for name, text in run_all(peers, decode(record.body, record.charset)[0], False, seconds).items():
            flat = re.sub(r"\s+", " ", text)
            for key in ("with", "without"):
                strings = [re.sub(r"\s+", " ", s).strip() for s in row[key] or () if s]
                found[name][f"{key}_all"] += len(strings)
                found[name][f"{key}_found"] += sum(s in flat for s in strings)
    metrics: dict[str, float] = {"snippet_pages": pages}
    for name, counts in found.items():
        suffix = "" if name == OURS else f"_{name}"
        metrics[f"must_have{suffix}"] = round(counts["with_found"] / max(1, counts["with_all"]), 4)
        metrics[f"must_not_have{suffix}"] = round(counts["without_found"] / max(1, counts["without_all"]), 4)
    return metrics


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and the result line; 2 where data or peers are absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--held-back",
        action="store_true",
        help="the half of the gold pages that was never trained or tuned on",
    )
    parser.add_argument("--quick", action="store_true", help="12 pages of each cell and 20 snippet pages")
    options = parser.parse_args(arguments)
    if not (options.data / "extraction-gold").is_dir():
        print(f"{options.data}/extraction-gold is not there: name a data folder with --data", file=sys.stderr)
        return 2
    if not PEERS_PYTHON.exists():
        print(f"{PEERS_PYTHON} is not there: run `make bench-setup`", file=sys.stderr)
        return 2
    extract("<p>compiled before the clock starts")
    peers = Peers()
    peers.ask("<html><body><p>loaded before the clock starts</p></body></html>", False)
    scores: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    seconds: dict[str, float] = defaultdict(float)
    pages = 0
    for page in gold_pages(options.data / "extraction-gold", options.held_back):
        if options.quick and len(scores[OURS][page.cell]) == 12:
            continue
        pages += 1
        for name, text in run_all(peers, page.html, page.chinese, seconds).items():
            scores[name][page.cell].append(token_f1(text, page.gold, page.chinese))
    metrics: dict[str, float] = {"pages": pages}
    print(f"{'':18}" + "".join(f"{cell:>12}" for cell in CELLS) + f"{'macro':>9}{'pages/CPU s':>13}")
    for name in scores:
        suffix = "" if name == OURS else f"_{name}"
        cells = {cell: float(np.mean(scores[name][cell])) for cell in CELLS}
        metrics |= {f"f1_{cell}{suffix}": round(value, 4) for cell, value in cells.items()}
        metrics[f"f1_macro{suffix}"] = round(float(np.mean(list(cells.values()))), 4)
        metrics[f"pages_per_second{suffix}"] = round(pages / seconds[name], 1)
        if name != OURS:
            metrics[f"ratio_{name}"] = round(seconds[name] / seconds[OURS], 2)
        print(
            f"{name:18}"
            + "".join(f"{v:12.3f}" for v in cells.values())
            + f"{metrics[f'f1_macro{suffix}']:9.3f}{pages / seconds[name]:13.1f}"
        )
    for cell in CELLS:
        best = max((n for n in scores if n != OURS), key=lambda n: np.mean(scores[n][cell]))
        low, high = paired_interval(scores[OURS][cell], scores[best][cell])
        metrics |= {f"against_best_{cell}_low": round(low, 4), f"against_best_{cell}_high": round(high, 4)}
        print(
            f"{cell:12} {len(scores[OURS][cell]):4} pages, against {best}: paired 95 % interval"
            f" [{low:+.3f}, {high:+.3f}]"
        )
    metrics |= snippets(options.data, peers, 20 if options.quick else 10**9, defaultdict(float))
    for name in scores:
        suffix = "" if name == OURS else f"_{name}"
        print(
            f"{name:18} must-have {metrics[f'must_have{suffix}']:.3f}, must-not-have"
            f" {metrics[f'must_not_have{suffix}']:.3f}"
        )
    peers.close()
    command = (
        "python -m benchmarks.extraction" + " --held-back" * options.held_back + " --quick" * options.quick
    )
    hardware = f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"
    print(
        json.dumps(
            {"name": "extraction", "metrics": metrics, "goal": GOAL, "hardware": hardware, "command": command}
        )
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
