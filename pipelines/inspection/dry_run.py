"""What another policy would change, before anything is published.

Belongs here: comparing the decisions of a policy with the published ones. Does not belong here:
judging (filtering/decisions.py). Reads no text.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from pipelines.filtering.decisions import bounded_classifiers, judged_parts
from pipelines.filtering.policy import Policy
from pipelines.filtering.tail import GroupCounts
from pipelines.inspection.numbers import policy_for
from pipelines.lake import Dataset
from pipelines.tables.alignment import check_aligned
from pipelines.tables.inputs import DumpTables


@dataclass
class PolicyChange:
    """Documents and characters of one dump, as published and as the policy has it; a document
    counts under each of its reasons."""

    documents: int = 0
    kept_before: int = 0
    kept_after: int = 0
    chars_before: int = 0  # characters of kept documents
    chars_after: int = 0
    dropped: Counter[str] = field(
        default_factory=Counter
    )  # documents kept so far, by the reasons that now speak against them
    dropped_chars: Counter[str] = field(default_factory=Counter)
    regained: Counter[str] = field(
        default_factory=Counter
    )  # documents newly kept, by the reasons that spoke against them
    regained_chars: Counter[str] = field(default_factory=Counter)
    tails: dict[str, GroupCounts] = field(default_factory=dict)
    """Counts of the check behind each set that drops a perplexity group, by set."""

    def lines(self) -> list[str]:
        """The change in words and figures."""
        kept, length = self.kept_after - self.kept_before, self.chars_after - self.chars_before
        out = [
            f"{self.documents:,} documents: kept {self.kept_before:,} -> {self.kept_after:,} ({kept:+,}),"
            f" characters {self.chars_before:,} -> {self.chars_after:,} ({length:+,})"
        ]
        for title, counts, chars in (
            ("dropped", self.dropped, self.dropped_chars),
            ("kept anew", self.regained, self.regained_chars),
        ):
            for reason, count in sorted(counts.items(), key=lambda entry: (-entry[1], entry[0])):
                out.append(f"  {title:9} {count:>9,} documents {chars[reason]:>13,} characters  {reason}")
        for name, tail in sorted(self.tails.items()):
            numbers = tail.numbers()
            out.append(
                f"  {name}: other bounds reject {numbers['dropped_rejected']:.1%} of {tail.dropped:,}"
                " documents of the perplexity groups that it drops,"
                f" {numbers['others_rejected']:.1%} of the others:"
                f" {'they fall' if tail.holds else 'they stay'}"
            )
        return out


def preview(tables: DumpTables, policy: Policy) -> PolicyChange:
    """How the published decisions of a dump would change under `policy`, which drops a perplexity
    group only where the stage would. LakeError where decisions are of other documents."""
    before: Dataset = tables.need("decisions")
    policy, tails = policy_for(tables, policy)
    groups = {**tables.signals, **bounded_classifiers(tables.classifiers, policy)}
    scores, change = tables.need("scores"), PolicyChange(tails=tails)
    for index, (after, _) in enumerate(judged_parts(tables.documents, groups, scores, policy)):
        old = before.read_part(index, ["doc_id", "keep", "reasons"])
        check_aligned(index, (tables.documents, after), (before, old))
        columns = (old["keep"], old["reasons"], after["keep"], after["reasons"], after["num_chars"])
        for kept, old_reasons, keep, reasons, chars in zip(*(c.to_pylist() for c in columns), strict=True):
            change.documents += 1
            change.kept_before += kept
            change.kept_after += keep
            change.chars_before += chars * kept
            change.chars_after += chars * keep
            if kept and not keep:
                change.dropped.update(reasons)
                change.dropped_chars.update(dict.fromkeys(reasons, chars))
            elif keep and not kept:
                change.regained.update(old_reasons)
                change.regained_chars.update(dict.fromkeys(old_reasons, chars))
    return change
