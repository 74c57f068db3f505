"""Both readings of tokens against the plain definition."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from pipelines.kernels import reference
from pipelines.kernels.normal_form import fold_table
from pipelines.kernels.simd import BLOCK_BYTES
from pipelines.kernels.tokens import any_token, token_hash, tokenize
from tests.support.texts import TEXTS


def fast(data: np.ndarray, room: int = 128) -> list[int]:
    """Token values by `tokenize`, called again wherever its room is full."""
    found: list[int] = []
    tokens, i = np.zeros(room + BLOCK_BYTES, np.uint64), 0
    while i < len(data):
        filled, i = tokenize(data, i, len(data), fold_table(), tokens, 0)
        found += tokens[:filled].tolist()
    return found


@settings(max_examples=150, deadline=None)
@given(TEXTS)
def test_values_equal_the_plain_definition(text: str) -> None:
    data = np.frombuffer(text.encode(), np.uint8)
    expected = reference.tokens(text)
    assert fast(data) == [reference.token_value(token.text) for token in expected]
    for token in expected:
        value, end = any_token(data, token.start, len(data), fold_table())
        assert (int(value), end) == (reference.token_value(token.text), token.end)
        assert int(token_hash(np.uint64(value))) == reference.token_hash(token.text)


def test_nothing_is_read_beyond_the_buffer() -> None:
    """Every length and every fill of the last 64 bytes, in a buffer that ends with the text."""
    for size in range(1, 140):
        text = ("ab1 中文x9é" * 20)[:size]
        exact = np.frombuffer(text.encode(), np.uint8).copy()
        assert fast(exact) == [reference.token_value(token.text) for token in reference.tokens(text)]
