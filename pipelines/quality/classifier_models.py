"""Models of classifier cards: trained on labelled text, or those that come with the project.

Belongs here: training by a card, the model's own card, the dataset of a model. Does not belong here:
reading examples (labelled.py), the compiled part (hashed.py), tables of scores (classifier_scores.py).

The dataset classifier_models/NAME holds `card.json` (what the model is, what it was trained on, how
well it tells what was left out) and `model.npz` (linear) or LANGUAGE.bin (fastText). The shipped
models lie in shipped/ in that form, as one NAME.json and one NAME.npz, made by
`python -m tools.label_sources`.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.cards.base import CardError, card_names
from pipelines.cards.classifier import CARDS, ClassifierCard
from pipelines.edits.render import rendered_texts
from pipelines.lake import Dataset, Lake, digest
from pipelines.quality.hashed import Features, LinearModel, features_of, outputs_of, to_bytes, train
from pipelines.quality.labelled import LabelledText, class_report, deal, number_report, read_examples
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import Building, Stage

VERSION = 2
SHIPPED = Path(__file__).with_name("shipped")
MIN_EXAMPLES = 10  # of each class, or in all for a number, below which there is no model
IMPORTANCE = (0.2, 5.0)  # least and greatest factor on an example's step, by how rare its class is
MODEL, CARD = "model.npz", "card.json"


def shipped_names() -> list[str]:
    """Names of the classifiers that come with the project."""
    return sorted(path.stem for path in SHIPPED.glob("*.json"))


def classifier_names(lake: Lake) -> list[str]:
    """Names of the classifiers of a lake: those of its cards, and those that come with the project, which
    a card of that name replaces."""
    return sorted({*card_names(lake, CARDS), *shipped_names()})


def shipped_stage(name: str) -> Stage:
    """The model that comes with the project, as it is."""
    card, model = ((SHIPPED / f"{name}.{ending}").read_bytes() for ending in ("json", "npz"))

    def compute(building: Building) -> None:
        building.writer.write_bytes(CARD, card)
        building.writer.write_bytes(MODEL, model)

    return Stage(f"classifier_models/{name}", VERSION, compute, inputs={"shipped": digest(card, model)})


def classifier_model_stage(card: ClassifierCard, data: bytes, dump: DumpTables | None = None) -> Stage:
    """The model of a card. `data` is the content of its file of examples; `dump` the tables of the
    dump that it names. Stats: examples, languages with a model."""
    inputs: dict[str, Dataset | str] = {"examples": digest(data)}
    if dump is not None:
        inputs |= {"documents": dump.documents, "edits": dump.edits}

    def compute(building: Building) -> None:
        examples = read_examples(card, data, None if dump is None else texts_by_id(dump))
        value, files = trained(card, examples)
        for name, content in files.items():
            building.writer.write_bytes(name, content)
        stats = {
            "examples": len(examples),
            "languages": sum(p["available"] for p in value["models"].values()),
        }
        building.writer.write_bytes(CARD, json_bytes(value), stats)

    return Stage(
        f"classifier_models/{card.name}", VERSION, compute, parameters=card.parameters(), inputs=inputs
    )


def texts_by_id(dump: DumpTables) -> dict[str, str]:
    """Rendered text of every document of a dump, by its id in hexadecimal."""
    found: dict[str, str] = {}
    for index in range(len(dump.documents.parts)):
        ids = dump.documents.read_part(index, ["doc_id"])["doc_id"].to_pylist()
        texts = rendered_texts(dump.documents, dump.edits, index).to_pylist()
        found |= zip((i.hex() for i in ids), texts, strict=True)
    return found


def trained(
    card: ClassifierCard, examples: Sequence[LabelledText]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """(the model's card, its files by name). CardError where no language has enough examples."""
    parts: dict[str, dict[str, Any]] = {}
    models: dict[str, LinearModel] = {}
    files: dict[str, bytes] = {}
    for name, languages in card.parts().items():
        mine = [e for e in examples if e.language in languages]
        classes = sorted({str(e.label) for e in mine}) if card.gives == "classes" else []
        counts = Counter(str(e.label) for e in mine) if classes else Counter({"all": len(mine)})
        classes = [c for c in classes if counts[c] >= MIN_EXAMPLES]
        if lacking := _lacking(card, mine, classes):
            parts[name] = {"available": False, "reason": f"{' and '.join(languages)}: {lacking}"}
            continue
        if classes:
            mine = [e for e in mine if e.label in classes]
        parts[name] = {"available": True, "classes": classes, **_report(card, mine, classes, languages)}
        if card.method == "linear":
            models[name] = _linear(
                card, features_of(_texts(mine), card.ngrams, card.hash_bits), mine, classes
            )
        else:
            files[f"{name}.bin"] = _fasttext(card, mine)
    if not any(p["available"] for p in parts.values()):
        reasons = "; ".join(p["reason"] for p in parts.values())
        raise CardError(f"classifier {card.name}: {card.examples} has too few examples ({reasons})")
    if models:
        files[MODEL] = to_bytes(models)
    columns = ["score"]
    if card.gives == "classes":
        columns = ["label", "score", *sorted({c for p in parts.values() for c in p.get("classes", ())})]
    value = {
        "asset": f"classifier_models/{card.name}",
        "card": card.parameters(),
        "columns": columns,
        "models": parts,
    }
    return value, files


def json_bytes(value: Any) -> bytes:
    """The model's card as a file."""
    return (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _lacking(card: ClassifierCard, examples: Sequence[LabelledText], classes: Sequence[str]) -> str:
    """What keeps examples from training, or nothing."""
    if card.gives == "classes":
        return "" if len(classes) >= 2 else f"fewer than two classes with {MIN_EXAMPLES} examples"
    if len(examples) < MIN_EXAMPLES:
        return f"fewer than {MIN_EXAMPLES} examples"
    return "" if len({e.label for e in examples}) > 1 else "all labels are one number"


def _texts(examples: Sequence[LabelledText]) -> pa.Array:
    return pa.array([e.text.encode("utf-8", "replace").decode() for e in examples], pa.large_string())


def _targets(
    examples: Sequence[LabelledText], classes: Sequence[str]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(targets [examples, outputs], importance [examples]); rare classes weigh more."""
    if not classes:
        return np.array([[e.label] for e in examples], np.float64), np.ones(len(examples))
    place = {name: k for k, name in enumerate(classes)}
    number = np.array([place[str(e.label)] for e in examples])
    counts = np.bincount(number, minlength=len(classes))
    weight = np.clip(len(examples) / (len(classes) * np.maximum(counts, 1)), *IMPORTANCE)
    return np.eye(len(classes))[number], weight[number]


def _linear(
    card: ClassifierCard, features: Features, examples: Sequence[LabelledText], classes: Sequence[str]
) -> LinearModel:
    targets, importance = _targets(examples, classes)
    return train(
        features,
        targets,
        importance,
        classes=bool(classes),
        ngrams=card.ngrams,
        bits=card.hash_bits,
        epochs=card.epochs,
        rate=card.learning_rate,
        decay=card.decay,
        max_weights=card.max_weights,
        seed=card.seed,
    )


def _fasttext(card: ClassifierCard, examples: Sequence[LabelledText]) -> bytes:
    from pipelines.quality import classifiers
    from pipelines.quality.examples import Examples, TrainingRow
    from pipelines.quality.features import features

    rows: Examples = {}
    for e in examples:
        row = TrainingRow(e.key, e.source, features(e.text))
        rows.setdefault(str(e.label), []).append(row)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.bin")
        settings = {
            "epoch": card.epochs,
            "lr": card.learning_rate,
            "seed": card.seed,
            "wordNgrams": card.ngrams,
        }
        classifiers.train_classifier(rows, path, classifiers.TRAINING | settings)
        return path.read_bytes()


def _fasttext_scores(model: bytes, texts: Sequence[str], classes: Sequence[str]) -> NDArray[np.float64]:
    from pipelines.quality.classifiers import predict_labels
    from pipelines.quality.features import features

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, f"{digest(model)}.bin")
        path.write_bytes(model)
        found = [predict_labels(str(path), features(text)) for text in texts]
    return np.array([[f.get(c, 0.0) for c in classes] for f in found]).reshape(-1, len(classes))


def out_of_fold(
    card: ClassifierCard, examples: Sequence[LabelledText], classes: Sequence[str]
) -> tuple[NDArray[np.float64], list[str]]:
    """(outputs [examples, classes or 1] by models that saw neither the example nor its source; labels
    whose sources are not apart, see labelled.deal)."""
    fold, together = deal(examples, card.folds)
    scores = np.zeros((len(examples), max(len(classes), 1)))
    features = features_of(_texts(examples), card.ngrams, card.hash_bits) if card.method == "linear" else None
    for k in range(card.folds):
        learn, held = (np.flatnonzero(rows) for rows in (fold != k, fold == k))
        if not len(held):
            continue
        mine = [examples[int(i)] for i in learn]
        if features is None:
            scores[held] = _fasttext_scores(
                _fasttext(card, mine), [examples[int(i)].text for i in held], classes
            )
        else:
            model = _linear(card, features.take(learn), mine, classes)
            scores[held] = outputs_of(model, model.dense(), features.take(held), bool(classes))
    return scores, together


def _report(
    card: ClassifierCard, examples: Sequence[LabelledText], classes: Sequence[str], languages: Sequence[str]
) -> dict[str, Any]:
    """How well models without a fold tell that fold, over all and by language; how many examples and
    sources there are."""
    scores, together = out_of_fold(card, examples, classes)
    labels = [e.label for e in examples]
    sources: dict[str, set[str]] = {}
    for e in examples:
        sources.setdefault(str(e.label) if classes else "all", set()).add(e.source or e.key.hex())
    value: dict[str, Any] = {
        "examples": dict(sorted(Counter(str(x) if classes else "all" for x in labels).items())),
        "sources": {name: len(found) for name, found in sorted(sources.items())},
        "folds": card.folds,
        "left_out": "sources" if card.fields.source else "texts",
        "sources_not_apart": together if card.fields.source else [],
        "held_out": _figures(labels, scores, classes),
    }
    if not classes:
        value["range"] = [min(labels), max(labels)]
    if len(languages) > 1:
        by = {c: [i for i, e in enumerate(examples) if e.language == c] for c in languages}
        value["held_out_by_language"] = {
            c: _figures([labels[i] for i in rows], scores[rows], classes) for c, rows in by.items() if rows
        }
    return value


def _figures(
    labels: Sequence[str | float], scores: NDArray[np.float64], classes: Sequence[str]
) -> dict[str, Any]:
    if classes:
        return class_report([str(label) for label in labels], scores, classes)
    return number_report(np.array(labels, float), scores[:, 0])
