"""Power cuts while tables are built: what is visible is whole, and a rerun makes up for the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.lake.garbage import gc
from tests.support import scenarios
from tests.support.kills import half_tables, pointers
from tests.support.lake_samples import build
from tests.support.power_cuts import cuts


def test_two_hundred_cuts_are_made_up_for(tmp_path: Path) -> None:
    def work(folder: Path) -> None:
        build(folder)
        build(folder, version=2)  # takes over what the first has written
        Lake(folder).publish("other", version=1, write=lambda w: w.write_json("a/b.json", {"n": 1}))
        Lake(folder).delete("pointers/other/all.json")
        gc(Lake(folder), delete=True)

    _survived(tmp_path, work, 200)


@pytest.mark.full
@pytest.mark.parametrize("scenario", ["dump", "release", "tokens"])
def test_two_hundred_cuts_of_every_stage_are_made_up_for(tmp_path: Path, scenario: str) -> None:
    run = getattr(scenarios, scenario)
    _survived(tmp_path, lambda folder: run(folder, InProcess()), 200)


def _survived(root: Path, work: Callable[[Path], object], count: int) -> None:
    whole = root / "whole"
    whole.mkdir()
    work(whole)
    wanted, problems, number = pointers(Lake(whole)), [], 0
    for folder in cuts(root / "cuts", work, count):
        number += 1
        lake = Lake(folder)
        problems += [f"{folder.name}: {broken}" for broken in half_tables(lake)]
        if folder.name.startswith("end") and pointers(lake) != wanted:
            problems.append(f"{folder.name}: lost what was published")
        work(folder)
        if pointers(lake) != wanted or half_tables(lake) or lake.folders("staging"):
            problems.append(f"{folder.name}: the rerun left {pointers(lake)}, {lake.folders('staging')}")
    assert problems == [] and number >= min(count, 150)
