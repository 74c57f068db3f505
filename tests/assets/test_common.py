"""What assets share: the guards of a release as a blocking check."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assets.common import guard_check, guards
from pipelines.cards.release import ReleaseCard


@pytest.mark.parametrize(("largest", "removed", "passed"), [(5, 5, True), (6, 5, False), (5, 6, False)])
def test_guards_say_their_figures_beside_what_the_card_allows(
    largest: int, removed: int, passed: bool
) -> None:
    sources = {"a": {"admitted": 10, "removed": removed}, "b": {"admitted": 0, "removed": 0}}
    built: Any = SimpleNamespace(
        dataset=SimpleNamespace(stats={"largest_cluster": largest, "sources": sources})
    )
    found = guards(built, ReleaseCard(name="r", dumps=("a",), max_cluster=5, max_source_share=0.5))
    assert found.passed is passed
    assert found.metadata["largest_source_share"].value == removed / 10
    assert guard_check("duplicates").blocking
