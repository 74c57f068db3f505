"""What stands in many independent documents is no leak.

Belongs here: which n-grams of items are common text, and which matches are leaks without them. Does
not belong here: finding items (index.py), what is done about a leak (release/).

A famous quotation, a poem or a clause of a law stands in many books and sites, and in benchmark items
too. It is counted over what was found: an n-gram that documents of many groups (hosts, books) hold is
common, and a match must have enough n-grams that are not. An item of which nearly all was found is a
leak all the same: a question that many sites copy is one. Validation documents are never common.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.kernels.compiled import Array
from pipelines.lake import Dataset

COLUMNS = ("kind", "group", "grams", "num_grams")


@dataclass(frozen=True)
class CommonText:
    """grams: hashes of n-grams that are common text, uint64, sorted."""

    grams: Array
    policy: ContaminationPolicy

    @staticmethod
    def of(contamination: Dataset, policy: ContaminationPolicy) -> CommonText:
        """Counted over all rows of the table contamination of a release."""
        pieces = [contamination.read_part(i, list(COLUMNS)) for i in range(len(contamination.parts))]
        return CommonText.counted(pa.concat_tables(pieces), policy) if pieces else _nothing(policy)

    @staticmethod
    def counted(found: pa.Table, policy: ContaminationPolicy) -> CommonText:
        """As `of`, over rows with COLUMNS."""
        lists = found["grams"].combine_chunks()
        groups = found["group"].combine_chunks().take(pc.list_parent_indices(lists))
        pairs = pa.table({"gram": lists.flatten(), "group": groups})
        once = pairs.group_by(["gram", "group"], use_threads=False).aggregate([])
        counts = once.group_by(["gram"], use_threads=False).aggregate([([], "count_all")])
        common = counts.filter(pc.greater_equal(counts["count_all"], policy.common_groups))
        return CommonText(np.sort(common["gram"].to_numpy().astype(np.uint64)), policy)

    def leaks(self, found: pa.Table) -> Array:
        """Which rows of the table contamination are leaks, bool [n]."""
        lists = found["grams"].combine_chunks()
        flat = lists.flatten().to_numpy().astype(np.uint64)
        known = np.isin(flat, self.grams)
        parents = pc.list_parent_indices(lists).to_numpy()
        num_found = np.bincount(parents, minlength=len(lists))
        own = np.bincount(parents[~known], minlength=len(lists))
        num_grams = found["num_grams"].to_numpy()
        enough = own >= np.minimum(self.policy.min_hits, num_grams)
        whole = num_found >= self.policy.common_whole * num_grams
        leaks: Array = enough | whole | (own == num_found)
        return leaks


def _nothing(policy: ContaminationPolicy) -> CommonText:
    return CommonText(np.zeros(0, np.uint64), policy)
