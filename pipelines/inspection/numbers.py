"""The numbers that a dump's decisions were made of, for some of its documents.

Belongs here: the policy of published decisions, the tables that it reads, rows of them. Does not belong
here: judging (filtering/decisions.py), what is done with the numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from pipelines.cards.classifier import FOLDER
from pipelines.cards.dump import DumpCard
from pipelines.filtering.decisions import bounded_classifiers, checked_policy, read_numbers
from pipelines.filtering.policy import Policy, classifiers_of
from pipelines.filtering.tail import GroupCounts
from pipelines.lake import Lake, LakeError
from pipelines.tables.inputs import DumpTables, dump_tables


def published_policy(tables: DumpTables) -> Policy:
    """The policy that the dump's decisions were made under; LakeError where they name none."""
    decisions = tables.need("decisions")
    if "policy" not in decisions.manifest.parameters:
        raise LakeError(
            f"decisions of {tables.card.name} ({decisions.content_hash}) name no policy: rebuild decisions"
        )
    return Policy.model_validate(decisions.manifest.parameters["policy"])


def policy_for(tables: DumpTables, policy: Policy) -> tuple[Policy, dict[str, GroupCounts]]:
    """A policy as it would decide the dump, and the counts behind that: a perplexity group falls only
    where it is worse than the rest."""
    groups = {**tables.signals, **bounded_classifiers(tables.classifiers, policy)}
    return checked_policy(tables.documents, groups, tables.need("scores"), policy)


def judged_tables(lake: Lake, card: DumpCard, *policies: Policy) -> DumpTables:
    """The dump's tables up to decisions, with the classifiers that its published policy and `policies`
    bound. MissingDataset says what to materialize."""
    published = published_policy(dump_tables(lake, card, "decisions"))
    names = sorted({name for policy in (published, *policies) for name in classifiers_of(policy)})
    return dump_tables(lake, card, "signals", "scores", "decisions", *(f"{FOLDER}/{n}" for n in names))


def numbers_of(
    tables: DumpTables,
    policy: Policy,
    part: int,
    rows: Any = None,
    names: Sequence[str] = ("doc_id", "category"),
) -> tuple[pa.Table, dict[str, pa.Array]]:
    """The documents' columns `names` and the numbers that `policy` reads, of part `part` or of `rows` of
    it (int64, ascending)."""
    groups = {**tables.signals, **bounded_classifiers(tables.classifiers, policy)}
    return read_numbers(tables.documents, groups, tables.need("scores"), policy, part, rows, names)
