"""The table `decisions`: keep, or every reason against, by signals and scores under a policy.

Belongs here: the policy's form and its application to columns. Does not belong here: numbers
(policies/*.yaml), measuring (signals, quality), what depends on other documents (dedup, contamination,
corpus). No text is read, so a new threshold costs seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pydantic import Field, model_validator

from pipelines.cards.base import Card
from pipelines.cards.dump import CATEGORIES
from pipelines.lake import Dataset, Lake
from pipelines.quality.scores import SCORES
from pipelines.signals import code, language, rules, safety
from pipelines.tables.alignment import read_aligned
from pipelines.tables.schemas import DECISIONS
from pipelines.tables.stage import Stage, Stats, row_aligned

VERSION = 2
COLUMNS = {
    "language": language.SCHEMA.names,
    "rules": rules.SCHEMA.names,
    "safety": safety.SCHEMA.names,
    "code": code.SCHEMA.names,
    "scores": SCORES.names,
}
POLICY_CARD = "cards/policy.yaml"
CODE = "code"  # language of documents of category code: the model of languages knows none for them


def policy_path(name: str) -> Path:
    """The file of a policy that comes with the project."""
    return Path(__file__).with_name("policies") / f"{name}.yaml"


def current_policy(lake: Lake) -> Policy:
    """The lake's own policy, cards/policy.yaml, or the one that comes with the project."""
    return Policy.load(lake.local(POLICY_CARD) if lake.exists(POLICY_CARD) else policy_path("default"))


class Bound(Card):
    """A number's least and greatest allowed value, both inclusive, and where they come from."""

    min: float | None = None
    """The least allowed value."""
    max: float | None = None
    """The greatest allowed value."""
    source: str = Field(min_length=1)
    """Where the numbers come from: a paper or project and its rule, or `ours` and why."""

    @model_validator(mode="after")
    def _bounds_something(self) -> Bound:
        if self.min is None and self.max is None:
            raise ValueError("give min, max or both")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}: nothing would pass")
        return self


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
    """By number: `GROUP/NAME` with a group of signals, or `scores`."""
    drop_quality: tuple[Literal["head", "middle", "tail"], ...] = ()
    """Perplexity groups that are dropped."""

    @model_validator(mode="after")
    def _known_names(self) -> RuleSet:
        for key in self.bounds:
            group, _, column = key.partition("/")
            if column not in COLUMNS.get(group, ()) or column in ("doc_id", "language", "unit", "file_type"):
                raise ValueError(
                    f"{self.name}: no number {key!r}; use GROUP/NAME with a group of {', '.join(COLUMNS)}"
                )
        for category in self.categories:
            if category not in (*CATEGORIES, "*"):
                raise ValueError(
                    f"{self.name}: no category {category!r}; use one of {', '.join(CATEGORIES)} or *"
                )
        return self

    def covers(self, category: str, language: str) -> bool:
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
    """The columns of each group of signals and of the scores that a judgement reads."""
    wanted = {
        group: sorted({k.split("/")[1] for s in policy.sets for k in s.bounds if k.startswith(group + "/")})
        for group in COLUMNS
    }
    wanted["language"] = sorted({*wanted["language"], "language"})
    wanted["rules"] = sorted({*wanted["rules"], "num_chars"})
    wanted["scores"] = sorted({*wanted["scores"], "perplexity", "stem_exercise"})
    return wanted


def decisions_stage(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy
) -> Stage:
    """The decision on every document (schema DECISIONS), row-aligned with `documents`.

    `signals` by group. Stats: documents, kept, chars, kept_chars, reasons and kept_languages by name.
    """

    def rows(i: int) -> tuple[pa.Table, Stats]:
        return judge_part(documents, signals, scores, policy, i)

    return Stage(
        "decisions",
        VERSION,
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        parameters={"policy": policy.parameters()},
        inputs={"documents": documents, **{f"signals/{k}": v for k, v in signals.items()}, "scores": scores},
    )


def judge_part(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy, index: int
) -> tuple[pa.Table, dict[str, Any]]:
    """The decisions on part `index` (schema DECISIONS), and their counts. Reads the columns that the
    policy names, and no text."""
    tables = {**signals, "scores": scores}
    wanted = {group: names for group, names in wanted_columns(policy).items() if names}
    metadata, *read = read_aligned(
        index,
        (documents, ["doc_id", "category"]),
        *((tables[group], names) for group, names in wanted.items()),
    )
    columns = {
        f"{group}/{name}": table[name].combine_chunks()
        for (group, names), table in zip(wanted.items(), read, strict=True)
        for name in names
    }
    return judge(metadata, columns, policy, scores.manifest.parameters.get("perplexity_cutoffs", {}))


def judged_parts(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy
) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
    """`judge_part` of every part, one after the other."""
    for index in range(len(documents.parts)):
        yield judge_part(documents, signals, scores, policy, index)


def judge(
    metadata: pa.Table, columns: Mapping[str, pa.Array], policy: Policy, cutoffs: Mapping[str, Any]
) -> tuple[pa.Table, dict[str, Any]]:
    """The decisions on one part, and their counts.

    `metadata` has doc_id and category; `columns` are the numbers by GROUP/NAME; `cutoffs` the
    perplexity cutoffs p30 and p60 by language.
    """
    count = metadata.num_rows
    categories = np.array(metadata["category"].to_pylist(), object)
    languages = np.array(columns["language/language"].to_pylist(), object)
    languages[categories == CODE] = CODE
    quality = _quality(languages, _floats(columns["scores/perplexity"]), cutoffs)
    reasons: list[list[str]] = [[] for _ in range(count)]
    open_rows = np.ones(count, bool)
    for rule_set in policy.sets:
        pairs = {(c, la): rule_set.covers(c, la) for c, la in zip(categories, languages, strict=True)}
        rows = open_rows & np.fromiter(
            (pairs[p] for p in zip(categories, languages, strict=True)), bool, count
        )
        open_rows &= ~rows
        for key, bound in rule_set.bounds.items():
            for row in np.flatnonzero(rows & outside(columns[key], bound)):
                reasons[row].append(key)
        for row in np.flatnonzero(rows & np.isin(quality, rule_set.drop_quality)):
            reasons[row].append(f"quality/{quality[row]}")
    for row in np.flatnonzero(open_rows):
        reasons[row].append("language/unwanted")
    stem = (categories == "stem") | ~outside(
        columns["scores/stem_exercise"], policy.stem_exercise, missing=True
    )
    keep = [not r for r in reasons]
    chars = columns["rules/num_chars"]
    table = pa.table(
        {
            "doc_id": metadata["doc_id"],
            "keep": pa.array(keep, pa.bool_()),
            "reasons": pa.array(reasons, DECISIONS.field("reasons").type),
            "language": pa.array(languages, pa.string()),
            "category": metadata["category"],
            "corpus": pa.array(np.where(stem, "stem", "main"), pa.string()),
            "quality": pa.array(quality, pa.string()),
            "num_chars": chars,
        },
        schema=DECISIONS,
    )
    kept_chars = pc.sum(chars.filter(table["keep"].combine_chunks())).as_py() or 0
    stats = {
        "documents": count,
        "kept": sum(keep),
        "chars": pc.sum(chars).as_py() or 0,
        "kept_chars": kept_chars,
        "reasons": dict(sorted(Counter(r for row in reasons for r in row).items())),
        "kept_languages": dict(sorted(Counter(languages[np.array(keep, bool)]).items())),
    }
    return table, stats


def _floats(column: pa.Array) -> NDArray[np.float64]:
    """Values as float64, null as NaN."""
    values: NDArray[np.float64] = pc.fill_null(column.cast(pa.float64()), float("nan")).to_numpy(
        zero_copy_only=False
    )
    return values


def outside(column: pa.Array, bound: Bound, missing: bool = False) -> NDArray[np.bool_]:
    """Rows outside a bound. Signals are float32, so a bound is compared as float32; a missing
    number counts as `missing`."""
    values = _floats(column)
    low = -np.inf if bound.min is None else float(np.float32(bound.min))
    high = np.inf if bound.max is None else float(np.float32(bound.max))
    return np.where(np.isnan(values), missing, (values < low) | (values > high)).astype(bool)


def _quality(
    languages: NDArray[Any], perplexity: NDArray[np.float64], cutoffs: Mapping[str, Any]
) -> NDArray[Any]:
    """head, middle, tail by the cutoffs of the document's language; "" where there is no perplexity
    or no cutoff."""
    out = np.full(len(languages), "", object)
    for language_code, cut in cutoffs.items():
        rows = (languages == language_code) & ~np.isnan(perplexity)
        out[rows] = np.where(
            perplexity[rows] < cut["p30"], "head", np.where(perplexity[rows] < cut["p60"], "middle", "tail")
        )
    return out
