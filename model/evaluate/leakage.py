"""Has a model seen a benchmark? Losses on its train split, its test split and look-alikes, and
their differences (paper 5).

D1 = L_test - L_ref: clearly below zero when the test split was seen. D2 = L_test - L_train: clearly
above zero when the train split was. The thresholds reproduce the paper's own marking of Table 8.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluate.files import LEAKAGE_SETS, FileError, leakage_file, read_lines
from model.evaluate.scorer import Losses, Scorer

# Table 8 marks D2 from 0.21 on and not at 0.11; D1 at -0.51 and not at -0.11. The cuts lie between.
D2_ABOVE = 0.15
D1_BELOW = -0.2
RESAMPLES = 1000


def sample_text(record: Mapping[str, Any]) -> str:
    """The text that is scored: the sample's own, or question, a space and answer. Calculation notes,
    line ends and the final #### N stay in (the paper's own format)."""
    return str(record["text"]) if "text" in record else f"{record['question']} {record['answer']}"


def marks(d1: float, d2: float) -> dict[str, bool]:
    """What the paper's table would mark."""
    return {"test_leaked": d1 < D1_BELOW, "train_overfit": d2 > D2_ABOVE}


def _resampled(losses: Losses, rng: np.random.Generator) -> np.ndarray:
    """Means of samples drawn with repetition, token-weighted: float64 [RESAMPLES]."""
    rows = rng.integers(0, len(losses.nll), size=(RESAMPLES, len(losses.nll)))
    return losses.nll[rows].sum(axis=1) / losses.tokens[rows].sum(axis=1)


def differences(train: Losses, test: Losses, reference: Losses, seed: int = 1234) -> dict[str, Any]:
    """L, D1, D2 and their 95 % percentile-bootstrap intervals over samples. A seed always
    gives equal intervals."""
    rng = np.random.default_rng(seed)
    a, b, c = (_resampled(x, rng) for x in (train, test, reference))
    d1, d2 = test.mean - reference.mean, test.mean - train.mean

    def interval(values: np.ndarray) -> list[float]:
        return [float(v) for v in np.percentile(values, [2.5, 97.5])]

    return {
        "L_train": train.mean,
        "L_test": test.mean,
        "L_ref": reference.mean,
        "D1": d1,
        "D2": d2,
        "D1_interval": interval(b - c),
        "D2_interval": interval(b - a),
        "flags": marks(d1, d2),
    }


def leakage(scorer: Scorer, data: Path | None, limit: int = 0, seed: int = 1234) -> dict[str, Any]:
    """The report on train.jsonl, test.jsonl, reference.jsonl ({"text"}), or GSM8K's own files, in
    `data`. `limit` samples a set."""
    if data is None:
        return {"missing": "no folder with train.jsonl, test.jsonl and reference.jsonl was given"}
    losses: dict[str, Losses] = {}
    formats: dict[str, Any] = {}
    for name, files in LEAKAGE_SETS.items():
        path = leakage_file(data, name)
        if path is None:
            return {"missing": f"{files[0]} (or {files[1]}) is not in {data}"}
        records = read_lines(path)
        for number, record in enumerate(records, 1):
            if not isinstance(record.get("text"), str) and not (
                isinstance(record.get("question"), str) and isinstance(record.get("answer"), str)
            ):
                raise FileError(
                    f"{path}, record {number}: it lacks a 'text', or a 'question' and an 'answer'"
                    f" (it has {', '.join(sorted(record))})"
                )
        texts = [sample_text(r) for r in (records[:limit] if limit else records)]
        ids = [scorer.encode(t)[: scorer.context] for t in texts]
        kept = [i for i in ids if len(i) > 1]
        if not kept:
            return {"missing": f"{path.name} has no sample of two tokens or more"}
        losses[name] = scorer.losses(kept)
        formats[name] = {
            "samples": len(kept),
            "of": len(records),
            "mean_characters": sum(len(t) for t in texts) / len(texts),
            "mean_tokens": float(losses[name].tokens.mean()) + 1,
            "cut_to_context": sum(len(i) == scorer.context for i in ids),
        }
    return differences(losses["train"], losses["test"], losses["reference"], seed) | {
        "sets": formats,
        "seed": seed,
    }
