"""Main text, titles and dates against gold, side by side with trafilatura (default, fast, recall),
resiliparse and justext, page by page.

Run: python -m benchmarks.extraction [--quick] [--answers FILE] [--data ../shared/data]

Token F1 of two sets: magic-html by cell, and the development half of WCXB by page type; shares of
required and of forbidden strings that are in the text (WCXB, trafilatura's own); paired 95 %
bootstrap intervals against the best peer; titles and dates against WCXB's, beside trafilatura;
formulas, code and table rows that are kept (extraction_structure.py); CPU seconds, interleaved page
by page. The peers run from .venv-peers.

The pages are judged by the models of folds that `blocks.training --write` keeps in .cache: none saw
a page of the site that it judges. Where those are not there, the shipped model judges, which saw
these pages in training: `unseen` is 0 then.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import re
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import extraction_structure
from pipelines.extraction.blocks.gold import TYPES, GoldPage, gold_pages, read_rows, token_f1
from pipelines.extraction.blocks.model import BlockModel, block_model
from pipelines.extraction.blocks.training import fold_models
from pipelines.extraction.page import extract

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
CELLS = ("article_en", "article_zh", "forum_en", "forum_zh")
GOAL = {
    "f1_wcxb_dev": 0.87,
    "must_have_wcxb": 0.82,
    "must_not_have_wcxb": 0.08,
    "must_have": 0.95,
    "must_not_have": 0.10,
    "pages_per_cpu_second": 300,
    "ratio_trafilatura": 12,
    **extraction_structure.GOAL,
}
OURS = "skypile"


class Peers:
    """The peers' process: one page in, the texts and CPU seconds of all of them out. With `kept`, a file
    of answers, what stands there is not asked again, so that a long run may be done in pieces."""

    def __init__(self, kept: Path | None = None) -> None:
        self.kept = kept
        self.answers: dict[str, dict[str, Any]] = {}
        if kept and kept.exists():
            rows = (json.loads(line) for line in kept.read_text().splitlines() if line.endswith("}"))
            self.answers = {row["page"]: row for row in rows}
        command = [str(PEERS_PYTHON), str(Path(__file__).with_name("extraction_peers.py"))]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )

    def ask(self, html: str, chinese: bool) -> dict[str, Any]:
        page = hashlib.sha256(f"{chinese}{html}".encode("utf-8", "replace")).hexdigest()
        if page not in self.answers:
            self.answers[page] = self._asked(html, chinese)
            if self.kept:
                with open(self.kept, "a") as stream:
                    stream.write(json.dumps({"page": page} | self.answers[page]) + "\n")
        return self.answers[page]

    def _asked(self, html: str, chinese: bool) -> dict[str, Any]:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(json.dumps({"html": html, "chinese": chinese}) + "\n")
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


class Scores:
    """What the methods reached so far: F1 by method and cell, counts by method and metric, CPU
    seconds by method and set."""

    def __init__(self) -> None:
        self.f1: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)
        self.seconds: dict[str, Counter[str]] = defaultdict(Counter)

    def of_set(self, name: str, cells: Iterable[str]) -> list[float]:
        return [value for cell in cells for value in self.f1[name][cell]]

    def share(self, name: str, key: str) -> float:
        return self.counts[name][key] / max(1, self.counts[name][key + "_all"])


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def run_page(page: GoldPage, peers: Peers, model: BlockModel, scores: Scores) -> None:
    """Measure every method on one page."""
    started = time.process_time()
    found = extract(page.html, model)
    spent = time.process_time() - started
    answer = peers.ask(page.html, page.chinese)
    texts = {OURS: found.text, **answer["text"]}
    for name, value in {OURS: spent, **answer["seconds"]}.items():
        scores.seconds[name][page.set] += value
    for name, text in texts.items():
        scores.f1[name][page.cell].append(token_f1(text, page.gold, page.chinese))
        scores.counts[name]["empty_all"] += 1
        scores.counts[name]["empty"] += not text.strip()
        count_strings(text, page.wanted, page.unwanted, "_wcxb", scores.counts[name])
    said = {OURS: (found.title, found.date), "trafilatura": (answer["title"], answer["date"])}
    for name, (title, date) in said.items():
        counts = scores.counts[name]
        if page.title:
            counts["title_all"] += 1
            counts["title"] += _flat(title).casefold() == _flat(page.title).casefold()
        if page.date:
            counts["date_all"] += 1
            counts["date"] += date == page.date[:10]


def count_strings(
    text: str, wanted: Iterable[str], unwanted: Iterable[str], suffix: str, counts: Counter[str]
) -> None:
    """Count the strings that a text must hold, or must not, and those that it holds."""
    flat = _flat(text)
    for key, strings in (("must_have", wanted), ("must_not_have", unwanted)):
        asked = [_flat(s) for s in strings if s.strip()]
        counts[f"{key}{suffix}_all"] += len(asked)
        counts[f"{key}{suffix}"] += sum(s in flat for s in asked)


def snippets(data: Path, peers: Peers, limit: int, scores: Scores) -> int:
    """Count required and forbidden strings on trafilatura's own pages; how many pages were
    found."""
    from pipelines.dumps.readers import read_records
    from pipelines.extraction.charset import decode

    rows = list(read_rows(data / "extraction-gold" / "trafilatura-snippets.jsonl.zst"))
    wanted = {row["file"]: row for row in rows} | {row["url"]: row for row in rows}
    pages = 0
    for record in read_records(data / "webdump" / "mixed-trafilatura.warc.gz", "warc", Counter()):
        row = wanted.get(record.url) or wanted.get(record.url.rsplit("/", 1)[-1])
        if row is None or pages == limit:
            continue
        pages += 1
        html = decode(record.body, record.charset)[0]
        for name, text in {OURS: extract(html).text, **peers.ask(html, False)["text"]}.items():
            have, have_not = ([s for s in row[key] or () if s] for key in ("with", "without"))
            count_strings(text, have, have_not, "", scores.counts[name])
    return pages


def paired_interval(ours: list[float], other: list[float], seed: int = 1) -> tuple[float, float]:
    """95 % bootstrap interval of the mean difference over pages."""
    difference = np.array(ours) - np.array(other)
    draws = np.random.default_rng(seed).integers(0, len(difference), (10_000, len(difference)))
    low, high = np.percentile(difference[draws].mean(1), (2.5, 97.5))
    return float(low), float(high)


def set_table(scores: Scores, cells: list[str], label: str, mean_of_cells: bool) -> dict[str, float]:
    """Print F1 by method and cell, and the interval of each cell against its best peer; the
    metrics."""
    metrics: dict[str, float] = {}
    print(
        f"{'token F1':20}" + "".join(f"{cell.removeprefix('wcxb_'):>15}" for cell in cells) + f"{label:>12}"
    )
    for name in scores.f1:
        suffix = "" if name == OURS else f"_{name}"
        means = {cell: float(np.mean(scores.f1[name][cell])) for cell in cells}
        whole = float(np.mean(list(means.values()) if mean_of_cells else scores.of_set(name, cells)))
        metrics |= {f"f1_{cell}{suffix}": round(value, 4) for cell, value in means.items()}
        metrics[f"f1_{label}{suffix}"] = round(whole, 4)
        print(f"{name:20}" + "".join(f"{v:15.3f}" for v in means.values()) + f"{whole:12.3f}")
    groups = {cell: [cell] for cell in cells} | ({} if mean_of_cells else {label: cells})
    for group, members in groups.items():
        ours = scores.of_set(OURS, members)
        rivals = {n: scores.of_set(n, members) for n in scores.f1 if n != OURS}
        best = max(rivals, key=lambda n: float(np.mean(rivals[n])))
        low, high = paired_interval(ours, rivals[best])
        metrics |= {f"against_best_{group}_low": round(low, 4), f"against_best_{group}_high": round(high, 4)}
        print(f"{group:20} {len(ours):5} pages, against {best}: paired 95 % [{low:+.3f}, {high:+.3f}]")
    return metrics


def other_tables(scores: Scores, of_set: str, pages: int) -> dict[str, float]:
    """Print required and forbidden strings, empty pages, titles, dates and speed; the metrics."""
    metrics: dict[str, float] = {}
    keys = ("must_have_wcxb", "must_not_have_wcxb", "must_have", "must_not_have", "empty", "title", "date")
    print(f"{'':20}" + "".join(f"{key:>20}" for key in keys) + f"{'pages/CPU s':>14}")
    for name in scores.f1:
        suffix = "" if name == OURS else f"_{name}"
        counted = [key for key in keys if scores.counts[name][key + "_all"]]
        metrics |= {key + suffix: round(scores.share(name, key), 4) for key in counted}
        speed = pages / scores.seconds[name][of_set]
        metrics[f"pages_per_cpu_second{suffix}"] = round(speed, 1)
        if name != OURS:
            ratio = scores.seconds[name][of_set] / scores.seconds[OURS][of_set]
            metrics[f"ratio_{name}"] = round(ratio, 2)
        shown = (f"{scores.share(name, key):20.3f}" if key in counted else f"{'':20}" for key in keys)
        print(f"{name:20}" + "".join(shown) + f"{speed:14.1f}")
    return metrics


def main(arguments: list[str] | None = None) -> int:
    """Print the tables and the result line; 2 where data or peers are absent."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="12 pages of each cell and 20 snippet pages")
    parser.add_argument(
        "--answers", type=Path, help="file of the peers' answers: read, and added to; asked at another time"
    )
    options = parser.parse_args(arguments)
    if not (options.data / "extraction-gold").is_dir():
        print(f"{options.data}/extraction-gold is not there: name a data folder with --data", file=sys.stderr)
        return 2
    if not PEERS_PYTHON.exists():
        print(f"{PEERS_PYTHON} is not there: run `make bench-setup`", file=sys.stderr)
        return 2
    folds = fold_models()
    extract("<p>compiled before the clock starts")
    peers = Peers(options.answers)
    peers.ask("<html><body><p>loaded before the clock starts</p></body></html>", False)
    scores = Scores()
    sets: Counter[str] = Counter()
    for page in gold_pages(options.data / "extraction-gold"):
        if options.quick and len(scores.f1[OURS][page.cell]) == 12:
            continue
        sets[page.set] += 1
        run_page(page, peers, folds[page.fold] if folds else block_model(), scores)
    metrics: dict[str, float] = {"pages": sets.total(), "unseen": int(bool(folds))}
    metrics |= set_table(scores, list(CELLS), "macro", True)
    metrics |= set_table(scores, [f"wcxb_{kind}" for kind in TYPES], "wcxb_dev", False)
    metrics |= extraction_structure.measure(options.data)
    metrics["snippet_pages"] = snippets(options.data, peers, 20 if options.quick else 10**9, scores)
    metrics |= other_tables(scores, "wcxb", sets["wcxb"])
    peers.close()
    command = "python -m benchmarks.extraction" + " --quick" * options.quick
    hardware = f"{platform.machine()}, {platform.python_implementation()} {platform.python_version()}"
    result = {"name": "extraction", "metrics": metrics, "goal": GOAL, "hardware": hardware}
    print(json.dumps(result | {"command": command}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
