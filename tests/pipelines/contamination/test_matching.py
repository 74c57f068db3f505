"""Tokens and n-grams of benchmark items against their plain reading."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.contamination import reference
from pipelines.contamination.matching import grams_of, item_fold_table, lookup, tokens_of
from pipelines.kernels.normal_form import ALONE
from pipelines.kernels.reference import avalanche, token_value
from pipelines.kernels.utf8 import text_buffers
from tests.support.texts import TEXTS


@settings(max_examples=100, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_tokens_equal_their_plain_reading(texts: list[str]) -> None:
    data, offsets = text_buffers(pa.array(texts, pa.string()))
    hashes, bounds, alone = tokens_of(data, offsets, item_fold_table())
    for row, text in enumerate(texts):
        expected = reference.tokens(text)
        values = [avalanche(token_value(token.text)) for token in expected]
        assert hashes[bounds[row] : bounds[row + 1]].tolist() == values
        assert alone[row] == sum(token.group == ALONE for token in expected)


@settings(deadline=None)
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(2, 5))
def test_equal_ngrams_and_no_others_have_equal_hashes(ids: list[int], n: int) -> None:
    hashes = grams_of(np.array(ids, np.uint64), n).tolist()
    grams = [tuple(ids[k : k + n]) for k in range(len(ids) - n + 1)]
    assert len(hashes) == len(grams)
    assert len(set(zip(hashes, grams, strict=True))) == len(set(hashes)) == len(set(grams))


@settings(deadline=None)
@given(st.lists(st.integers(0, (1 << 64) - 1), max_size=40))
def test_a_lookup_begins_each_prefix_where_its_hashes_begin(values: list[int]) -> None:
    table = lookup(np.sort(np.array(values, np.uint64)))
    for key in table.keys:
        first = int(np.searchsorted(table.keys, key))
        assert table.begins[int(key >> table.shift)] <= first
