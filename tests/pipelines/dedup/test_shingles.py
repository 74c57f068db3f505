"""Shingles against their plain definition, minima against datasketch."""

from __future__ import annotations

import random

import datasketch
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dedup import shingles
from pipelines.dedup.reference import shingle_hashes
from tests.support.texts import TEXTS


def by_datasketch(text: str, num_perm: int, seed: int) -> np.ndarray:
    sketch = datasketch.MinHash(
        num_perm=num_perm, seed=seed, scheme="affine32", hashfunc=lambda s: s & 0xFFFFFFFF
    )
    if found := shingle_hashes(text):
        sketch.update_batch(found)
    return sketch.hashvalues


@settings(max_examples=150, deadline=None)
@given(st.lists(TEXTS, max_size=4), st.sampled_from([16, 224]), st.integers(0, 5))
def test_minhash_equals_datasketch(texts: list[str], num_perm: int, seed: int) -> None:
    minima, counts = shingles.minhash(pa.array(texts, pa.string()), num_perm, seed)
    for row, text in enumerate(texts):
        assert np.array_equal(minima[row], by_datasketch(text, num_perm, seed))
        assert counts[row] == len(shingle_hashes(text))


@pytest.mark.parametrize("alphabet", ["中文字", "ab ", "a1", "word 中é。"])
def test_very_long_documents_need_no_more_workspace(alphabet: str) -> None:
    text = "".join(random.Random(0).choices(alphabet, k=40_000))
    minima, counts = shingles.minhash(pa.array([text, "a"]), 224, 1)
    assert np.array_equal(minima[0], by_datasketch(text, 224, 1))
    assert counts[0] == len(shingle_hashes(text)) > 2 * shingles.TOKENS


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_shingle_sets_are_the_distinct_hashes(texts: list[str]) -> None:
    flat, offsets = shingles.shingle_sets(pa.array(texts, pa.string()))
    for row, text in enumerate(texts):
        assert flat[offsets[row] : offsets[row + 1]].tolist() == sorted(set(shingle_hashes(text)))
    assert offsets[-1] == len(flat)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXTS, min_size=3, max_size=8), st.integers(0, 2))
def test_slices_read_as_their_own_rows(texts: list[str], start: int) -> None:
    whole = pa.array(texts, pa.string())
    part = shingles.minhash(whole.slice(start, 1), 16, 1)[0][0]
    assert np.array_equal(part, shingles.minhash(whole, 16, 1)[0][start])


def test_nothing_is_read_beyond_the_buffer() -> None:
    """Every length and every fill of the last 64 bytes, in a buffer that ends with the text."""
    for size in range(1, 140):
        text = ("ab1 中文x9é" * 20)[:size]
        data = np.frombuffer(text.encode(), np.uint8).copy()
        exact = pa.Array.from_buffers(
            pa.large_string(), 1, [None, pa.py_buffer(np.array([0, len(data)])), pa.py_buffer(data)]
        )
        assert np.array_equal(shingles.minhash(exact, 16, 1)[0][0], by_datasketch(text, 16, 1))


def test_nulls_read_as_empty() -> None:
    assert shingles.minhash(pa.array([None, "a b"]), 16, 1)[1].tolist() == [0, 1]
