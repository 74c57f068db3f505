"""What the shard sets of a release hold: sources, whole sequences, fingerprints."""

from __future__ import annotations

import copy

from hypothesis import given
from hypothesis import strategies as st

from model.plan.sources import Held, PlannedSource, held_of, listed_sources, sequences_of

LISTING = {"format": 2, "sources": {"zh-web": {"tokens": 101, "x": 1}, "en-web": {"tokens": 100}, "none": {}}}


def test_sources_are_listed_by_name_where_they_have_tokens() -> None:
    assert list(listed_sources(LISTING)) == ["en-web", "zh-web"]


@given(st.integers(0, 10_000), st.integers(1, 50))
def test_a_sequence_needs_a_token_more_for_its_last_target(tokens: int, length: int) -> None:
    held = sequences_of({"sources": {"s": {"tokens": tokens}}}, length).get("s", 0)
    assert held * length + 1 <= tokens or held == 0
    assert (held + 1) * length + 1 > tokens


def test_a_release_holds_sources_of_both_corpora_by_the_hash_of_their_entry() -> None:
    held = held_of({"main": LISTING, "stem": {"sources": {"en-stem": {"tokens": 21}}}}, 20)
    assert {name: (h.tokens, h.sequences) for name, h in held.items()} == {
        "main/en-web": (100, 4),
        "main/zh-web": (101, 5),
        "stem/en-stem": (21, 1),
    }
    changed = copy.deepcopy(LISTING)
    changed["sources"]["zh-web"]["x"] = 2  # type: ignore[index]
    other = held_of({"main": changed}, 20)
    assert other["main/zh-web"].fingerprint != held["main/zh-web"].fingerprint
    assert other["main/en-web"] == held["main/en-web"] and "stem/en-stem" not in other


def test_a_source_knows_its_corpus_its_shards_and_what_a_release_has_of_it() -> None:
    source = PlannedSource("stem/en-stem", {"r": Held(21, 1, "f")})
    assert (source.corpus, source.shard_name) == ("stem", "en-stem")
    assert (source.sequences("r"), source.sequences("other")) == (1, 0)
