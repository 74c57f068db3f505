"""How perplexing reference text of each kind is that a model did not learn: the shipped percentiles.

Run: python -m tools.perplexity_reference [--data ../shared/data] [--write]

Sources of the corpus are in two folds. A model learns nine tenths of the reference text of one fold
(pipelines.quality.perplexity), and the sources of the other, with all web pages and social media, are
scored by it. What ships are percentiles by language and kind, each source weighing alike, as
multiples of the median over the tenth left out, which every lake has of its own reference text: the
perplexities themselves are one model's. With --write the file of the package is written, else it
goes to standard output. Needs lmplz (`make kenlm`).
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import yaml
import zstandard

from pipelines.quality.features import FOLDS, fold
from pipelines.quality.perplexity import (
    CUTOFFS,
    HELD_OUT,
    LANGUAGES,
    REFERENCE,
    find_lmplz,
    perplexity_of,
    train_files,
)
from pipelines.signals.language import measure_language

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
KINDS = {
    "encyclopedia": "encyclopedia",
    "literature": "books",
    "law": "miscellany",
    "academic": "academic",
    "stem": "academic",
    "social": "social",
    "web": "webpages",
}
"""Category of a dump, by folder of the corpus."""
PAGES = ("social", "webpages")  # kinds that a model does not learn
LEARNED = 150  # documents of a source that a model learns
SCORED = 60  # documents of a source that are scored
HEAD = """\
# Made by `python -m tools.perplexity_reference --write`: how perplexing reference text of each kind
# is to a model that did not learn its source. p30 and p98 are percentiles over such documents, each
# source weighing alike, as multiples of the median perplexity of reference text that was left out of
# the model's training. `documents` and `sources` say of how many.
"""

Source = tuple[str, str, list[str]]  # kind, name, texts


def sources(data: Path) -> dict[str, list[Source]]:
    """The first documents of every source, by their language; of sources that have SCORED of them."""
    found: dict[str, list[Source]] = {code: [] for code in LANGUAGES}
    for folder, kind in KINDS.items():
        for path in sorted((data / "corpus" / folder).glob("*.jsonl.zst")):
            for code, texts in first_texts(path).items():
                codes = measure_language(texts)["language"].to_pylist()
                mine = [t for t, c in zip(texts, codes, strict=True) if c == code]
                if len(mine) >= SCORED:
                    found[code].append((kind, path.name.split(".")[0], mine))
    return found


def first_texts(path: Path) -> dict[str, list[str]]:
    """The first LEARNED documents of a file with much Han, which may be Chinese, and with little."""
    found: dict[str, list[str]] = {"en": [], "zh": []}
    for text in texts_of(path):
        head = text[:1000]
        much = sum("\u4e00" <= c <= "\u9fff" for c in head) > 0.1 * len(head)
        texts = found["zh" if much else "en"]
        if len(texts) < LEARNED:
            texts.append(text)
    return found


def texts_of(path: Path) -> Iterator[str]:
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            yield json.loads(line)["text"]


def multiples(code: str, found: list[Source], lmplz: Path) -> dict[str, dict[str, Any]]:
    """The entry of a language: percentiles by kind."""
    ratios: dict[str, list[tuple[float, float]]] = defaultdict(list)  # ratio, weight
    names: dict[str, set[str]] = defaultdict(set)
    for number in range(FOLDS):
        learned = [
            t for kind, name, ts in found for t in ts if kind not in PAGES and fold(name.encode()) != number
        ]
        with tempfile.TemporaryDirectory() as folder:
            train_files(Path(folder), lmplz, code, [t for i, t in enumerate(learned) if i % HELD_OUT])
            median = np.median([perplexity_of(folder, code, t) for t in learned[::HELD_OUT]])
            for kind, name, texts in found:
                if kind in PAGES or fold(name.encode()) == number:
                    names[kind].add(name)
                    mine = texts[:SCORED]
                    ratios[kind] += [(perplexity_of(folder, code, t) / median, 1 / len(mine)) for t in mine]
    return {
        kind: {p: round(weighted_percentile(rows, at), 3) for p, at in CUTOFFS.items()}
        | {"documents": len(rows), "sources": len(names[kind])}
        for kind, rows in sorted(ratios.items())
    }


def weighted_percentile(rows: list[tuple[float, float]], percent: float) -> float:
    """The value below which `percent` of the weight lies."""
    rows = sorted(rows)
    mass = np.cumsum([weight for _, weight in rows])
    place = min(int(np.searchsorted(mass, percent / 100 * mass[-1])), len(rows) - 1)
    return float(rows[place][0])


def main(arguments: list[str] | None = None) -> int:
    """Measure and write; 2 where the corpus or lmplz is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    lmplz = find_lmplz()
    if lmplz is None or not (options.data / "corpus").is_dir():
        print(f"needs lmplz (make kenlm) and {options.data}/corpus (name it with --data)", file=sys.stderr)
        return 2
    found = sources(options.data)
    languages = {code: multiples(code, found[code], lmplz) for code in LANGUAGES}
    text = HEAD + yaml.safe_dump({"languages": languages}, sort_keys=True)
    if options.write:
        REFERENCE.write_text(text, encoding="utf-8")
    else:
        print(text, end="")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
