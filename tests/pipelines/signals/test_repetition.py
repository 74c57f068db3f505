"""Repeated n-grams of token hashes against the plain reading of reference.py."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.signals import reference
from pipelines.signals.repetition import DUPLICATE, NUM_ORDERS, TOP, make_room, repeated, variety

TOKENS = st.lists(st.sampled_from(["a", "b", "c", "dd", "eee"]), max_size=80)


def room_of(tokens: list[str]):  # type: ignore[no-untyped-def]
    room = make_room(len(tokens) + 1, 256)
    for k, token in enumerate(tokens):
        room.tokens[k] = 1 + ["a", "b", "c", "dd", "eee"].index(token)
    room.ends[1 : len(tokens) + 1] = np.cumsum([len(token) for token in tokens])
    return room


@settings(max_examples=150, deadline=None)
@given(TOKENS, st.booleans())
def test_characters_in_repeated_ngrams(tokens: list[str], in_characters: bool) -> None:
    room = room_of(tokens)
    repeated(room, len(tokens), in_characters)
    tops = [reference.top_gram(tokens, n, in_characters) for n in TOP]
    doubles = [reference.repeated_grams(tokens, n) for n in DUPLICATE]
    assert room.found[:NUM_ORDERS].tolist() == [*tops, *doubles]


@settings(max_examples=50, deadline=None)
@given(TOKENS)
def test_variety_counts_distinct_tokens(tokens: list[str]) -> None:
    distinct, entropy = variety(room_of(tokens), len(tokens))
    assert distinct == len(set(tokens)) and 0 <= entropy <= np.log(5) + 1e-9
