"""Which documents of a dump a person is asked about: kept, rejected and border ones, by turns.

Belongs here: how near a document is to being decided otherwise, and the draw. Does not belong here:
the labels (cards/labels.py), the page (reports/labelling.py). Reads no text.

A document is at the **border** where one or two numbers decide, and few documents lie between its own
number and the bound. The draw goes by the smallest ids, which are hashes: it is fair, equal each time,
and a larger one holds the smaller. Each document brings the cell that it was drawn from and how many
documents of the dump are in it, so that what is found in the labels can be said of the dump.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.filtering.decisions import UNWANTED, judging_sets, speaks_against
from pipelines.filtering.policy import Bound, Policy, RuleSet
from pipelines.inspection.numbers import numbers_of, published_policy
from pipelines.tables.inputs import DumpTables

POOL = 20_000
"""Documents of the smallest ids that are drawn from."""
NEAR = 0.02
"""Share of the documents of a rule set that lie between a border document's number and the bound."""
FEW = 2
"""Reasons that a border document may have: with more, no small change would keep it."""
STRATA = ("kept", "rejected", "border")
SEVERAL = "several"
"""The cell of rejected documents with more than one reason."""


@dataclass(frozen=True)
class Drawn:
    """A document that a person is asked about."""

    doc_id: bytes
    part: int
    row: int
    language: str
    cell: str  # STRATUM/LANGUAGE, and /REASON or /several of rejected ones
    of: float  # documents of the dump in the cell
    margins: dict[str, float]  # by number: share of documents between its own and the bound


@dataclass(frozen=True)
class _Pool:
    """Documents of the smallest ids, by part and row."""

    places: list[tuple[int, int]]
    ids: list[bytes]
    languages: list[str]
    reasons: list[list[str]]
    scale: float  # documents of the dump that one of the pool stands for


def draw(tables: DumpTables, count: int, pool: int = POOL) -> list[Drawn]:
    """`count` documents by turns of kept, rejected and border, in each by turns of languages (and
    reasons); fewer where the dump has fewer. In the order of their ids, which tells nothing about
    them. Documents of a language that the policy does not want are left out: nobody need read them.

    LakeError where the decisions say no policy.
    """
    policy = published_policy(tables)
    drawn = _pool(tables, pool)
    margins = _margins(tables, policy, drawn)
    cells: dict[str, list[int]] = {}
    for i, (reasons, language, near) in enumerate(zip(drawn.reasons, drawn.languages, margins, strict=True)):
        cells.setdefault(_cell(reasons, language, near, len(margins)), []).append(i)
    population = {name: len(rows) * drawn.scale for name, rows in cells.items()}
    chosen = [
        Drawn(
            drawn.ids[i],
            *drawn.places[i],
            drawn.languages[i],
            cell,
            population[cell],
            margins[i],
        )
        for cell, i in _by_turns(cells, drawn.ids, count)
    ]
    return sorted(chosen, key=lambda d: d.doc_id)


def _pool(tables: DumpTables, size: int) -> _Pool:
    decisions = tables.need("decisions")
    smallest: list[tuple[bytes, int, int, str, list[str]]] = []
    seen = 0
    for part in range(len(decisions.parts)):
        table = decisions.read_part(part, ["doc_id", "reasons", "language"])
        rows = (
            (doc_id, part, row, language, reasons)
            for row, (doc_id, reasons, language) in enumerate(
                zip(*(table[n].to_pylist() for n in ("doc_id", "reasons", "language")), strict=True)
            )
            if reasons != [UNWANTED]
        )
        wanted = list(rows)
        seen += len(wanted)
        smallest = heapq.nsmallest(size, [*smallest, *wanted], key=lambda entry: entry[:3])
    smallest.sort(key=lambda entry: entry[1:3])
    return _Pool(
        [(part, row) for _, part, row, _, _ in smallest],
        [doc_id for doc_id, *_ in smallest],
        [language for *_, language, _ in smallest],
        [reasons for *_, reasons in smallest],
        seen / max(len(smallest), 1),
    )


def _margins(tables: DumpTables, policy: Policy, pool: _Pool) -> list[dict[str, float]]:
    """For each document of the pool, and each bound of the set that judges it: the share of the set's
    documents between its number and the bound."""
    read = [numbers_of(tables, policy, part, rows) for part, rows in _rows_by_part(pool.places)]
    if not read:
        return []
    categories = np.concatenate([m["category"].to_numpy(zero_copy_only=False) for m, _ in read])
    columns = {key: pa.concat_arrays([c[key] for _, c in read]) for key in read[0][1]}
    languages = np.array(pool.languages, object)
    judging = judging_sets(policy, categories, languages, columns)
    out: list[dict[str, float]] = [{} for _ in pool.ids]
    for number, rule_set in enumerate(policy.sets):
        rows = np.flatnonzero(judging == number)
        if len(rows):
            own = {key: column.take(pa.array(rows)) for key, column in columns.items()}
            for key, shares in set_margins(rule_set, own).items():
                for row, share in zip(rows, shares, strict=True):
                    if np.isfinite(share):
                        out[row][key] = float(share)
    return out


def set_margins(rule_set: RuleSet, columns: dict[str, pa.Array]) -> dict[str, NDArray[np.float64]]:
    """For each bound of a set and each of the documents that it judges: the share of them from the
    document's own number, itself counted, to the bound. inf where the number was not measured, or the
    bound says nothing of the document."""
    out = {}
    for key, bound in rule_set.bounds.items():
        values = pc.cast(columns[key], pa.float64()).to_numpy(zero_copy_only=False)
        fails = speaks_against(bound, key, columns)
        silent = ~fails & ~_asked(bound, columns)
        out[key] = np.where(silent | np.isnan(values), np.inf, _between(values, bound, fails))
    return out


def _asked(bound: Bound, columns: dict[str, pa.Array]) -> NDArray[np.bool_]:
    """Documents that reach what the bound asks for."""
    count = len(next(iter(columns.values())))
    rows = np.ones(count, bool)
    for other, least in bound.least.items():
        rows &= pc.cast(columns[other], pa.float64()).to_numpy(zero_copy_only=False) >= least
    return rows


def _between(values: NDArray[np.float64], bound: Bound, fails: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Share of `values` from each of them to the nearer limit."""
    known = np.sort(values[~np.isnan(values)])
    nearest = np.full(len(values), np.inf)
    for limit, below in ((bound.min, True), (bound.max, False)):
        if limit is None:
            continue
        at = float(np.float32(limit))
        if below:  # a failing number lies under the limit, a holding one above
            inner = np.searchsorted(known, values, "right") - np.searchsorted(known, at, "left")
            outer = np.searchsorted(known, at, "left") - np.searchsorted(known, values, "left")
            speaks = fails & (values < at)
        else:
            inner = np.searchsorted(known, at, "right") - np.searchsorted(known, values, "left")
            outer = np.searchsorted(known, values, "right") - np.searchsorted(known, at, "right")
            speaks = fails & (values > at)
        nearest = np.minimum(nearest, np.where(speaks, outer, np.where(fails, np.inf, inner)))
    return nearest / max(len(known), 1)


def _cell(reasons: Sequence[str], language: str, margins: dict[str, float], documents: int) -> str:
    near = max(NEAR, 1 / max(documents, 1))
    if reasons:
        at_border = len(reasons) <= FEW and all(margins.get(r, np.inf) <= near for r in reasons)
        cell = f"rejected/{language}/{reasons[0] if len(reasons) == 1 else SEVERAL}"
    else:
        at_border = min(margins.values(), default=np.inf) <= near
        cell = f"kept/{language}"
    return f"border/{language}" if at_border else cell


def _by_turns(cells: dict[str, list[int]], ids: list[bytes], count: int) -> list[tuple[str, int]]:
    """Up to `count` (cell, document), strata by turns, languages by turns in each, reasons by turns
    in those, the smallest id first."""
    tree: dict[str, dict[str, dict[str, Iterator[tuple[str, int]]]]] = {s: {} for s in STRATA}
    for cell, rows in sorted(cells.items()):
        stratum, language, *reason = cell.split("/", 2)
        documents = iter([(cell, i) for i in sorted(rows, key=lambda i: ids[i])])
        tree[stratum].setdefault(language, {})["".join(reason)] = documents
    strata = (_turns(_turns(iter(x.values())) for x in by.values()) for by in tree.values())
    order = _turns(strata)
    return [entry for entry, _ in zip(order, range(count), strict=False)]


def _turns(sources: Any) -> Iterator[Any]:
    """One of each source after the other until all are empty."""
    left = list(sources)
    while left:
        for source in list(left):
            try:
                yield next(source)
            except StopIteration:
                left.remove(source)


def _rows_by_part(places: Sequence[tuple[int, int]]) -> list[tuple[int, NDArray[np.int64]]]:
    """Rows of each part, ascending; `places` are sorted."""
    found: dict[int, list[int]] = {}
    for part, row in places:
        found.setdefault(part, []).append(row)
    return [(part, np.array(rows, np.int64)) for part, rows in found.items()]
