"""Make the model of commerce.py: `python -m tools.train_commerce [--data FOLDER]`.

Belongs here: labels, folds over hosts, fitting, the report. Does not belong here: the score
(pipelines/signals/commerce.py). Pages of WCXB of the types product, service, collection and listing
sell; articles, documentation and threads do not, nor does the English text of a corpus that is good
by choice. Needs scikit-learn, which comes with the tests' packages.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from pipelines.signals.commerce import LEAST_WORDS, MODEL, counts_of, length_of

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
SELLS = ("product", "service", "collection", "listing")
FOLDS, LEAST_DOCUMENTS, STRENGTH = 5, 24, 4.0
"""Folds over hosts; documents that a word must be in; inverse strength of the penalty (l2)."""
PER_SOURCE = 60
LEFT_OUT = ("code", "law", "literature")
"""Folders of the corpus that are no web text."""


@dataclass(frozen=True)
class Example:
    """One text: its words, whether it sells, where it is from and of what type."""

    counts: Counter[str]
    sells: bool
    host: str
    kind: str

    @property
    def fold(self) -> int:
        return int(hashlib.blake2b(self.host.encode(), digest_size=4).hexdigest(), 16) % FOLDS


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a .jsonl.zst file."""
    import io

    import zstandard

    with open(path, "rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        yield from map(json.loads, io.TextIOWrapper(reader, encoding="utf-8"))


def examples(data: Path) -> Iterator[Example]:
    """Pages of WCXB as our extraction reads them, and documents of the corpus."""
    from pipelines.extraction.page import extract
    from pipelines.signals.language import measure_language

    rows = list(lines_of(data / "extraction-gold" / "wcxb-dev.jsonl.zst"))
    texts = [extract(r["html"]).text for r in rows]
    languages = measure_language(texts)["language"].to_pylist()
    for row, text, language in zip(rows, texts, languages, strict=True):
        if language == "en":
            host = urlsplit(row["url"]).netloc.removeprefix("www.")
            yield Example(counts_of(text), row["page_type"] in SELLS, host, row["page_type"])
    for path in sorted((data / "corpus").glob("*/*.jsonl.zst")):
        if path.parent.name in LEFT_OUT:
            continue
        found = 0
        for row in lines_of(path):
            if row["lang"] == "en" and len(row["text"]) > 300 and found < PER_SOURCE:
                found += 1
                yield Example(counts_of(row["text"]), False, f"{path.name}/{found % FOLDS}", "corpus")


def matrix(chosen: list[Example], words: dict[str, int]) -> Any:
    """Sparse [examples, words], rows as commerce.py scores them."""
    from scipy.sparse import csr_matrix

    rows, columns, values = [], [], []
    for i, example in enumerate(chosen):
        length = length_of(example.counts)
        for word, n in example.counts.items():
            if word in words:
                rows.append(i)
                columns.append(words[word])
                values.append(np.log1p(n) / length)
    return csr_matrix((values, (rows, columns)), shape=(len(chosen), len(words)))


def fitted(chosen: list[Example]) -> tuple[float, dict[str, float]]:
    """Intercept and weights; words in the order of the alphabet."""
    from sklearn.linear_model import LogisticRegression

    documents = Counter(w for e in chosen for w in e.counts)
    words = {w: i for i, w in enumerate(sorted(w for w, n in documents.items() if n >= LEAST_DOCUMENTS))}
    machine = LogisticRegression(C=STRENGTH, solver="liblinear", class_weight="balanced")
    machine.fit(matrix(chosen, words), [e.sells for e in chosen])
    weights = {w: round(float(machine.coef_[0, i]), 2) for w, i in words.items()}
    return round(float(machine.intercept_[0]), 2), {w: v for w, v in weights.items() if v}


def score(model: tuple[float, dict[str, float]], example: Example) -> float:
    """As commerce.py computes it."""
    known = sum(float(np.log1p(n)) * model[1].get(w, 0.0) for w, n in example.counts.items())
    return float(1.0 / (1.0 + np.exp(-(model[0] + known / length_of(example.counts)))))


def main() -> None:
    """Report by folds, fit on all, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help=f"write {MODEL.name}")
    options = parser.parse_args()
    from sklearn.metrics import roc_auc_score

    found = [e for e in examples(options.data) if e.counts.total() >= LEAST_WORDS]
    held_out = np.zeros(len(found))
    for fold in range(FOLDS):
        model = fitted([e for e in found if e.fold != fold])
        for i, e in enumerate(found):
            if e.fold == fold:
                held_out[i] = score(model, e)
    pages = [i for i, e in enumerate(found) if e.kind != "corpus"]
    auc = roc_auc_score([found[i].sells for i in pages], held_out[pages])
    print(f"{len(found)} texts, {len(pages)} pages; AUC over pages by folds of hosts {auc:.3f}")
    for bound in (0.5, 0.6, 0.65, 0.7, 0.8):
        shares = {
            kind: round(
                float(np.mean([held_out[i] > bound for i, e in enumerate(found) if e.kind == kind])), 3
            )
            for kind in sorted({e.kind for e in found})
        }
        print(f"above {bound}: {shares}")
    if options.write:
        intercept, weights = fitted(found)
        command = "python -m tools.train_commerce --write"
        value = {"command": command, "auc_by_folds": round(float(auc), 3), "intercept": intercept}
        lines = ",\n".join(f"  {json.dumps(w)}: {v}" for w, v in weights.items())
        head = json.dumps(value, indent=1)[:-2]
        MODEL.write_text(head + ',\n "weights": {\n' + lines + "\n }\n}\n", encoding="utf-8")
        print(f"{MODEL}: {len(weights)} words")


if __name__ == "__main__":
    main()
