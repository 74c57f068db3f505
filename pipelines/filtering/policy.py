"""The filtering policy: for each kind of document, the numbers that it must meet, each with its source.

Belongs here: the form of the card and what it reads; it stands beside the numbers of the project
(policies/*.yaml), not among the other cards, for it names columns of signals and scores. Does not
belong here: applying it (decisions.py).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from pipelines.cards.base import Card
from pipelines.cards.classifier import FOLDER
from pipelines.cards.dump import CATEGORIES
from pipelines.lake import Lake
from pipelines.quality.scores import SCORES
from pipelines.signals import code, language, rules, safety

COLUMNS = {
    "language": language.SCHEMA.names,
    "rules": rules.SCHEMA.names,
    "safety": safety.SCHEMA.names,
    "code": code.SCHEMA.names,
    "scores": SCORES.names,
}
POLICY_CARD = "cards/policy.yaml"


def policy_path(name: str) -> Path:
    """The file of a policy that comes with the project."""
    return Path(__file__).with_name("policies") / f"{name}.yaml"


def current_policy(lake: Lake) -> Policy:
    """The lake's own policy, cards/policy.yaml, or the one that comes with the project."""
    return Policy.load(lake.local(POLICY_CARD) if lake.exists(POLICY_CARD) else policy_path("default"))


def split_key(key: str) -> tuple[str, str]:
    """(table, column) of a number: `rules/num_words` is in rules, `classifiers/edu/score` in
    classifiers/edu."""
    table, _, column = key.rpartition("/")
    return table, column


class Bound(Card):
    """A number's least and greatest allowed value, both inclusive, and where they come from."""

    min: float | None = None
    """The least allowed value."""
    max: float | None = None
    """The greatest allowed value."""
    source: str = Field(min_length=1)
    """Where the numbers come from: a paper or project and its rule, or `ours` and why."""
    least: dict[str, float] = Field(default_factory=dict)
    """Numbers that a document must reach for this bound to say anything: a share of three lines
    means little."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing would pass")
        return self

    @property
    def limits(self) -> str:
        """Both limits in words."""
        named = (("at least", self.min), ("at most", self.max))
        return " and ".join(f"{word} {limit:g}" for word, limit in named if limit is not None)

    def holds(self, value: float | None) -> bool:
        """Whether a number is within; a missing one is not."""
        low, high = -math.inf if self.min is None else self.min, math.inf if self.max is None else self.max
        return value is not None and low <= value <= high


class RuleSet(Card):
    """What documents of some categories and languages must meet. `*` stands for all. A number that
    was not measured bounds nothing."""

    name: str
    """Shown in reports."""
    categories: tuple[str, ...]
    """Categories that it judges."""
    languages: tuple[str, ...]
    """Languages that it judges."""
    bounds: dict[str, Bound]
    """By number: `GROUP/NAME` with a group of signals, or `scores`; or `classifiers/NAME/COLUMN` of a
    classifier card: its score, or the probability of one of its classes."""
    drop_quality: tuple[Literal["head", "middle", "tail"], ...] = ()
    """Perplexity groups that are dropped."""
    when: dict[str, Bound] = Field(default_factory=dict)
    """Numbers that a document must meet for this set to judge it: mostly code, say."""

    @model_validator(mode="after")
    def _known_names(self) -> RuleSet:
        for key in sorted(self.numbers):
            group, column = split_key(key)
            if group.startswith(f"{FOLDER}/") and column and column != "label":
                continue
            if column not in COLUMNS.get(group, ()) or column in ("doc_id", "language", "unit", "file_type"):
                raise ValueError(
                    f"{self.name}: no number {key!r}; use GROUP/NAME with a group of {', '.join(COLUMNS)},"
                    f" or {FOLDER}/NAME/COLUMN of a classifier card"
                )
        for category in self.categories:
            if category not in (*CATEGORIES, "*"):
                raise ValueError(
                    f"{self.name}: no category {category!r}; use one of {', '.join(CATEGORIES)} or *"
                )
        return self

    @property
    def numbers(self) -> set[str]:
        """Every number that the set reads."""
        bounds = [*self.bounds.values(), *self.when.values()]
        return {*self.bounds, *self.when, *(key for bound in bounds for key in bound.least)}

    def judges(self, category: str, language: str, numbers: Mapping[str, Any]) -> bool:
        """Whether the set judges one document with these numbers."""
        return self.covers(category, language) and all(
            bound.holds(numbers[key]) for key, bound in self.when.items()
        )

    def covers(self, category: str, language: str) -> bool:
        """Whether the set judges documents of this category and language (if they meet `when`)."""
        return bool({category, "*"} & set(self.categories)) and bool({language, "*"} & set(self.languages))


class Policy(Card):
    """Which documents are kept. The first rule set that covers a document's category and language
    judges it; without one it is dropped for `language/unwanted`. Documents of category stem, and
    pages with `scores/stem_exercise` of `stem_exercise` or more, go to the STEM corpus."""

    name: str
    """Shown in reports."""
    sets: tuple[RuleSet, ...] = Field(min_length=1)
    """In order: the first that covers a document judges it."""
    stem_exercise: Bound
    """Of `scores/stem_exercise`: pages from its `min` on go to the STEM corpus."""


def wanted_columns(policy: Policy) -> dict[str, list[str]]:
    """The columns of each group of signals, of the scores and of every classifier that a judgement
    reads."""
    keys = {key for rule_set in policy.sets for key in rule_set.numbers}
    wanted: dict[str, list[str]] = {group: [] for group in COLUMNS}
    for table, column in sorted(map(split_key, keys)):
        wanted.setdefault(table, []).append(column)
    wanted["language"] = sorted({*wanted["language"], "language"})
    wanted["rules"] = sorted({*wanted["rules"], "num_chars"})
    wanted["scores"] = sorted({*wanted["scores"], "perplexity", "stem_exercise"})
    return wanted


def classifiers_of(policy: Policy) -> list[str]:
    """Names of the classifiers that the policy bounds: decisions depend on their tables, and on no
    other classifier's."""
    prefix = f"{FOLDER}/"
    return [table.removeprefix(prefix) for table in wanted_columns(policy) if table.startswith(prefix)]
