"""Labelled documents side by side, with the numbers that a policy reads.

Belongs here: gathering them from the tables of dumps, dealing their hosts to folds. Does not belong
here: which labels count (labelled.py), moving bounds (bound_search.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.filtering.decisions import cutoffs_of, judge, speaks_against
from pipelines.filtering.policy import Policy, RuleSet
from pipelines.inspection.labelled import LabelledDocument
from pipelines.inspection.numbers import numbers_of, policy_for
from pipelines.lake import digest
from pipelines.tables.inputs import DumpTables


@dataclass(frozen=True)
class FitRows:
    """Labelled documents side by side, keep or drop."""

    categories: NDArray[Any]
    languages: NDArray[Any]
    groups: tuple[str, ...]
    wanted: NDArray[np.bool_]
    weights: NDArray[np.float64]
    fixed: NDArray[np.bool_]
    """Documents that something else than a bound speaks against."""
    columns: Mapping[str, pa.Array]

    def __len__(self) -> int:
        return len(self.groups)

    def take(self, rows: NDArray[np.int64]) -> FitRows:
        """Some of the documents."""
        chosen = pa.array(rows)
        return FitRows(
            self.categories[rows],
            self.languages[rows],
            tuple(self.groups[i] for i in rows),
            self.wanted[rows],
            self.weights[rows],
            self.fixed[rows],
            {key: column.take(chosen) for key, column in self.columns.items()},
        )


def rows_of(dumps: Sequence[tuple[DumpTables, Sequence[LabelledDocument]]], policy: Policy) -> FitRows | None:
    """The labelled documents of some dumps that count, with the numbers that `policy` reads; None
    without any."""
    found: list[FitRows] = []
    for tables, documents in dumps:
        decides, _ = policy_for(tables, policy)
        for part in sorted({d.part for d in documents}):
            found.append(_rows_of_part(tables, decides, part, [d for d in documents if d.part == part]))
    if not found:
        return None
    return FitRows(
        np.concatenate([r.categories for r in found]),
        np.concatenate([r.languages for r in found]),
        tuple(g for r in found for g in r.groups),
        np.concatenate([r.wanted for r in found]),
        np.concatenate([r.weights for r in found]),
        np.concatenate([r.fixed for r in found]),
        {key: pa.concat_arrays([r.columns[key] for r in found]) for key in found[0].columns},
    )


def _rows_of_part(
    tables: DumpTables, policy: Policy, part: int, documents: Sequence[LabelledDocument]
) -> FitRows:
    rows = np.array([d.row for d in documents], np.int64)
    metadata, columns = numbers_of(tables, policy, part, rows, ["doc_id", "category", "group"])
    decided = judge(metadata, columns, policy, cutoffs_of(tables.need("scores")))[0]
    bounds = {key for rule_set in policy.sets for key in rule_set.bounds}
    return FitRows(
        metadata["category"].to_numpy().astype(object),
        decided["language"].to_numpy().astype(object),
        tuple(metadata["group"].to_pylist()),
        np.array([d.verdict == "keep" for d in documents], bool),
        np.array([d.weight for d in documents], float),
        np.array([bool(set(reasons) - bounds) for reasons in decided["reasons"].to_pylist()], bool),
        columns,
    )


def deal(groups: Sequence[str], folds: int) -> NDArray[np.int64]:
    """The fold of each document: whole groups, the largest first, each to the fold that has least."""
    sizes = Counter(groups)
    load, fold_of = [0] * folds, dict[str, int]()
    for group in sorted(sizes, key=lambda g: (-sizes[g], digest(g))):
        fold = min(range(folds), key=lambda f: (load[f], f))
        fold_of[group] = fold
        load[fold] += sizes[group]
    return np.array([fold_of[group] for group in groups], np.int64)


def kept_by(rule_set: RuleSet, rows: FitRows) -> NDArray[np.bool_]:
    """What the set keeps of documents that it judges."""
    kept = ~rows.fixed
    for key, bound in rule_set.bounds.items():
        kept &= ~speaks_against(bound, key, rows.columns)
    return kept
