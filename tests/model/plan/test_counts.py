"""The cumulative law for any mixture, from any step."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.plan.base import PlanError
from model.plan.counts import CHUNK, CountTable, Targets, make_rows
from model.plan.mixture import StemShare
from model.plan.phases import STEM_RAMP

RAMPS = st.sampled_from(
    [
        StemShare(),
        StemShare(start=0.3),
        StemShare(start=1.0),
        StemShare(kind="linear", start=0.1, end=0.4),
        STEM_RAMP,
        StemShare(kind="steps", steps=((0.0, 0.1), (0.5, 0.9))),
    ]
)


@st.composite
def mixtures(draw: st.DrawFn) -> Targets:
    """Any mixture, with sources from a thousandth to all of it."""
    main = draw(st.lists(st.floats(0.001, 1.0), min_size=1, max_size=12))
    stem = draw(st.integers(1, 4))
    weights = [("main", w / sum(main)) for w in main] + [("stem", 1 / stem)] * stem
    return Targets(draw(st.integers(1, 60)), draw(st.integers(1, 40)), draw(RAMPS), tuple(weights))


@settings(max_examples=200, deadline=None)
@given(mixtures())
def test_every_count_within_one_sequence_of_its_target(targets: Targets) -> None:
    target = targets.at(range(targets.steps + 1))
    table = make_rows(targets, 0, targets.steps, (0,) * len(targets.weights))
    assert np.abs(table - target).max() < 1 + 1e-6
    assert (np.diff(table, axis=0) >= 0).all()
    assert np.array_equal(table.sum(axis=1), np.arange(targets.steps + 1) * targets.batch)


@settings(max_examples=60, deadline=None)
@given(mixtures(), st.integers(0, 59))
def test_a_seek_gives_the_rows_of_the_whole(targets: Targets, cut: int) -> None:
    """Also where a deadline lies beyond the part that is made."""
    cut %= targets.steps
    whole = make_rows(targets, 0, targets.steps, (0,) * len(targets.weights))
    assert np.array_equal(make_rows(targets, 0, cut, whole[0].tolist()), whole[: cut + 1])
    assert np.array_equal(make_rows(targets, cut, targets.steps, whole[cut].tolist()), whole[cut:])


def test_targets_are_the_integral_of_the_ramp() -> None:
    """Paper 3.6.2: 10 % of SkyPile-STEM at first, 40 % at last, 20 % on average."""
    table = CountTable.make(Targets(1000, 1000, STEM_RAMP, (("main", 1.0), ("stem", 1.0))))
    stem = np.array([table.at(s)[1] for s in range(1001)])
    t = np.arange(1001) / 1000
    assert np.abs(stem - 1e6 * (0.10 * t + 0.30 * t**3 / 3)).max() <= 1
    assert stem[1] == 100 and stem[-1] == 200_000 and stem[-1] - stem[-2] == pytest.approx(400, abs=2)


def test_a_table_is_found_again_from_its_marks() -> None:
    targets = Targets(
        2 * CHUNK + 77, 5, STEM_RAMP, (("main", 0.9), ("main", 0.1), ("stem", 0.999), ("stem", 0.001))
    )
    table = CountTable.make(targets)
    rows = make_rows(targets, 0, targets.steps, (0, 0, 0, 0))
    again = CountTable.from_json(targets, json.loads(json.dumps(table.to_json())))
    assert again == table and len(table.marks) == 4
    for step in (0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, targets.steps - 1, targets.steps):
        assert np.array_equal(again.at(step), rows[step])
    for source in range(4):
        for read in {0, 1, int(rows[-1, source]) // 2, int(rows[-1, source]) - 1}:
            step = again.step_of(source, read)
            assert rows[step, source] <= read < rows[step + 1, source]


def test_a_table_that_is_not_the_planned_one_is_refused() -> None:
    targets = Targets(50, 5, STEM_RAMP, (("main", 0.9), ("main", 0.1), ("stem", 1.0)))
    table = CountTable.make(targets)
    other = Targets(50, 5, STEM_RAMP, (("main", 0.8), ("main", 0.2), ("stem", 1.0)))
    with pytest.raises(PlanError, match="not those that were planned"):
        CountTable(other, table.marks, table.hashes).at(3)
    with pytest.raises(PlanError, match="damaged"):
        CountTable.from_json(Targets(CHUNK + 1, 5, STEM_RAMP, targets.weights), table.to_json())
