"""The STEM classifier on sources left out of its training: exercises with solutions, exposition,
everything else.

Run: python -m benchmarks.classifiers [--quick] [--lake FOLDER] [--data ../shared/data]

Every source (an exam set, a book, a site) is in one of three folds; a model is trained on two and
scores the third. The settings of that model are chosen among SETTINGS by leaving out sources of those
two folds in turn: what is reported was never used to choose. Three sets of figures a language:

- plain (auc_en): every piece bears the label of its source.
- ruled (ruled_auc_en): without the pieces of other sources that hold exercises by their marks
  (pipelines.quality.shape), for which the label of a mixed textbook is wrong. Training leaves them
  out in all three.
- outside (outside_auc_en): the shipped settings trained on all sources, on exams and pages of
  sources that were never in a fold.

Last, documents a CPU second of all that scores a document (documents_per_cpu_second_all_en), over whole
documents of the corpus.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.classifier_texts import Text, number, outside, texts
from benchmarks.signatures import hardware
from pipelines.lake import Lake

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDS = 3
SETTINGS: tuple[dict[str, Any], ...] = (
    {},
    {"epoch": 15},
    {"lr": 0.1},
    {"wordNgrams": 3, "bucket": 200_000},
)  # beside those shipped

Ready = tuple[str, str, str, bool]  # label, source, features, whether an unlabelled piece holds exercises
Scored = tuple[str, str, float, bool]  # label, source, score of exercise, the same


def ready(rows: Iterable[Text]) -> list[Ready]:
    """What a model reads of each text."""
    from pipelines.quality.features import CHARS, features
    from pipelines.quality.shape import holds_exercises

    return [
        (la, so, features(text), la != "exercise" and holds_exercises(text[:CHARS]))
        for _, la, so, text in rows
    ]


def trained(rows: list[Ready], settings: dict[str, Any], folder: str) -> str:
    """Path of a model of the rows, without the pieces that the rule leaves out."""
    from pipelines.quality.classifiers import TRAINING, train_classifier
    from pipelines.quality.examples import Examples, TrainingRow

    examples: Examples = {}
    for k, (label, source, words, mixed) in enumerate(rows):
        if not mixed:
            name = number(str(k)).to_bytes(4, "big")
            examples.setdefault(label, []).append(TrainingRow(name, source, words))
    path = Path(tempfile.mkdtemp(dir=folder), "model.bin")
    train_classifier(examples, path, TRAINING | settings)
    return str(path)


def scored(model: str, rows: list[Ready]) -> list[Scored]:
    from pipelines.quality.classifiers import predict_labels

    return [
        (la, so, predict_labels(model, words).get("exercise", 0.0), mixed) for la, so, words, mixed in rows
    ]


def folds_of(rows: list[Ready], count: int) -> list[tuple[list[Ready], list[Ready]]]:
    """(training, left out) of each fold; the sources of a label are dealt in the order of their
    names."""
    order = {label: sorted({r[1] for r in rows if r[0] == label}) for label in {r[0] for r in rows}}
    fold = {
        (label, source): k % count for label, sources in order.items() for k, source in enumerate(sources)
    }
    return [
        ([r for r in rows if fold[r[0], r[1]] != k], [r for r in rows if fold[r[0], r[1]] == k])
        for k in range(count)
    ]


def area(found: list[Scored], label: str = "") -> float:
    """AUC of exercises against the others, or against those of one label."""
    from pipelines.quality.held_out import auc

    positive = [s for la, _, s, _ in found if la == "exercise"]
    return (
        auc(positive, [s for la, _, s, _ in found if la == label or (not label and la != "exercise")]) or 0.0
    )


def left_out(rows: list[Ready], folder: str) -> tuple[list[Scored], list[dict[str, Any]]]:
    """Scores of every text by a model without its source, and the settings chosen for each fold by
    the sources of the others."""
    found: list[Scored] = []
    chosen = []
    for training, held in folds_of(rows, FOLDS):
        inner = folds_of(training, FOLDS - 1)
        areas = [
            area([s for part, rest in inner for s in scored(trained(part, settings, folder), rest)])
            for settings in SETTINGS
        ]
        chosen.append(SETTINGS[areas.index(max(areas))])
        found += scored(trained(training, chosen[-1], folder), held)
    return found, chosen


def figures(name: str, language: str, found: list[Scored]) -> dict[str, Any]:
    """The report of `found` under metric names, and its lines of the table."""
    from pipelines.quality.held_out import held_out_report

    numbers = held_out_report(
        [s for la, _, s, _ in found if la == "exercise"], [s for la, _, s, _ in found if la != "exercise"]
    )
    labels = sorted({f[0] for f in found} - {"exercise"})
    numbers |= {f"auc_{label}": area(found, label) for label in labels}
    print(f"{language} {name or 'plain'}: {numbers}")
    return {f"{name}_{key}_{language}".lstrip("_"): value for key, value in numbers.items()}


def print_means(found: list[Scored]) -> None:
    for label in sorted({f[0] for f in found}):
        by_source = {
            so: [s for la, s2, s, _ in found if la == label and s2 == so]
            for so in sorted({f[1] for f in found if f[0] == label})
        }
        print(
            f"  mean score of {label}: "
            + ", ".join(f"{so} {sum(v) / len(v):.2f} ({len(v)})" for so, v in by_source.items())
        )


def speeds(rows: list[Text], models: dict[str, str], kenlm: Path | None) -> dict[str, float]:
    """Documents a CPU second of what scores them, by language: fastText (its features, and two models of
    them), the classifiers that come with the project, perplexity where a lake has its models, and all
    together. Each text is read once after those of another part, so that nothing of it is remembered."""
    import pyarrow as pa

    from pipelines.quality.classifier_models import SHIPPED, shipped_names
    from pipelines.quality.classifier_scores import Classifier
    from pipelines.quality.classifiers import predict_labels
    from pipelines.quality.features import features
    from pipelines.quality.hashed import from_bytes
    from pipelines.quality.perplexity import perplexity_of

    shipped = []
    for name in shipped_names():
        linear = from_bytes((SHIPPED / f"{name}.npz").read_bytes())
        card = json.loads((SHIPPED / f"{name}.json").read_text(encoding="utf-8"))
        shipped.append(Classifier(card, linear, {n: m.dense() for n, m in linear.items()}, {}))
    found: dict[str, float] = {}
    for language in models:
        mine = [text for code, _, _, text in rows if code == language]
        warm, timed = mine[::2], mine[1::2]

        def fasttext(texts: list[str], language: str = language) -> None:
            for text in texts:
                words = features(text)
                predict_labels(models[language], words)
                predict_labels(models[language], words)

        def classifiers(texts: list[str], language: str = language) -> None:
            for one in shipped:
                one.score(pa.array(texts, pa.large_string()), [language] * len(texts))

        def perplexity(texts: list[str], language: str = language) -> None:
            for text in texts:
                perplexity_of(str(kenlm), language, text)

        steps = {"fasttext": fasttext, "shipped": classifiers}
        seconds: dict[str, float] = {}
        for name, step in (steps | ({"perplexity": perplexity} if kenlm else {})).items():
            step(warm)
            begun = time.process_time()
            step(timed)
            seconds[name] = time.process_time() - begun
        seconds["without_perplexity"] = seconds["fasttext"] + seconds["shipped"]
        if kenlm:
            seconds["all"] = seconds["without_perplexity"] + seconds["perplexity"]
        rates = {
            f"documents_per_cpu_second_{n}_{language}": round(len(timed) / s) for n, s in seconds.items()
        }
        print(
            f"{language}: {len(timed)} texts, {sum(map(len, timed)) // len(timed)} characters each: {rates}"
        )
        found |= rates
    return found


def whole_documents(data: Path, limit: int) -> list[Text]:
    """The first documents of every source of the corpus in English and Chinese, whole."""
    from tools.label_sources import corpus

    counts: dict[tuple[str, str], int] = {}
    found: list[Text] = []
    for name, _, row in corpus(data, 10 * limit):
        key = (name, row["lang"])
        counts[key] = counts.get(key, 0) + 1
        if row["lang"] in ("en", "zh") and counts[key] <= limit:
            found.append((row["lang"], "", name, row["text"]))
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="fewer texts of each source")
    parser.add_argument("--lake", type=Path, help="a lake whose perplexity models are timed too")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name the data with --data", file=sys.stderr)
        return 2
    limit = 100 if options.quick else 1000
    rows, new = list(texts(options.data, limit)), list(outside(options.data, limit))
    metrics: dict[str, Any] = {}
    kept = tempfile.TemporaryDirectory()
    models: dict[str, str] = {}
    for language in ("en", "zh"):
        mine, others = (ready(r for r in part if r[0] == language) for part in (rows, new))
        with tempfile.TemporaryDirectory() as folder:
            found, chosen = left_out(mine, folder)
            models[language] = trained(mine, {}, kept.name)
            unseen = scored(models[language], others)
        print(
            f"{language}: {sum(r[3] for r in mine)} of {len(mine)} texts left out by the rule; settings "
            f"chosen for the folds: {chosen}"
        )
        metrics |= figures("", language, found) | figures("ruled", language, [f for f in found if not f[3]])
        print_means(found)
        metrics |= figures("outside", language, unseen) | figures(
            "outside_ruled", language, [f for f in unseen if not f[3]]
        )
        print_means(unseen)
    kenlm = Lake(options.lake).current("perplexity_models").local() if options.lake else None
    metrics |= speeds(whole_documents(options.data, 40), models, kenlm)
    kept.cleanup()
    goal = {"auc_en": 0.97, "auc_zh": 0.97, "documents_per_cpu_second_all_zh": 1000}
    command = "python -m benchmarks.classifiers" + (" --quick" if options.quick else "")
    print(
        json.dumps(
            {
                "name": "classifiers",
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
