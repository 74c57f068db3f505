from __future__ import annotations

import difflib

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.extraction.blocks.alignment import covered

TOKENS = st.lists(st.sampled_from("abcd"), max_size=40)


@settings(max_examples=300, deadline=None)
@given(TOKENS, TOKENS)
def test_the_tokens_that_difflib_covers(found: list[str], gold: list[str]) -> None:
    expected = [False] * len(found)
    for start, _, size in difflib.SequenceMatcher(None, found, gold, autojunk=False).get_matching_blocks():
        expected[start : start + size] = [True] * size
    assert covered(found, gold).tolist() == expected
