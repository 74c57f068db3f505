"""Labelled text: rows of a file as examples, how they are dealt to folds, and how well what was left
out is told.

Belongs here: reading and choosing examples, folds, the report. Does not belong here: models
(hashed.py), cards (cards/classifier.py), training and its dataset (classifier_models.py).
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import math
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.cards.base import CardError
from pipelines.cards.classifier import ClassifierCard, check_class
from pipelines.quality.held_out import auc

WRONG_LABEL = "field {field!r} is {value!r}, and the card says that labels are {wanted}"


@dataclass(frozen=True)
class LabelledText:
    """One labelled text. `key` is the hash of the text; `label` a class or a number."""

    key: bytes
    text: str
    label: str | float
    source: str
    language: str


def rows_of(data: bytes, name: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """(number of the line, from 1; row) of a file's JSON objects. CardError names the file and the
    line that is none."""
    for number, line in enumerate(_decoded(data, name).removeprefix(codecs.BOM_UTF8).split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode())
        except UnicodeDecodeError:
            raise CardError(
                f"{name}, line {number}: not in UTF-8; write the file anew in it, say with `iconv -f CHARSET"
                " -t UTF-8`"
            ) from None
        except (ValueError, RecursionError):
            row = None
        if not isinstance(row, dict):
            raise CardError(f"{name}, line {number}: expected one JSON object a line")
        yield number, row


def _decoded(data: bytes, name: str) -> bytes:
    import zstandard

    try:
        if name.endswith(".gz"):
            return gzip.decompress(data)
        if name.endswith(".zst"):
            with zstandard.ZstdDecompressor().stream_reader(data, read_across_frames=True) as stream:
                return stream.read()
    except (OSError, EOFError, zlib.error, zstandard.ZstdError) as error:
        raise CardError(f"{name} is not readable as its name says: {error}") from None
    return data


def read_examples(
    card: ClassifierCard, data: bytes, texts: Mapping[str, str] | None = None
) -> list[LabelledText]:
    """The examples of a card's file, in the order of their keys, one for each text; at most
    `per_source` of a source, label and language. The order of the rows does not count.

    A text that has several rows, as of several readers, has the mean of their numbers; one whose rows
    say different classes (the card's or not) is left out. `texts` by doc_id where the card names a
    dump; rows of documents that are gone are left out.
    CardError names the line, the field and what was expected.
    """
    found: defaultdict[bytes, list[LabelledText]] = defaultdict(list)
    fields, name = card.fields, card.examples
    for number, row in rows_of(data, name):
        text = _value(row, fields.text)
        if texts is not None:
            text = texts.get(str(_value(row, fields.doc_id) or ""), "")
            if not text:
                continue
        if isinstance(text, str) and not text.strip():
            raise CardError(f"{name}, line {number}: field {fields.text!r} is empty: take the row out")
        if not isinstance(text, str):
            raise CardError(
                f"{name}, line {number}: no text in field {fields.text!r}; the row has"
                f" {', '.join(sorted(row)) or 'no field'}. Name it in the card, `fields: {{text: NAME}}`"
            )
        label = _label(card, row, number)
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # half of a pair: U+FFFD
        key = hashlib.blake2b(text.encode(), digest_size=16).digest()
        source = str(_value(row, fields.source) or "") if fields.source else ""
        language = str(_value(row, fields.language) or "") if fields.language else ""
        found[key].append(LabelledText(key, text, label, source, language))
    merged = (_merged(card, found[key]) for key in sorted(found))
    return _at_most(card, _with_languages([example for example in merged if example]))


def _merged(card: ClassifierCard, rows: list[LabelledText]) -> LabelledText | None:
    """One example of the rows of one text; None where they differ in class, or in a class that the
    card does not name."""
    labels = [row.label for row in rows]
    first = min(rows, key=lambda row: (row.source, row.language))
    if card.gives == "number":
        return replace(first, label=math.fsum(float(label) for label in labels) / len(labels))
    known = not card.classes or labels[0] in card.classes
    return replace(first, label=labels[0]) if known and len(set(labels)) == 1 else None


def _value(row: Mapping[str, Any], path: str) -> Any:
    value: Any = row
    for name in path.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _label(card: ClassifierCard, row: Mapping[str, Any], number: int) -> str | float:
    """The label of a row: its number, or its class, be it among those that the card names or not."""
    value, field, where = _value(row, card.fields.label), card.fields.label, f"{card.examples}, line {number}"
    if value is None:
        raise CardError(
            f"{where}: no label in field {field!r}; the row has {', '.join(sorted(row)) or 'no field'}. Name"
            " it in the card, `fields: {label: NAME}`"
        )
    if card.gives == "number":
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise CardError(f"{where}: {WRONG_LABEL.format(field=field, value=value, wanted='numbers')}")
        return float(value)
    if not isinstance(value, str | int) or isinstance(value, bool):
        raise CardError(f"{where}: {WRONG_LABEL.format(field=field, value=value, wanted='classes')}")
    if card.classes:
        return str(value)
    try:
        check_class(str(value))
    except ValueError as error:
        raise CardError(f"{where}: {error}") from None
    return str(value)


def _with_languages(examples: list[LabelledText]) -> list[LabelledText]:
    """The examples with the language of each: its own, or else the measured one."""
    from pipelines.signals.language import measure_language

    missing = [k for k, e in enumerate(examples) if not e.language]
    measured = measure_language([examples[k].text for k in missing])["language"].to_pylist()
    for k, code in zip(missing, measured, strict=True):
        e = examples[k]
        examples[k] = LabelledText(e.key, e.text, e.label, e.source, code)
    return examples


def _at_most(card: ClassifierCard, examples: list[LabelledText]) -> list[LabelledText]:
    """`per_source` of each source, class and language; a source that has no name is no source."""
    counts: Counter[tuple[str, str | float, str]] = Counter()
    out = []
    for e in examples:
        group = (e.source, e.label if card.gives == "classes" else "", e.language)
        counts[group] += 1
        if not e.source or counts[group] <= card.per_source:
            out.append(e)
    return out


def deal(examples: Sequence[LabelledText], folds: int) -> tuple[NDArray[np.int64], list[str]]:
    """(fold of each example, labels whose sources are not apart).

    Whole sources are dealt in turn, those of a class (or in the order of their mean number) one
    after the other, so that each fold has of all. A class of one source, and texts without a source,
    are dealt text by text: what is said of them is no word about sources not seen.
    """
    by_source: dict[str, list[int]] = defaultdict(list)
    for k, e in enumerate(examples):
        by_source[e.source or e.key.hex()].append(k)
    order: list[tuple[str, float, bytes, str]] = []
    for name, rows in by_source.items():
        labels = [examples[k].label for k in rows]
        common = Counter(map(str, labels)).most_common(1)[0][0] if isinstance(labels[0], str) else ""
        mean = 0.0 if isinstance(labels[0], str) else float(np.mean(np.array(labels, float)))
        order.append((common, mean, hashlib.blake2b(name.encode(), digest_size=8).digest(), name))
    sources = Counter(label for label, _, _, _ in order)
    single = sorted(label for label, count in sources.items() if count == 1 and label)
    if len(order) == 1:
        single = single or ["all"]
    out = np.zeros(len(examples), np.int64)
    turn = 0
    for label, _, _, name in sorted(order):
        rows = by_source[name]
        if label in single or single == ["all"]:
            out[rows] = np.arange(len(rows)) % folds
        else:
            out[rows] = turn % folds
            turn += 1
    return out, single


def spearman(a: ArrayLike, b: ArrayLike) -> float | None:
    """Rank correlation, ties at their mean rank; None where one of both does not vary."""
    from scipy.stats import rankdata

    first, second = rankdata(np.asarray(a, float)), rankdata(np.asarray(b, float))
    if len(first) < 2 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return round(float(np.corrcoef(first, second)[0, 1]), 4)


def class_report(
    labels: Sequence[str], scores: NDArray[np.float64], classes: Sequence[str]
) -> dict[str, Any]:
    """Of two classes the AUC of the second; of more accuracy and macro F1; of all the F1 of each.
    `scores` are float64 [examples, classes]."""
    truth = np.array([classes.index(label) for label in labels], np.int64)
    said = scores.argmax(axis=1)
    f1 = {}
    for k, name in enumerate(classes):
        hits = int(np.count_nonzero((truth == k) & (said == k)))
        f1[name] = round(
            2 * hits / max(int(np.count_nonzero(truth == k) + np.count_nonzero(said == k)), 1), 4
        )
    report: dict[str, Any] = {
        "accuracy": round(float((truth == said).mean()), 4),
        "macro_f1": round(float(np.mean(list(f1.values()))), 4),
        "f1": f1,
    }
    if len(classes) == 2:
        report["auc"] = auc(scores[truth == 1, 1], scores[truth == 0, 1])
    return report


def number_report(labels: ArrayLike, scores: ArrayLike) -> dict[str, Any]:
    """Rank correlation and mean absolute error."""
    error = np.abs(np.asarray(labels, float) - np.asarray(scores, float)).mean()
    return {"spearman": spearman(labels, scores), "mean_absolute_error": round(float(error), 4)}
