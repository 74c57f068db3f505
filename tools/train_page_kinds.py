"""Make the models of page_kinds.py: `python -m tools.train_page_kinds [--data FOLDER] [--write]`.

Belongs here: labels, folds over hosts, fitting, the report. Does not belong here: the scores
(pipelines/signals/page_kinds.py). Pages of WCXB are labelled by their type: product, service,
collection and listing pages sell, listings list; articles, documentation and threads do neither. Pages
of the web dump are mostly articles and count as such, and so does the English text of a corpus that is
good by choice. Where a page was judged by hand, that stands above its type: a page to keep is neither,
a border case is left out. Needs scikit-learn, which comes with the tests' packages.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa

from pipelines.kernels.utf8 import text_buffers
from pipelines.signals.forms import Forms, counts_of, forms_of
from pipelines.signals.forms_reference import plain_words
from pipelines.signals.page_kinds import KINDS, LEAST_WORDS, MODEL, KindModel
from pipelines.signals.page_words import count_words, vocabulary
from pipelines.signals.prose import prose_of

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
TYPES = {"commerce": ("product", "service", "collection", "listing"), "listing": ("listing",)}
"""Types of WCXB that are of a kind."""
SELLS = TYPES["commerce"]
TELLS = ("article", "documentation", "forum")
FOLDS, LEAST_DOCUMENTS = 5, 24
"""Folds over hosts; documents that a word must be in."""
STRENGTH = {"commerce": 4.0, "listing": 3.0}
"""Inverse strength of the penalty (l2)."""
PER_SOURCE = 60
LEFT_OUT = ("code", "law", "literature")
"""Folders of the corpus that are no web text."""


@dataclass(frozen=True)
class Example:
    """One text: its words and form, where it is from, of what type, and the verdict of a reader (""
    where none read it)."""

    counts: Counter[str]
    forms: Forms
    host: str
    type: str
    verdict: str = ""
    url: str = ""

    @property
    def fold(self) -> int:
        return int(hashlib.blake2b(self.host.encode(), digest_size=4).hexdigest(), 16) % FOLDS

    def is_of(self, kind: str) -> bool | None:
        """Whether the page is of a kind; None where it says nothing: border cases, pages that sell but
        list nothing, pages of no type that a reader would drop for a reason of its own."""
        if self.verdict == "border" or (self.verdict == "drop" and self.type not in SELLS):
            return None
        if self.verdict == "keep" or self.type not in SELLS:
            return False
        return True if self.type in TYPES[kind] else None


def example(text: str, host: str, type_: str, verdict: str = "", url: str = "") -> Example:
    """The example of a text as signals see it: its prose."""
    prose = prose_of(text).text
    array = pa.array([prose], pa.large_string())
    forms = forms_of(*counts_of(array), count_words(*text_buffers(array), vocabulary([])))
    return Example(plain_words(prose), forms, host, type_, verdict, url)


def squares_of(counts: Counter[str]) -> float:
    """The square of the length of the vector of logarithms."""
    return sum(math.log1p(n) ** 2 for n in counts.values())


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a .jsonl.zst file."""
    import zstandard

    with open(path, "rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        yield from map(json.loads, io.TextIOWrapper(reader, encoding="utf-8"))


def pages(data: Path) -> Iterator[tuple[str, str, str, str]]:
    """(URL, host, type, text) of the pages of WCXB and of the web dump, as our extraction reads
    them."""
    from pipelines.dumps.readers import read_records
    from pipelines.extraction.charset import decode
    from pipelines.extraction.page import extract

    for row in lines_of(data / "extraction-gold" / "wcxb-dev.jsonl.zst"):
        host = urlsplit(row["url"]).netloc.removeprefix("www.") or row["id"]
        yield row["url"], host, row["page_type"], extract(row["html"]).text
    for path in sorted((data / "webdump").glob("*.warc.gz")):
        if path.name.startswith("zh-"):
            continue
        for record in read_records(path, "warc", Counter()):
            markup, _ = decode(record.body, record.charset)
            yield record.url, urlsplit(record.url).netloc.removeprefix("www."), "", extract(markup).text


def verdicts_of(data: Path) -> dict[str, str]:
    """Verdict of a reader by URL; pages without an address are not told apart by it."""
    labels = map(json.loads, (data / "decision-gold" / "labels.jsonl").read_text().splitlines())
    return {label["url"]: label["verdict"] for label in labels if label["url"]}


def types_of(data: Path) -> dict[str, str]:
    """Type of the pages of WCXB by URL."""
    rows = lines_of(data / "extraction-gold" / "wcxb-dev.jsonl.zst")
    return {row["url"]: row["page_type"] for row in rows if row["url"]}


def corpus_examples(data: Path) -> Iterator[Example]:
    """English documents of the corpus, the first of each source."""
    for path in sorted((data / "corpus").glob("*/*.jsonl.zst")):
        if path.parent.name in LEFT_OUT:
            continue
        taken = 0
        for row in lines_of(path):
            if row["lang"] == "en" and len(row["text"]) > 300 and taken < PER_SOURCE:
                taken += 1
                yield example(row["text"], f"{path.name}/{taken % FOLDS}", "corpus")


def examples(data: Path) -> Iterator[Example]:
    """English pages, and documents of the corpus."""
    from pipelines.signals.language import measure_language

    verdicts = verdicts_of(data)
    found = list(pages(data))
    languages = measure_language([text for *_, text in found])["language"].to_pylist()
    for (url, host, type_, text), language in zip(found, languages, strict=True):
        if language == "en":
            yield example(text, host, type_, verdicts.get(url, ""), url)
    yield from corpus_examples(data)


def given_forms(chosen: list[Example]) -> Forms:
    """The numbers of some texts, float64 [examples] each."""
    return Forms(*map(np.concatenate, zip(*(e.forms for e in chosen), strict=True)))


def matrix(chosen: list[Example], words: dict[str, int]) -> Any:
    """Sparse [examples, words + forms], rows as page_kinds.py scores them."""
    from scipy.sparse import csr_matrix, hstack

    rows, columns, values = [], [], []
    for i, given in enumerate(chosen):
        length = max(math.sqrt(squares_of(given.counts)), 1.0)
        for word, n in given.counts.items():
            if word in words:
                rows.append(i)
                columns.append(words[word])
                values.append(np.log1p(n) / length)
    spelled = csr_matrix((values, (rows, columns)), shape=(len(chosen), len(words)))
    return hstack([spelled, csr_matrix(np.column_stack(given_forms(chosen)))]).tocsr()


def fitted(chosen: list[Example], kind: str) -> KindModel:
    """The model of a kind; words in the order of the alphabet. `listing` reads no words."""
    from sklearn.linear_model import LogisticRegression

    chosen = [e for e in chosen if e.is_of(kind) is not None]
    documents = Counter(w for e in chosen for w in e.counts) if kind == "commerce" else Counter()
    words = {w: i for i, w in enumerate(sorted(w for w, n in documents.items() if n >= LEAST_DOCUMENTS))}
    machine = LogisticRegression(C=STRENGTH[kind], solver="liblinear", class_weight="balanced")
    machine.fit(matrix(chosen, words), [e.is_of(kind) for e in chosen])
    weights = [round(float(w), 2) for w in machine.coef_[0]]
    spelled = {w: weights[i] for w, i in words.items() if weights[i]}
    return KindModel(round(float(machine.intercept_[0]), 2), tuple(weights[len(words) :]), spelled)


def scores_of(model: KindModel, given: list[Example]) -> list[float]:
    """As page_kinds.py computes them."""
    known = [sum(math.log1p(n) * model.words.get(w, 0.0) for w, n in e.counts.items()) for e in given]
    squares = [squares_of(e.counts) for e in given]
    return model.probabilities(np.array(known), np.array(squares), given_forms(given))


def held_out_scores(found: list[Example], kind: str) -> Any:
    """float64 [examples]: each scored by a model that saw no page of its host."""
    scores = np.zeros(len(found))
    for fold in range(FOLDS):
        model = fitted([e for e in found if e.fold != fold], kind)
        held = [i for i, e in enumerate(found) if e.fold == fold]
        scores[held] = scores_of(model, [found[i] for i in held])
    return scores


def main() -> None:
    """Report by folds, fit on all, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--write", action="store_true", help=f"write {MODEL.name}")
    options = parser.parse_args()
    from sklearn.metrics import roc_auc_score

    found = [e for e in examples(options.data) if e.counts.total() >= LEAST_WORDS]
    written: dict[str, Any] = {"command": "python -m tools.train_page_kinds --write"}
    judged = {v: [i for i, e in enumerate(found) if e.verdict == v] for v in ("keep", "drop")}
    for kind in KINDS:
        held_out = held_out_scores(found, kind)
        typed = [i for i, e in enumerate(found) if e.type in (*TELLS, *TYPES[kind])]
        auc = roc_auc_score([found[i].type in TYPES[kind] for i in typed], held_out[typed])
        read = judged["keep"] + judged["drop"]
        reader = roc_auc_score([found[i].verdict == "drop" for i in read], held_out[read])
        print(
            f"{kind}: {len(found)} texts; AUC by folds of hosts {auc:.3f} over page types, "
            f"{reader:.3f} over verdicts"
        )
        for bound in (0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
            above = held_out > bound
            shares = {
                t or "webdump": round(
                    float(np.mean([above[i] for i, e in enumerate(found) if e.type == t])), 3
                )
                for t in sorted({e.type for e in found})
            }
            verdicts = {v: round(float(np.mean(above[rows])), 3) for v, rows in judged.items()}
            print(f"  above {bound}: {verdicts} {shares}")
        model = fitted(found, kind)
        forms = dict(zip(Forms._fields, model.forms, strict=True))
        written[kind] = {"auc_by_folds": round(float(auc), 3), "intercept": model.intercept, "forms": forms}
        if model.words:
            written[kind]["words"] = model.words
    if options.write:
        MODEL.write_text(json.dumps(written, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"{MODEL}: {MODEL.stat().st_size} bytes")


if __name__ == "__main__":
    main()
