"""Moving the bounds of a rule set so that its decisions agree better with labels.

Belongs here: which limit to move, how far, and when not to. Does not belong here: gathering labelled
documents (fit_rows.py), whether what was found is proposed (fitting.py).

Limits are moved one after the other, the one that gains most first, each once at most. A move has to
decide `labels` labelled documents otherwise, and to gain with any one fold of hosts left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pydantic import Field

from pipelines.cards.base import Card
from pipelines.filtering.decisions import speaks_against
from pipelines.filtering.policy import Bound, RuleSet
from pipelines.inspection.fit_rows import FitRows

Side = Literal["min", "max"]
SIDES: tuple[Side, ...] = ("min", "max")
EPSILON = 1e-12


class FitOptions(Card):
    """What a move has to meet."""

    keep_recall: float = Field(default=0.92, ge=0, le=1)
    """Least keep recall that a move may leave, or the present one where that is below. Ours: what is
    lost of good text is worse than what is kept of bad."""
    labels: int = Field(default=8, ge=1)
    """Labelled documents that a move has to decide otherwise. Ours: below this one reader's mood counts."""
    folds: int = Field(default=5, ge=2, le=20)
    """Parts of the hosts, each of which is left out once. Ours."""


@dataclass(frozen=True)
class Move:
    """A bound that is moved."""

    rule_set: str
    key: str
    side: Side
    old: float
    new: float
    labels: int
    """Labelled documents that it decides otherwise."""
    right: int
    """Of those, the ones that it decides as the reader did."""
    hosts: int

    def __str__(self) -> str:
        return (
            f"{self.rule_set}  {self.key} {self.side} {self.old:g} -> {self.new:g}: {self.labels} labels of"
            f" {self.hosts} hosts are decided otherwise, {self.right} of them rightly"
        )


def search(
    rows: FitRows, rule_set: RuleSet, folds: NDArray[np.int64], options: FitOptions
) -> tuple[RuleSet, list[Move], dict[tuple[str, Side], int]]:
    """(set, moves, labels that the best move of a bound would decide otherwise where those are too
    few). Each limit is moved once at most."""
    moves: list[Move] = []
    short: dict[tuple[str, Side], int] = {}
    while True:
        best: tuple[float, Move] | None = None
        short = {}
        for key, bound in rule_set.bounds.items():
            for side in SIDES:
                if getattr(bound, side) is None or any(m.key == key and m.side == side for m in moves):
                    continue
                gain, move = _best_move(rows, rule_set, key, side, folds, options)
                if move and move.labels < options.labels:
                    short[key, side] = move.labels
                elif move and (best is None or gain > best[0] + EPSILON):
                    best = gain, move
        if best is None:
            return rule_set, moves, short
        moves.append(best[1])
        rule_set = _moved(rule_set, best[1])


def _moved(rule_set: RuleSet, move: Move) -> RuleSet:
    old = rule_set.bounds[move.key]
    source = (
        f"ours: skypile policy fit, {move.labels} labels of {move.hosts} hosts, {move.right} of them right;"
        f" {move.side} was {move.old:g} ({old.source})"
    )
    bound = old.model_copy(update={move.side: move.new, "source": source})
    return rule_set.model_copy(update={"bounds": {**rule_set.bounds, move.key: bound}})


def _best_move(
    rows: FitRows,
    rule_set: RuleSet,
    key: str,
    side: Side,
    folds: NDArray[np.int64],
    options: FitOptions,
) -> tuple[float, Move | None]:
    """(gain in balanced accuracy, the move of one limit that gains most), the moves with labels enough
    first; (0, None) where none gains with any fold left out."""
    bound, sign = rule_set.bounds[key], 1.0 if side == "max" else -1.0
    others = rows.fixed.copy()
    for name, other in rule_set.bounds.items():
        if name != key:
            others |= speaks_against(other, name, rows.columns)
    free = with_limit(bound, side, sign * math.inf)  # this side removes nothing
    values = rows.columns[key].cast(pa.float64()).to_numpy(zero_copy_only=False)
    # documents that this limit alone decides on: with the other one, no bound speaks against them
    asked = speaks_against(with_limit(bound, side, -sign * math.inf), key, rows.columns)
    open_rows = ~others & asked & ~speaks_against(free, key, rows.columns) & ~np.isnan(values)
    at = np.flatnonzero(open_rows)
    if not len(at):
        return 0.0, None
    at = at[np.argsort(sign * values[at], kind="stable")]
    sorted_values = sign * values[at]
    old = float(np.float32(getattr(bound, side))) * sign
    now = int(np.searchsorted(sorted_values, old, "right"))
    kept = ~others & ~speaks_against(free, key, rows.columns)
    kept[at] = False
    # a row for all documents, then one for each fold that is left out
    leave = np.stack([np.ones(len(rows), bool), *(folds != f for f in np.unique(folds))])
    weights = leave * rows.weights
    keeps, drops = weights * rows.wanted, weights * ~rows.wanted
    with np.errstate(invalid="ignore", divide="ignore"):
        start = np.zeros((len(leave), 1))
        kept_right = np.hstack([start, np.cumsum(keeps[:, at], axis=1)]) + keeps[:, kept].sum(1)[:, None]
        kept_wrong = np.hstack([start, np.cumsum(drops[:, at], axis=1)]) + drops[:, kept].sum(1)[:, None]
        keep_recall = kept_right / keeps.sum(1)[:, None]
        balanced = (keep_recall + 1 - kept_wrong / drops.sum(1)[:, None]) / 2
        gains = balanced - balanced[:, now : now + 1]
    least = min(options.keep_recall, float(keep_recall[0, now]))
    allowed = (gains > EPSILON).all(axis=0) & (keep_recall[0] >= least - EPSILON)
    # between two equal numbers there is no place for a bound; nor before all of them
    allowed[1:-1] &= sorted_values[1:] > sorted_values[:-1]
    allowed[0] = False
    places = np.flatnonzero(allowed)
    if not len(places):
        return 0.0, None
    otherwise = np.abs(places - now)
    enough = places[otherwise >= options.labels]
    place = min(
        (int(p) for p in (enough if len(enough) else places)), key=lambda p: (-gains[0, p], abs(p - now))
    )
    low = sorted_values[place - 1]
    high = sorted_values[place] if place < len(at) else math.inf
    new = sign * number_between(float(low), float(high), near=old) + 0.0  # no -0
    changed = at[min(place, now) : max(place, now)]
    right = rows.wanted[changed] if place > now else ~rows.wanted[changed]
    move = Move(
        rule_set.name,
        key,
        side,
        getattr(bound, side),
        new,
        len(changed),
        int(right.sum()),
        len({rows.groups[i] for i in changed}),
    )
    return float(gains[0, place]), move


def with_limit(bound: Bound, side: Side, value: float) -> Bound:
    """The bound with one limit moved, beyond every number where it is infinite."""
    return Bound.model_construct(
        min=value if side == "min" else bound.min,
        max=value if side == "max" else bound.max,
        source=bound.source,
        least=bound.least,
    )


def number_between(low: float, high: float, near: float) -> float:
    """A number from `low` on and below `high`, as float32 compares, with the fewest digits (two or
    more where that is enough), and of those the nearest to `near`; `low` itself where none is
    shorter."""
    for digits in range(2, 9):
        found = [x for x in _rounded(low, high, near, digits) if low <= float(np.float32(x)) < high]
        if found:
            return min(found, key=lambda x: (abs(x - near), x))
    return low


def _rounded(low: float, high: float, near: float, digits: int) -> list[float]:
    """Numbers of so many digits at both ends and next to `near`."""
    out = []
    for value in (low, high, near):
        if math.isfinite(value) and value:
            scale = digits - 1 - math.floor(math.log10(abs(value)))
            step = 10.0**-scale
            out += [
                round(math.floor(value / step) * step, scale),
                round(math.ceil(value / step) * step, scale),
            ]
    return [*out, 0.0]
