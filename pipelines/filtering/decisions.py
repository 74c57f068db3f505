"""The table `decisions`: keep, or every reason against, by signals and scores under a policy.

Belongs here: applying a policy to columns. Does not belong here: the policy's form (policy.py),
measuring (signals, quality), what depends on other documents (dedup, contamination, corpora). No text
is read, so a new threshold costs seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pipelines.cards.classifier import CARDS, FOLDER
from pipelines.filtering.policy import Bound, Policy, classifiers_of, wanted_columns
from pipelines.filtering.tail import GroupCounts, add_counts, checked, sample_of
from pipelines.lake import Dataset, LakeError
from pipelines.tables.alignment import read_aligned
from pipelines.tables.schemas import DECISIONS
from pipelines.tables.stage import Stage, Stats, row_aligned

VERSION = 4
UNJUDGED = -1
UNWANTED = "language/unwanted"
"""The reason against a document that no set judges."""
CODE = "code"  # language of documents of category code: the model of languages knows none for them


def decisions_stage(
    documents: Dataset,
    signals: Mapping[str, Dataset],
    scores: Dataset,
    policy: Policy,
    classifiers: Mapping[str, Dataset] = MappingProxyType({}),
) -> Stage:
    """The decision on every document (schema DECISIONS), row-aligned with `documents`.

    `signals` by group; `classifiers` by name, those that the policy bounds (others are no inputs).
    The parameters hold the policy as it decides this dump (`checked_policy`). Stats: documents, kept,
    chars, kept_chars, reasons and kept_languages by name. LakeError names a
    column that a classifier does not have.
    """
    used = bounded_classifiers(classifiers, policy)
    groups = {**signals, **used}
    policy, found = checked_policy(documents, groups, scores, policy)

    def rows(i: int) -> tuple[pa.Table, Stats]:
        return judge_part(documents, groups, scores, policy, i)

    return Stage(
        "decisions",
        VERSION,
        row_aligned(documents, rows),
        partition=documents.manifest.partition,
        parameters={"policy": policy.parameters()}
        | (
            {"perplexity_check": {name: c.numbers() | {"holds": c.holds} for name, c in found.items()}}
            if found
            else {}
        ),
        inputs={
            "documents": documents,
            **{f"signals/{k}": v for k, v in signals.items()},
            "scores": scores,
            **used,
        },
    )


def bounded_classifiers(classifiers: Mapping[str, Dataset], policy: Policy) -> dict[str, Dataset]:
    """The tables `classifiers/NAME` that a policy bounds, of those in `classifiers` by name. LakeError
    names a table that was not made, or a column that a classifier does not have."""
    used: dict[str, Dataset] = {}
    wanted = wanted_columns(policy)
    for name in classifiers_of(policy):
        table = f"{FOLDER}/{name}"
        if name not in classifiers:
            raise LakeError(
                f"policy {policy.name} bounds {table}, and no such table is there: write {CARDS}/{name}.yaml"
                " and run the dump again, or take the bound out of the policy"
            )
        used[table] = classifiers[name]
        has = [c for c in used[table].manifest.parameters["columns"] if c != "label"]
        for column in wanted[table]:
            if column not in has:
                raise LakeError(
                    f"policy {policy.name} bounds {table}/{column}, and {table} has {', '.join(has)}"
                )
    return used


def judge_part(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy, index: int
) -> tuple[pa.Table, dict[str, Any]]:
    """The decisions on part `index` (schema DECISIONS), and their counts. `signals` by group, those of
    classifiers (`classifiers/NAME`) among them. Reads the columns that the policy names, and no text."""
    metadata, columns = read_numbers(documents, signals, scores, policy, index)
    return judge(metadata, columns, policy, cutoffs_of(scores))


def read_numbers(
    documents: Dataset,
    signals: Mapping[str, Dataset],
    scores: Dataset,
    policy: Policy,
    index: int,
    rows: Any = None,
    names: Sequence[str] = ("doc_id", "category"),
) -> tuple[pa.Table, dict[str, pa.Array]]:
    """What `judge` takes of part `index`, or of `rows` of it (int64, ascending): the columns `names` of
    the documents, and the numbers that the policy reads, by GROUP/NAME. LakeError where a table of an
    earlier version has not one of them."""
    tables = {**signals, "scores": scores}
    wanted = {group: columns for group, columns in wanted_columns(policy).items() if columns}
    try:
        metadata, *read = read_aligned(
            index,
            (documents, names),
            *((tables[group], columns) for group, columns in wanted.items()),
            rows=rows,
        )
        return metadata, {
            f"{group}/{name}": table[name].combine_chunks()
            for (group, columns), table in zip(wanted.items(), read, strict=True)
            for name in columns
        }
    except KeyError as error:
        raise LakeError(
            f"policy {policy.name} reads a number that tables of {documents.manifest.partition} do not have"
            f" ({error.args[0]}): an earlier version made them; run the dump again"
        ) from None


def cutoffs_of(scores: Dataset) -> Mapping[str, Any]:
    """The perplexity cutoffs p30 and p98 by language and kind that the scores were made with; empty
    without a model."""
    found: Mapping[str, Any] = scores.manifest.parameters.get("perplexity_cutoffs", {})
    return found


def checked_policy(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy
) -> tuple[Policy, dict[str, GroupCounts]]:
    """The policy as it decides this dump, and the counts behind it: a set drops a perplexity group only
    where the group is worse than the rest (tail.py). Reads numbers of a sample of parts, and only where
    a set drops a group and there are cutoffs."""
    found: dict[str, GroupCounts] = {}
    cutoffs = cutoffs_of(scores)
    if not any(s.drop_quality for s in policy.sets) or not cutoffs:
        return checked(policy, found), found
    for index in sample_of(len(documents.parts)):
        metadata, columns = read_numbers(documents, signals, scores, policy, index)
        table, _ = judge(metadata, columns, policy, cutoffs)
        categories = np.array(metadata["category"].to_pylist(), object)
        languages = np.array(table["language"].to_pylist(), object)
        add_counts(found, policy, table, judging_sets(policy, categories, languages, columns))
    return checked(policy, found), found


def judged_parts(
    documents: Dataset, signals: Mapping[str, Dataset], scores: Dataset, policy: Policy
) -> Iterator[tuple[pa.Table, dict[str, Any]]]:
    """`judge_part` of every part, one after the other, under a policy as it decides the dump
    (`checked_policy`)."""
    for index in range(len(documents.parts)):
        yield judge_part(documents, signals, scores, policy, index)


def judge(
    metadata: pa.Table, columns: Mapping[str, pa.Array], policy: Policy, cutoffs: Mapping[str, Any]
) -> tuple[pa.Table, dict[str, Any]]:
    """The decisions on one part, and their counts.

    `metadata` has doc_id and category; `columns` are the numbers by GROUP/NAME; `cutoffs` the
    perplexity cutoffs p30 and p98 by language and category.
    """
    count = metadata.num_rows
    categories = np.array(metadata["category"].to_pylist(), object)
    languages = np.array(columns["language/language"].to_pylist(), object)
    languages[categories == CODE] = CODE
    quality = _quality(languages, categories, _floats(columns["scores/perplexity"]), cutoffs)
    reasons: list[list[str]] = [[] for _ in range(count)]
    judging = judging_sets(policy, categories, languages, columns)
    for number, rule_set in enumerate(policy.sets):
        rows = judging == number
        for key, bound in rule_set.bounds.items():
            for row in np.flatnonzero(rows & speaks_against(bound, key, columns)):
                reasons[row].append(key)
        for row in np.flatnonzero(rows & np.isin(quality, rule_set.drop_quality)):
            reasons[row].append(f"quality/{quality[row]}")
    for row in np.flatnonzero(judging == UNJUDGED):
        reasons[row].append(UNWANTED)
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


def judging_sets(
    policy: Policy,
    categories: NDArray[Any],
    languages: NDArray[Any],
    columns: Mapping[str, pa.Array],
) -> NDArray[np.int64]:
    """For each document the number of the policy's set that judges it, UNJUDGED without one.
    `categories` and `languages` are as in `decisions`."""
    pairs = list(zip(categories, languages, strict=True))
    found = np.full(len(pairs), UNJUDGED, np.int64)
    for number, rule_set in enumerate(policy.sets):
        covered = {(c, la): rule_set.covers(c, la) for c, la in set(pairs)}
        rows = (found == UNJUDGED) & np.fromiter((covered[p] for p in pairs), bool, len(pairs))
        for key, bound in rule_set.when.items():
            rows &= ~outside(columns[key], bound, missing=True)
        found[rows] = number
    return found


def speaks_against(bound: Bound, key: str, columns: Mapping[str, pa.Array]) -> NDArray[np.bool_]:
    """Rows whose number `key` is outside the bound, and whose other numbers reach what the bound asks
    for (`least`)."""
    rows = outside(columns[key], bound)
    for other, least in bound.least.items():
        rows &= _floats(columns[other]) >= least
    return rows


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
    languages: NDArray[Any],
    categories: NDArray[Any],
    perplexity: NDArray[np.float64],
    cutoffs: Mapping[str, Mapping[str, Mapping[str, float]]],
) -> NDArray[Any]:
    """head, middle, tail by the cutoffs of the document's language and category; "" where there is no
    perplexity or no cutoff."""
    out = np.full(len(languages), "", object)
    for language_code, kinds in cutoffs.items():
        for category, cut in kinds.items():
            rows = (languages == language_code) & (categories == category) & ~np.isnan(perplexity)
            found = perplexity[rows]
            out[rows] = np.where(found < cut["p30"], "head", np.where(found < cut["p98"], "middle", "tail"))
    return out
