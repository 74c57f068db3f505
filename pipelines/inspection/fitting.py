"""Bounds that follow from labels: a proposal, and the grounds of it.

Belongs here: fitting every rule set, whether what was found holds on hosts left out, the proposal in
words and as YAML. Does not belong here: the search (bound_search.py), figures of agreement
(agreement.py), what a policy changes in a dump (dry_run.py). Writes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import yaml

from pipelines.cards.base import Card
from pipelines.filtering.decisions import judging_sets, speaks_against
from pipelines.filtering.policy import Policy, RuleSet
from pipelines.inspection.agreement import Agreement, agreement
from pipelines.inspection.bound_search import SIDES, FitOptions, Move, Side, search, with_limit
from pipelines.inspection.fit_rows import FitRows, deal, kept_by


@dataclass(frozen=True)
class BoundGrounds:
    """What labels say of a bound as it is."""

    rule_set: str
    key: str
    side: Side
    limit: float
    wrong_alone: int
    """Documents that a reader would keep and this bound alone removes."""
    right_alone: int
    """Documents that a reader would drop and this bound alone removes."""
    said: str
    """What becomes of it, and why."""


@dataclass(frozen=True)
class SetFit:
    """What is found for the documents that one rule set judges."""

    rule_set: str
    labels: int
    hosts: int
    before: Agreement
    after: Agreement
    unseen: Agreement
    """Of decisions on each fold by what was found without it."""
    refused: str
    """Why nothing is proposed; empty where something may be."""


@dataclass(frozen=True)
class PolicyFit:
    """A proposal."""

    policy: Policy
    moves: tuple[Move, ...]
    bounds: tuple[BoundGrounds, ...]
    sets: tuple[SetFit, ...]

    def lines(self) -> list[str]:
        """The proposal and its grounds in words."""
        out = []
        for found in self.sets:
            out.append(f"{found.rule_set}: {found.labels} labels of {found.hosts} hosts")
            moved = any(move.rule_set == found.rule_set for move in self.moves)
            figures = [("now", found.before)]
            if moved:
                figures.append(("proposed", found.after))
            if moved or found.refused:
                figures.append(("on hosts left out of the search", found.unseen))
            for name, agreed in figures:
                out += [f"  {name:<31}  {line}" for line in agreed.lines()]
            if found.refused:
                out.append(f"  {found.refused}")
        out += ["", "bound: removals that it alone makes, wrong and right; what becomes of it"]
        for b in self.bounds:
            name = f"{b.rule_set}  {b.key} {b.side} {b.limit:g}"
            out.append(f"  {name:<56} {b.wrong_alone:>4} wrong {b.right_alone:>4} right  {b.said}")
        return out

    def as_yaml(self) -> str:
        """The moved bounds, by rule set, to be pasted into a policy; empty where none is moved."""
        sets = {s.name: s for s in self.policy.sets}
        moved: dict[str, dict[str, Any]] = {}
        for move in self.moves:
            bound = sets[move.rule_set].bounds[move.key]
            moved.setdefault(move.rule_set, {})[move.key] = _plain(bound)
        return yaml.safe_dump(moved, sort_keys=False, allow_unicode=True, width=100) if moved else ""

    def whole_policy(self) -> str:
        """The policy with the moved bounds, as the text of a card."""
        return yaml.safe_dump(_plain(self.policy), sort_keys=False, allow_unicode=True, width=100)


def _plain(card: Card) -> dict[str, Any]:
    return card.model_dump(mode="json", exclude_defaults=True)


def fit(rows: FitRows, policy: Policy, options: FitOptions | None = None) -> PolicyFit:
    """The policy with moved bounds, and the grounds. Each rule set is fitted on the documents that it
    judges."""
    options = options or FitOptions()
    judging = judging_sets(policy, rows.categories, rows.languages, rows.columns)
    sets: list[RuleSet] = []
    moves: list[Move] = []
    grounds: list[BoundGrounds] = []
    found: list[SetFit] = []
    for number, rule_set in enumerate(policy.sets):
        own = np.flatnonzero(judging == number)
        if not len(own):
            sets.append(rule_set)
            continue
        fitted, own_moves, own_grounds, said = _fit_set(rows.take(own), rule_set, options)
        sets.append(fitted)
        moves += own_moves
        grounds += own_grounds
        found.append(said)
    proposed = policy.model_copy(update={"sets": tuple(sets)})
    return PolicyFit(proposed, tuple(moves), tuple(grounds), tuple(found))


def _fit_set(
    rows: FitRows, rule_set: RuleSet, options: FitOptions
) -> tuple[RuleSet, list[Move], list[BoundGrounds], SetFit]:
    folds = deal(rows.groups, options.folds)
    before = kept_by(rule_set, rows)
    fitted, moves, short = search(rows, rule_set, folds, options)
    unseen = before.copy()
    for fold in np.unique(folds):
        rest, own = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        other, _, _ = search(rows.take(rest), rule_set, folds[rest], options)
        unseen[own] = kept_by(other, rows.take(own))
    now, then, left_out = (
        agreement(rows.wanted, kept, rows.weights) for kept in (before, kept_by(fitted, rows), unseen)
    )
    refused = ""
    if math.isnan(now.balanced):
        refused = "nothing is proposed: there are labels of one answer alone"
    elif moves and left_out.balanced <= now.balanced:
        refused = (
            f"nothing is proposed: what {len(moves)} moves gain on these labels, they do not gain on hosts"
            " that were left out of the search"
        )
    if refused:
        fitted, moves, then = rule_set, [], now
    said = SetFit(rule_set.name, len(rows), len(set(rows.groups)), now, then, left_out, refused)
    return fitted, moves, _grounds(rows, rule_set, moves, short, options), said


def _grounds(
    rows: FitRows,
    rule_set: RuleSet,
    moves: Sequence[Move],
    short: Mapping[tuple[str, Side], int],
    options: FitOptions,
) -> list[BoundGrounds]:
    fails = {key: speaks_against(b, key, rows.columns) for key, b in rule_set.bounds.items()}
    reasons = np.sum(list(fails.values()), axis=0) + rows.fixed
    out = []
    for key, bound in rule_set.bounds.items():
        for side in SIDES:
            limit = getattr(bound, side)
            if limit is None:
                continue
            free = with_limit(bound, side, math.inf if side == "max" else -math.inf)
            alone = fails[key] & ~speaks_against(free, key, rows.columns) & (reasons == 1)
            wrong, right = int(alone[rows.wanted].sum()), int(alone[~rows.wanted].sum())
            move = next((m for m in moves if (m.key, m.side) == (key, side)), None)
            if move:
                said = f"-> {move.new:g}, {move.labels} labels decided otherwise, {move.right} rightly"
            elif (key, side) in short:
                said = (
                    f"left as it is: a move that gains stands on {short[key, side]} labels,"
                    f" and {options.labels} are asked for"
                )
            elif wrong or right:
                said = "left as it is: no move gains with any fold of hosts left out"
            else:
                continue  # the labels say nothing of it
            out.append(BoundGrounds(rule_set.name, key, side, limit, wrong, right, said))
    return out
