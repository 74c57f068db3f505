"""N-grams of tokens, and the tables that they are looked up in."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contamination.matching import grams_of, lookup


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(2, 5))
def test_equal_ngrams_and_no_others_have_equal_hashes(ids: list[int], n: int) -> None:
    hashes = grams_of(np.array(ids, np.uint64), n).tolist()
    grams = [tuple(ids[k : k + n]) for k in range(len(ids) - n + 1)]
    assert len(hashes) == len(grams)
    assert len(set(zip(hashes, grams, strict=True))) == len(set(hashes)) == len(set(grams))


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, (1 << 64) - 1), st.integers(0, 9)), max_size=40, unique=True))
def test_a_lookup_holds_the_items_of_each_ngram(values: list[tuple[int, int]]) -> None:
    values.sort()
    table = lookup(np.array([v[0] for v in values], np.uint64), np.array([v[1] for v in values], np.int32))
    pairs = []
    for k, key in enumerate(table.keys):
        assert table.begins[int(key >> table.shift)] <= k
        pairs += [(int(key), item) for item in table.owners[table.bounds[k] : table.bounds[k + 1]].tolist()]
    assert pairs == values
