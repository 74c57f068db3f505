"""Which documents a release's card alone takes out.

Belongs here: tombstones and the cut-off date, over columns of `documents`. Does not belong here: the
card's fields (cards/release.py), any reason that needs other documents or a text.
"""

from __future__ import annotations

import functools
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.dates import first_moment, last_moment
from pipelines.cards.release import ReleaseCard
from pipelines.cards.urls import normal_url


@functools.lru_cache(maxsize=1 << 16)
def _begins_after(text: str, last: datetime) -> bool:
    first = first_moment(text)
    return first is not None and first > last


def is_buried(card: ReleaseCard, urls: pa.Array | pa.ChunkedArray) -> pa.Array:
    """Whether the card has a tombstone for each address, in its normal form."""
    if not card.tombstones:
        return pa.array(np.zeros(len(urls), np.bool_))
    stones = frozenset(map(normal_url, card.tombstones))
    return pa.array([bool(url) and normal_url(url) in stones for url in urls.to_pylist()], pa.bool_())


def excluded_by_card(
    card: ReleaseCard, urls: pa.Array | pa.ChunkedArray, dates: pa.Array | pa.ChunkedArray
) -> pa.Array:
    """For each document "tombstone", "cutoff_date" or "": why the card alone takes it out of the
    release."""
    buried = is_buried(card, urls)
    late = np.zeros(len(urls), np.bool_)
    if last := last_moment(card.cutoff_date):
        late = np.array([_begins_after(d or "", last) for d in dates.to_pylist()], np.bool_)
    reasons = pc.if_else(buried, "tombstone", pc.if_else(pa.array(late), "cutoff_date", ""))
    return reasons.combine_chunks() if isinstance(reasons, pa.ChunkedArray) else reasons
