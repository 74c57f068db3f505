"""The tables classifiers/NAME: what the model of a classifier card says of every document.

Belongs here: columns, scoring texts, the stage of a table. Does not belong here: training
(classifier_models.py), bounds (filtering/), buckets of a release (release/buckets.py).

Each card has a table of its own, row-aligned with documents: another card computes one table, and
nothing else is computed anew.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.edits.render import rendered_texts
from pipelines.lake import Dataset
from pipelines.quality.classifier_models import CARD, MODEL
from pipelines.quality.hashed import LinearModel, features_of, from_bytes, outputs_of
from pipelines.tables.alignment import read_aligned
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Stage, Stats, row_aligned

VERSION = 1


def schema_of(columns: Sequence[str]) -> pa.Schema:
    """doc_id, and the columns of a model: `label` (the likeliest class) is text, `score` (a number, or
    the probability of that class) and every class (its probability) float32. Null where the model
    has nothing for the document's language."""
    return pa.schema([("doc_id", ID), *((c, pa.string() if c == "label" else pa.float32()) for c in columns)])


@dataclass(frozen=True)
class Classifier:
    """A model that is read: `dense` holds the weights of its parts, `files` the paths of fastText's."""

    card: dict[str, Any]
    linear: dict[str, LinearModel]
    dense: dict[str, NDArray[np.float32]]
    files: dict[str, str]

    @property
    def columns(self) -> list[str]:
        return list(self.card["columns"])

    def score(
        self, texts: pa.Array | pa.ChunkedArray, languages: Sequence[str | None]
    ) -> dict[str, list[Any]]:
        """The value of every column for every text; numbers are rounded to 1e-4."""
        out: dict[str, list[Any]] = {name: [None] * len(languages) for name in self.columns}
        parts = {"all": tuple(self.card["card"]["languages"])}
        if not self.card["card"]["one_model"]:
            parts = {code: (code,) for code in self.card["card"]["languages"]}
        for part, codes in parts.items():
            entry = self.card["models"][part]
            rows = np.array([k for k, code in enumerate(languages) if code in codes], np.int64)
            if entry["available"] and len(rows):
                self._fill(out, rows, entry, self._outputs(part, entry, texts.take(pa.array(rows))))
        return out

    def _outputs(
        self, part: str, entry: dict[str, Any], texts: pa.Array | pa.ChunkedArray
    ) -> NDArray[np.float64]:
        if part in self.linear:
            model = self.linear[part]
            features = features_of(texts, model.ngrams, model.bits)
            return outputs_of(model, self.dense[part], features, bool(entry["classes"]))
        from pipelines.quality.classifiers import predict_labels
        from pipelines.quality.features import features as words

        found = [predict_labels(self.files[part], words(text)) for text in texts.to_pylist()]
        return np.array([[f.get(c, 0.0) for c in entry["classes"]] for f in found])

    @staticmethod
    def _fill(
        out: dict[str, list[Any]], rows: NDArray[np.int64], entry: dict[str, Any], values: NDArray[np.float64]
    ) -> None:
        if not entry["classes"]:
            found = np.clip(values[:, 0], *entry["range"]).round(4).tolist()
            for row, value in zip(rows.tolist(), found, strict=True):
                out["score"][row] = value
            return
        rounded, best = values.round(4), values.argmax(axis=1)
        for k, row in enumerate(rows.tolist()):
            out["label"][row] = entry["classes"][best[k]]
            out["score"][row] = rounded[k, best[k]]
        for place, name in enumerate(entry["classes"]):
            for row, value in zip(rows.tolist(), rounded[:, place].tolist(), strict=True):
                out[name][row] = value


@lru_cache(maxsize=32)
def _cached(root: str, path: str) -> list[Classifier]:
    """A place for the model at a path of a lake: such a path names its content."""
    return []


def classifier(model: Dataset) -> Classifier:
    """The model of a dataset, read once a process."""
    place = _cached(model.lake.root, model.path)
    if not place:
        card = model.read_json(CARD)
        names = {part.path for part in model.parts}
        linear = from_bytes(model.read_bytes(MODEL)) if MODEL in names else {}
        files = {n.removesuffix(".bin"): str(model.local(n)) for n in names if n.endswith(".bin")}
        place.append(Classifier(card, linear, {n: m.dense() for n, m in linear.items()}, files))
    return place[0]


def score_texts(
    model: Dataset,
    ids: pa.ChunkedArray | pa.Array,
    texts: pa.Array | pa.ChunkedArray,
    languages: Sequence[str | None],
) -> pa.Table:
    """Rows of `schema_of` for some texts in these languages."""
    scorer = classifier(model)
    schema, values = schema_of(scorer.columns), scorer.score(texts, languages)
    columns = [pa.array(values[f.name], f.type) for f in schema if f.name != "doc_id"]
    return pa.table([ids, *columns], schema=schema)


def classifier_scores_stage(
    name: str, documents: Dataset, edits: Dataset, language: Dataset, model: Dataset
) -> Stage:
    """The table classifiers/NAME of a dump, row-aligned with `documents`; `language` is the table
    signals/language, `model` a dataset of classifier_model_stage. Stats: documents, scored, and the
    documents of each label."""

    def rows(i: int) -> tuple[pa.Table, Stats]:
        metadata, codes = read_aligned(i, (documents, ["doc_id"]), (language, ["language"]))
        texts = rendered_texts(documents, edits, i)
        table = score_texts(model, metadata["doc_id"], texts, codes["language"].to_pylist())
        stats: dict[str, Any] = {"documents": len(table), "scored": len(table) - table["score"].null_count}
        if "label" in table.column_names:
            counts = table["label"].drop_null().value_counts().to_pylist()
            stats["labels"] = {row["values"]: row["counts"] for row in counts}
        return table, stats

    return Stage(
        f"classifiers/{name}",
        VERSION,
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        parameters={"columns": model.read_json(CARD)["columns"]},
        inputs={"documents": documents, "edits": edits, "signals/language": language, "model": model},
    )
