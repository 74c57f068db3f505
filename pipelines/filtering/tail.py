"""Whether a perplexity group is worse than the rest, by what every other rule says of it.

Belongs here: the check that a policy's `drop_quality` must pass on a dump before it drops anything.
Does not belong here: the groups (quality/perplexity.py), decisions (decisions.py).

A model of reference text finds unusual pages perplexing, good or bad: in Chinese it ranked pages
judged by hand backwards (AUC .30). So a group is dropped only where the share of its documents that
other bounds reject is above that of the other groups, by more than chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from pipelines.filtering.policy import Policy

PARTS = 16  # parts of a dump that the check reads at most, spread evenly
LEAST = 30  # documents in a group below which nothing is said of it
DEVIATIONS = 1.96  # of the difference of two shares, for 95 %


@dataclass
class GroupCounts:
    """Documents of one rule set, in the groups that it drops and in the others."""

    dropped: int = 0
    dropped_rejected: int = 0
    others: int = 0
    others_rejected: int = 0

    @property
    def holds(self) -> bool:
        """Whether other bounds reject a greater share of what is dropped, by more than chance."""
        if min(self.dropped, self.others) < LEAST:
            return False
        worse, rest = self.dropped_rejected / self.dropped, self.others_rejected / self.others
        whole = (self.dropped_rejected + self.others_rejected) / (self.dropped + self.others)
        deviation = np.sqrt(whole * (1 - whole) * (1 / self.dropped + 1 / self.others))
        return bool(worse - rest > DEVIATIONS * deviation)

    def numbers(self) -> dict[str, float]:
        """Documents, and the share that other bounds reject."""
        return {
            "dropped": self.dropped,
            "dropped_rejected": round(self.dropped_rejected / max(self.dropped, 1), 4),
            "others": self.others,
            "others_rejected": round(self.others_rejected / max(self.others, 1), 4),
        }


def sample_of(parts: int) -> list[int]:
    """Numbers of at most PARTS parts, spread evenly."""
    return sorted({round(x) for x in np.linspace(0, parts - 1, min(parts, PARTS))}) if parts else []


def add_counts(
    found: dict[str, GroupCounts], policy: Policy, table: pa.Table, judging: np.ndarray[Any, Any]
) -> None:
    """Count the decisions on one part. `table` has quality and reasons; `judging` the number of the
    set that judges each row. A document without a group counts nowhere."""
    quality = np.array(table["quality"].to_pylist(), object)
    rejected = np.fromiter(
        (any(not r.startswith("quality/") for r in row) for row in table["reasons"].to_pylist()),
        bool,
        table.num_rows,
    )
    for number, rule_set in enumerate(policy.sets):
        if not rule_set.drop_quality:
            continue
        counts = found.setdefault(rule_set.name, GroupCounts())
        mine = (judging == number) & (quality != "")
        dropped = mine & np.isin(quality, rule_set.drop_quality)
        counts.dropped += int(dropped.sum())
        counts.dropped_rejected += int((dropped & rejected).sum())
        counts.others += int((mine & ~dropped).sum())
        counts.others_rejected += int((mine & ~dropped & rejected).sum())


def checked(policy: Policy, found: Mapping[str, GroupCounts]) -> Policy:
    """The policy, whose sets drop no perplexity group for which the check does not hold."""
    sets = tuple(
        s
        if not s.drop_quality or found.get(s.name, GroupCounts()).holds
        else s.model_copy(update={"drop_quality": ()})
        for s in policy.sets
    )
    return policy.model_copy(update={"sets": sets})
