"""Blocks of a title and a line are teasers; sections, threads and steps are not."""

from __future__ import annotations

import pytest

from pipelines.signals.rules import measure_rules

TEASER = "Mayor promises a bridge by spring\nThe council will vote on the plan in March.\nBy Ann Lee"
SECTION = "How the bridge is built\n" + "Workers lower each pillar into the bed of the river. " * 12


def share_of(*blocks: str) -> float:
    found: float = measure_rules(["\n\n".join(blocks)], ["en"]).to_pylist()[0]["teasers"]
    return found


def test_a_section_of_headlines_is_made_of_teasers() -> None:
    assert share_of(*[TEASER] * 6) == 1.0
    assert share_of(*["Mayor promises a bridge by spring"] * 6) == 1.0


def test_sections_with_text_are_no_teasers() -> None:
    assert share_of(*[SECTION] * 6) == 0.0


@pytest.mark.parametrize(
    "block", ["It was late.\nWe went home.", "Ingredients:\nTwo eggs", "(see below)\nA note"]
)
def test_what_ends_in_a_mark_is_no_title(block: str) -> None:
    assert share_of(*[block] * 6) == 0.0


def test_few_blocks_announce_nothing() -> None:
    assert share_of(*[TEASER] * 4) == 0.0


def test_the_share_is_of_all_words() -> None:
    words = len(TEASER.split()) * 5, len(SECTION.split())
    assert share_of(*[TEASER] * 5, SECTION) == pytest.approx(words[0] / sum(words))


def test_text_without_spaces_has_no_such_number() -> None:
    assert measure_rules(["今天很好。"], ["zh"]).to_pylist()[0]["teasers"] is None
