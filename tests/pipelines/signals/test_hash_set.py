"""The set of hashes against Python's set, and its emptying by generations."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.signals.hash_set import HashSet, seen
from pipelines.signals.repetition import make_room
from pipelines.signals.workspace import Workspace, empty_set


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 40), max_size=14), max_size=4))
def test_seen_is_membership_and_each_text_begins_empty(texts: list[list[int]]) -> None:
    space = Workspace(np.zeros(32, np.uint64), np.zeros(32, np.uint32), make_room(16, 32))
    for doc, keys in enumerate(texts):
        hashes = HashSet(*empty_set(space, doc, len(keys)))
        known: set[int] = set()
        for key in keys:
            assert bool(seen(hashes, np.uint64(key << 40))) == (key in known)
            known.add(key)
