"""Kill -9 at seeded points of a dump, a release and its tokens, then a rerun: the same hashes,
nothing half, nothing left."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.kills import sweep_apart


@pytest.mark.parametrize("scenario", ["dump", "release", "tokens"])
def test_three_kills_are_made_up_for(tmp_path: Path, scenario: str) -> None:
    found = sweep_apart(tmp_path, scenario, "process", 3)
    assert found["events"] > 30


@pytest.mark.full
@pytest.mark.parametrize("scenario", ["dump", "release", "tokens"])
def test_forty_kills_are_made_up_for(tmp_path: Path, scenario: str) -> None:
    sweep_apart(tmp_path, scenario, "process", 40)
