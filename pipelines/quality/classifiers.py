"""fastText classifiers: would a reference work cite this page; exercise, exposition or other.

Belongs here: what a label means, training, the model's card. Does not belong here: how examples are
drawn and parted into folds (examples.py), scoring a dump (scores.py), thresholds.

One thread and a fixed seed: equal inputs give equal bytes. For each language there is a model
of all examples and one for each fold, trained without it, so that training documents get scores
from a model that did not see them; the card says whether folds are of whole sources. Labels are weak
and free of keywords:

- reference: pages whose URL is on a list (those that Wikipedia cites), and documents of dumps whose
  card says `reference`; against web pages, social media and miscellany of all others. What they are
  told apart by should be their kind and not one publisher: examples are dealt by category, then by
  publisher (the host, or the dump), and none gives more than half of the positives. Where fewer than
  PUBLISHERS publishers give positives, or sources cannot be left out, there is a model and no
  calibration, and pages get no reference score.
- exercise: documents of dumps of category stem. exposition: academic papers, and pages where
  mathematical notation is dense (a share of characters, see MATHEMATICS). other: everything else.
  Left out: pages of any other dump that hold exercises by their marks (shape.holds_exercises), as
  textbooks do in part: neither label would be true of them.
"""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pipelines.cards.urls import normal_url
from pipelines.lake import Dataset, Writer, digest
from pipelines.quality.calibration import fit_curve
from pipelines.quality.examples import (
    LANGUAGES,
    MIN_EXAMPLES,
    PER_DUMP,
    Examples,
    Label,
    balanced,
    collect_examples,
    first,
    folds,
    outside,
)
from pipelines.quality.features import CHARS, FOLDS
from pipelines.quality.held_out import held_out_report
from pipelines.quality.shape import holds_exercises
from pipelines.tables.inputs import DumpTables, training_inputs
from pipelines.tables.stage import Building, Stage

VERSION = 5
MAX_RATIO = 4  # examples of the largest class for each of the smallest, unless a task says otherwise
TRAINING = {
    "dim": 16,
    "epoch": 40,
    "lr": 0.3,
    "wordNgrams": 2,
    "bucket": 50_000,
    "minCount": 2,
    "seed": 1,
    "thread": 1,
}
REFERENCE_TRAINING = TRAINING | {"epoch": 10, "lr": 0.1}
"""Of the reference classifier: how near pages are to reference text matters, not only on which side
they are. AUC against pages judged by hand .72, with TRAINING .67 (benchmarks.decision_scores)."""
REFERENCE_READS = 30_000  # documents, those of every epoch: few examples need more than 10 epochs
MAX_EPOCHS = 60
PUBLISHERS = 3  # that give positives, for a reference score
NEGATIVES = ("webpages", "social", "miscellany")
MATHEMATICS = 0.01  # share of characters that are mathematical signs or TeX commands in a page of exposition
_MATHEMATICS = re.compile(
    r"[\u2200-\u22ff\u0391-\u03c9\u00b1\u00d7\u00f7]|\\(?:frac|sum|int|sqrt|begin|alpha|beta|mathbb|left|cdot)"
)


@dataclass(frozen=True)
class Task:
    """What a classifier tells apart."""

    required: tuple[str, ...]
    """Labels without which a language has no model."""
    training: Mapping[str, Any]
    """Settings of fastText."""
    reads: int = 0
    """Documents to be read at least: more epochs of fewer documents, to MAX_EPOCHS."""
    max_ratio: int = MAX_RATIO
    """Examples of the largest class for each of the smallest."""
    calibrate: str = ""
    """The label whose scores get a curve (calibration.py), from several publishers alone."""


# As many of each class in every fold: folds of few sources differ in size, and the scores of one
# model would lie above those of the other for that alone.
REFERENCE = Task(("reference", "other"), REFERENCE_TRAINING, REFERENCE_READS, 1, "reference")
STEM = Task(("exercise", "other"), TRAINING)


def stem_label(tables: DumpTables, text: str, url: str) -> str | None:
    if tables.card.category == "stem":
        return "exercise"
    if holds_exercises(text[:CHARS]):
        return None
    dense = len(_MATHEMATICS.findall(text)) >= MATHEMATICS * len(text)
    return (
        "exposition"
        if tables.card.category == "academic" or (dense and tables.card.category != "code")
        else "other"
    )


def reference_classifier_stage(dumps: Mapping[str, DumpTables], cited: Collection[str] = ()) -> Stage:
    """The reference classifier: LANGUAGE-{full,fold0,fold1}.bin and card.json. A language without
    both classes has no model.

    `cited`: URLs of pages that a reference work cites; they are positives wherever they were
    crawled.
    """
    urls = frozenset(map(normal_url, cited))

    def label(tables: DumpTables, text: str, url: str) -> str | None:
        if tables.card.reference or (urls and normal_url(url) in urls):
            return "reference"
        return "other" if tables.card.category in NEGATIVES else None

    used = {n: d for n, d in dumps.items() if d.card.reference or d.card.category in NEGATIVES or urls}
    more = {"cited": digest(*sorted(urls))} if urls else {}
    return _classifier_stage("reference_classifier", used, label, REFERENCE, more)


def stem_classifier_stage(dumps: Mapping[str, DumpTables]) -> Stage:
    """The STEM classifier, with exercises and others at least; a label without examples is not in
    the model."""
    return _classifier_stage("stem_classifier", dumps, stem_label, STEM, {})


def _classifier_stage(
    asset: str,
    dumps: Mapping[str, DumpTables],
    label: Label,
    task: Task,
    more: Mapping[str, str],
) -> Stage:
    """`more` are inputs beside the dumps, by hash. Stats: languages."""
    used = {n: d for n, d in sorted(dumps.items()) if not d.card.held_out}
    roles = {n: {"reference": d.card.reference, "category": d.card.category} for n, d in used.items()}
    parameters = {
        "training": dict(task.training),
        "reads": task.reads,
        "publishers": PUBLISHERS if task.calibrate else 0,
        "per_dump": PER_DUMP,
        "max_ratio": task.max_ratio,
        "min_examples": MIN_EXAMPLES,
        "roles": roles,
    }

    def compute(building: Building) -> None:
        writer = building.writer
        examples = collect_examples(used, label)
        card: dict[str, Any] = {"asset": asset, "parameters": parameters, "languages": {}, **more}
        card["training"] = {
            n: {"documents": d.documents.content_hash, "edits": d.edits.content_hash, **roles[n]}
            for n, d in used.items()
        }
        for code in LANGUAGES:
            card["languages"][code] = _train_language(
                writer, code, balanced(examples[code], task.max_ratio, task.calibrate), task
            )
        available = sum(entry["available"] for entry in card["languages"].values())
        writer.write_bytes("card.json", _json(card), {"languages": available})

    return Stage(
        asset,
        VERSION,
        compute,
        parameters=parameters,
        inputs=training_inputs(used) | dict(more),
    )


def _train_language(writer: Writer, code: str, examples: Examples, task: Task) -> dict[str, Any]:
    """Train and write the models of one language; the card's entry for it."""
    required = task.required
    kind, parts = folds({n: rows for n, rows in examples.items() if n in required})
    counts = {name: len(rows) for name, rows in examples.items()}
    lacking = [
        name
        for name in required
        if name not in examples or any(len(part[name]) < MIN_EXAMPLES for part in parts)
    ]
    if lacking:
        reason = (
            f"too few {code} examples of {', '.join(lacking)}: {MIN_EXAMPLES} in each of {FOLDS} folds"
            " are needed; add a dump that has them"
        )
        return {"available": False, "reason": reason, "examples": counts, "labels": []}
    # A label that is not required may have one source only: its sources are then not apart, which
    # fold_by of the others does not hide.
    labels = [n for n, rows in examples.items() if n in required or len(rows) >= FOLDS * MIN_EXAMPLES]
    held_out: list[tuple[str, dict[str, float]]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("full", *(f"fold{k}" for k in range(FOLDS))):
            mine = {
                n: examples[n]
                if name == "full"
                else [r for r in examples[n] if outside(kind, r, int(name[4:]))]
                for n in labels
            }
            path = Path(folder, f"{code}-{name}.bin")
            drawn = first({n: rows for n, rows in mine.items() if rows}, task.max_ratio)
            train_classifier(drawn, path, _settings(task, drawn))
            writer.add_file(path.name, path)
            if name != "full":
                held = [
                    (n, r.features)
                    for n in labels
                    for r in examples[n]
                    if not outside(kind, r, int(name[4:]))
                ]
                held_out += [(n, predict_labels(str(path), words)) for n, words in held]
    found = {
        n: held_out_report(
            [s.get(n, 0.0) for t, s in held_out if t == n], [s.get(n, 0.0) for t, s in held_out if t != n]
        )
        for n in labels
    }
    sources = {n: len({r.group for r in examples[n]}) for n in labels}
    publishers = {n: Counter(r.publisher for r in examples[n]) for n in labels}
    calibration = _calibration(task, kind, publishers, held_out) if task.calibrate else {}
    return {
        "available": True,
        "labels": labels,
        "examples": {n: counts[n] for n in labels},
        "sources": sources,
        "publishers": {n: len(counts) for n, counts in publishers.items()},
        "largest_publishers": {n: dict(counts.most_common(5)) for n, counts in publishers.items()},
        "kinds": {n: dict(sorted(Counter(r.kind for r in examples[n]).items())) for n in labels},
        "fold_by": kind,
        "out_of_fold": found,
        **calibration,
    }


def _calibration(
    task: Task,
    fold_by: str,
    publishers: Mapping[str, Counter[str]],
    held_out: list[tuple[str, dict[str, float]]],
) -> dict[str, Any]:
    """{"calibration": the curve of the label, from scores out of fold}; None with the reason where
    one publisher, and not a kind of text, may be what the model knows."""
    number = len(publishers[task.calibrate])
    if number < PUBLISHERS or fold_by != "group":
        reason = (
            f"{task.calibrate} text comes from {number} publishers, and {PUBLISHERS} with sources apart are"
            " needed for a score: add reference dumps of other kinds, or cards/reference_urls.txt"
        )
        return {"calibration": None, "uncalibrated": reason}
    scores = {
        positive: [s.get(task.calibrate, 0.0) for t, s in held_out if (t == task.calibrate) is positive]
        for positive in (True, False)
    }
    return {"calibration": fit_curve(scores[True], scores[False])}


def _settings(task: Task, examples: Examples) -> dict[str, Any]:
    """fastText's settings for so many examples."""
    epochs = -(-task.reads // max(sum(map(len, examples.values())), 1))
    return dict(task.training) | {"epoch": max(task.training["epoch"], min(epochs, MAX_EPOCHS))}


def train_classifier(
    examples: Examples, path: Path, settings: Mapping[str, Any] = MappingProxyType(TRAINING)
) -> None:
    """Train on examples in an order that mixes the labels, and save. `settings` are fastText's."""
    import fasttext

    lines = sorted(
        (row.doc_id, f"__label__{name} {row.features}") for name, rows in examples.items() for row in rows
    )
    source = path.with_suffix(".txt")
    source.write_text("".join(f"{line}\n" for _, line in lines), encoding="utf-8")
    model = fasttext.train_supervised(input=str(source), loss="softmax", verbose=0, **settings)
    model.save_model(str(path))
    source.unlink()


@lru_cache(maxsize=16)
def _load(path: str) -> Any:
    import fasttext

    return fasttext.load_model(path)


def predict_labels(path: str, words: str) -> dict[str, float]:
    """Probability of each label by the model in file `path`. Paths of the lake name their content,
    so a model is loaded once."""
    return {
        label.removeprefix("__label__"): float(min(p, 1.0))
        for p, label in _load(path).f.predict(words + "\n", -1, 0.0, "replace")
    }


def class_counts(model: Dataset) -> Counter[str]:
    """Examples of each label over all languages, for reports."""
    return Counter(
        {
            n: c
            for entry in model.read_json("card.json")["languages"].values()
            for n, c in entry["examples"].items()
        }
    )


def _json(value: Any) -> bytes:
    import json

    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
