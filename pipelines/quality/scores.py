"""The table `scores`: one score of each kind for every document, by the published models.

Belongs here: applying the published models to a dump. Does not belong here: training
(classifiers.py, perplexity.py), thresholds.

A document that a model was trained on is scored by the model of the other fold, which saw neither
it nor, as a rule, its source.
"""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from pipelines.edits.render import rendered_texts
from pipelines.lake import Dataset
from pipelines.quality.features import features
from pipelines.tables.alignment import read_aligned
from pipelines.tables.columns import described
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Stage, Stats, row_aligned

VERSION = 5
SCORES = described(
    "scores",
    [
        ("doc_id", ID, "as in documents"),
        (
            "reference",
            pa.float32(),
            "probability that a page is reference text and not a page of the crawl, both as frequent;"
            " null without a calibrated model of its language",
        ),
        ("stem_exercise", pa.float32(), "probability of an exercise with solution"),
        ("stem_exposition", pa.float32(), "probability of STEM exposition"),
        ("perplexity", pa.float32(), "of 5-gram KenLM over BPE pieces, per piece; null without a model"),
    ],
)
MAX_PERPLEXITY = 1e6


def scores_stage(
    documents: Dataset,
    edits: Dataset,
    language: Dataset,
    reference: Dataset,
    stem: Dataset,
    perplexity: Dataset,
) -> Stage:
    """The scores of every document (schema SCORES), row-aligned with `documents`, rounded to 1e-4.

    `language` is the table signals/language. The parameters carry the perplexity cutoffs by
    language and kind. Stats: documents, scored by column.
    """
    models = {"reference": reference, "stem": stem, "perplexity": perplexity}
    cards = {name: model.read_json("card.json") for name, model in models.items()}

    def rows(i: int) -> tuple[pa.Table, Stats]:
        metadata, codes = read_aligned(i, (documents, ["doc_id", "side", "group"]), (language, ["language"]))
        texts = rendered_texts(documents, edits, i).to_pylist()
        scored = list(zip(metadata.to_pylist(), codes["language"].to_pylist(), texts, strict=True))
        table = score_rows(models, cards, documents, scored)
        return table, {
            "documents": len(scored),
            "scored": {n: len(scored) - table[n].null_count for n in SCORES.names[1:]},
        }

    return Stage(
        "scores",
        VERSION,
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        parameters={"perplexity_cutoffs": perplexity_cutoffs(cards["perplexity"])},
        inputs={"documents": documents, "edits": edits, "signals/language": language, **models},
    )


def perplexity_cutoffs(card: dict[str, Any]) -> dict[str, dict[str, dict[str, float]]]:
    """The cutoffs of a card of perplexity models, by language and kind."""
    from pipelines.quality.perplexity import CUTOFFS

    return {
        code: {kind: {name: cut[name] for name in CUTOFFS} for kind, cut in entry["kinds"].items()}
        for code, entry in card["languages"].items()
        if entry["available"]
    }


def score_rows(
    models: dict[str, Dataset],
    cards: dict[str, Any],
    documents: Dataset,
    rows: list[tuple[dict[str, Any], str, str]],
) -> pa.Table:
    """SCORES of (doc_id, side and group of the document, language, text); `documents` are those
    that they are of."""
    return pa.Table.from_pylist([_score(models, cards, documents, *row) for row in rows], SCORES)


def _score(
    models: dict[str, Dataset],
    cards: dict[str, Any],
    documents: Dataset,
    head: dict[str, Any],
    code: str,
    text: str,
) -> dict[str, Any]:
    from pipelines.quality.calibration import calibrated
    from pipelines.quality.classifiers import predict_labels
    from pipelines.quality.examples import fold_of
    from pipelines.quality.perplexity import perplexity_of

    doc_id = head["doc_id"]
    row: dict[str, Any] = {
        "doc_id": doc_id,
        "reference": None,
        "stem_exercise": None,
        "stem_exposition": None,
        "perplexity": None,
    }
    words = ""
    for task in ("reference", "stem"):
        card = cards[task]
        entry = card["languages"].get(code)
        if not entry or not entry["available"] or (task == "reference" and not entry["calibration"]):
            continue
        trained_on = head["side"] == "train" and any(
            t["documents"] == documents.content_hash for t in card["training"].values()
        )
        group = head["group"] or documents.manifest.partition
        words = words or features(text)
        which = f"fold{fold_of(entry['fold_by'], doc_id, group)}" if trained_on else "full"
        found = predict_labels(str(models[task].local(f"{code}-{which}.bin")), words)
        if task == "reference":
            row["reference"] = round(float(calibrated(found.get("reference", 0.0), entry["calibration"])), 4)
        else:
            for label in ("exercise", "exposition"):
                row[f"stem_{label}"] = round(found.get(label, 0.0), 4) if label in entry["labels"] else None
    if cards["perplexity"]["languages"].get(code, {}).get("available"):
        row["perplexity"] = round(
            min(perplexity_of(str(models["perplexity"].local()), code, text), MAX_PERPLEXITY), 2
        )
    return row
