"""Verified pairs: what was compared is found again, whatever the order of the members."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.dedup.election import Pairs
from pipelines.dedup.pairs import Cache, content_bytes, id_lanes, pairs_table
from pipelines.lake import Lake
from pipelines.tables.schemas import ID
from tests.support.dedup_tables import publish

IDS = st.lists(st.binary(min_size=16, max_size=16), min_size=2, max_size=8, unique=True)


def lanes(ids: list[bytes]) -> np.ndarray:
    return id_lanes(pa.array(ids, ID))


@settings(deadline=None)
@given(IDS)
def test_contents_sort_as_their_ids_and_lose_no_zero(ids: list[bytes]) -> None:
    zeros = [*ids, b"\0" * 16, b"a" + b"\0" * 15]
    packed = content_bytes(lanes(zeros))
    assert [zeros[i] for i in np.argsort(packed, kind="stable")] == sorted(zeros)
    assert len(set(packed.tolist())) == len(set(zeros))


@settings(deadline=None)
@given(IDS)
def test_lanes_of_a_slice_are_those_of_its_rows(ids: list[bytes]) -> None:
    assert id_lanes(pa.array(ids, ID)[1:]).tobytes() == b"".join(ids[1:])
    assert id_lanes(pa.chunked_array([pa.array(ids[:1], ID), pa.array(ids[1:], ID)])).tobytes() == b"".join(
        ids
    )
    assert id_lanes(pa.array([], ID)).shape == (0, 2)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(IDS, st.randoms(use_true_random=False))
def test_a_pair_is_known_again_among_members_in_another_order(
    lake: Lake, ids: list[bytes], gen: object
) -> None:
    rows = [(i, j, 10 * i + j) for i in range(len(ids)) for j in range(i)]
    pairs = Pairs(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))
    cache = Cache(publish(lake, "verified_pairs", "r", [pairs_table(lanes(ids), pairs)]))
    shuffled = [*ids[1:], b"stranger to all!", ids[0], ids[1]]
    gen.shuffle(shuffled)  # type: ignore[attr-defined]
    found = cache.among(lanes(shuffled))
    assert (found.later > found.earlier).all()
    known = {
        frozenset((shuffled[a], shuffled[b])): shared
        for a, b, shared in zip(found.later, found.earlier, found.both, strict=True)
    }
    assert known == {frozenset((ids[i], ids[j])): shared for i, j, shared in rows}
    assert all(shuffled.index(shuffled[p]) == p for p in [*found.later, *found.earlier])
    assert len(cache.among(np.zeros((0, 2), np.uint64)).both) == 0
