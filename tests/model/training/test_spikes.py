from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from model.plan.limits import SpikePolicy
from model.training.spikes import Skip, Skips, Spikes
from tests.support.ranks import ALL, Ranks
from tests.support.training_runs import explain, losses, steps, weights

EAGER: dict[str, Any] = {"minimum": 2, "limit": 2, "within": 4, "share": 0.2}


def test_a_spike_lies_deviations_above_the_recent_past() -> None:
    spikes = Spikes(SpikePolicy())
    for step in range(1, 31):
        assert not spikes.observe(step, 3.0 + 0.01 * (step % 3), "a")
    assert not spikes.observe(31, 3.05, "a")
    assert spikes.observe(32, 3.3, "a")
    assert spikes.observe(33, math.nan, "a")
    assert math.nan not in spikes.losses


def test_spikes_are_too_many_within_a_window_only() -> None:
    policy = SpikePolicy(minimum=2, limit=3, within=10)
    spikes = Spikes(policy)
    for step in range(1, 60):
        spikes.observe(step, 9.0 if step % 6 == 0 else 1.0, "a")
        assert not spikes.too_many
    for step in (60, 61, 62):
        spikes.observe(step, math.inf, "a")
    assert spikes.too_many and spikes.steps[0] in (54, 60)


LEVELS = [1.03, 1.08, 1.15, 1.3, 0.7]


@pytest.mark.parametrize("noise", [0.0, 0.003, 0.03])
@pytest.mark.parametrize("change", LEVELS)
def test_a_lasting_change_with_the_phase_is_no_spike(change: float, noise: float) -> None:
    """Three phases, each at a level of its own for good: the run never goes back."""
    for seed in range(20):
        draw, spikes = random.Random(seed), Spikes(SpikePolicy())
        for step in range(1, 601):
            phase = (step - 1) // 200
            loss = 3.0 * change**phase * draw.gauss(1.0, noise)
            spikes.observe(step, loss, f"phase-{phase}")
            assert not spikes.too_many


@pytest.mark.parametrize("after", [1, 5, 60])
@pytest.mark.parametrize("change", LEVELS)
def test_real_spikes_are_seen_at_the_beginning_of_a_phase_too(change: float, after: int) -> None:
    draw, spikes, flagged = random.Random(1), Spikes(SpikePolicy()), []
    first = 200 + after
    for step in range(1, 300):
        level = 3.0 * (change if step > 200 else 1.0) * draw.gauss(1.0, 0.003)
        burst = first <= step < first + 5
        if spikes.observe(step, level * (2.5 if burst else 1.0), "b" if step > 200 else "a"):
            flagged.append(step)
        assert spikes.too_many == (first + 4 <= step < first + 20), step
    assert flagged == list(range(first, first + 5))


def test_a_resumed_judge_judges_alike() -> None:
    whole = Spikes(SpikePolicy(**EAGER))
    series = [3.0, 2.9, 2.8, 9.0, 2.7, 8.0, 2.6]
    wanted = [whole.observe(i, x, "a" if i < 4 else "b") for i, x in enumerate(series)]
    half = Spikes(SpikePolicy(**EAGER))
    found = [half.observe(i, x, "a" if i < 4 else "b") for i, x in enumerate(series[:3])]
    half = Spikes(half.policy, json.loads(json.dumps(half.state)))
    assert found + [half.observe(i, x, "a" if i < 4 else "b") for i, x in enumerate(series[3:], 3)] == wanted
    assert half.state == whole.state and any(wanted)


def test_skipped_ranges_survive_and_chain(tmp_path: Path) -> None:
    skips = Skips(tmp_path)
    skips.add(Skip(3, 5, "a"), write=True)
    skips.add(Skip(5, 7, "b"), write=True)
    again = Skips(tmp_path)
    assert [again.end_of(s) for s in range(9)] == [0, 1, 2, 7, 7, 7, 7, 7, 8]


def test_after_too_many_spikes_all_ranks_return_and_leave_the_samples_out(
    make_run: Any, ranks: Ranks
) -> None:
    spiked, told = (make_run(n, checkpoint_every=2, spikes=EAGER) for n in ("spiked", "told"))
    # Losses of steps 4 and 5 look ten times as high; the run goes back to step 2 and trains 3 and 6
    # without the samples between.
    fault = {
        "rank": ALL,
        "function": "model.training.engine:TrainingEngine.train_batch",
        "call": 4,
        "times": 2,
        "factor": 10.0,
    }
    assert ranks.train(spiked, "stage1", 2, fault=fault) == [0, 0], explain(spiked)
    assert json.loads((spiked / "skips.json").read_text()) == [
        {"first": 3, "end": 5, "checkpoint": "step-00000002"}
    ]
    assert [r["step"] for r in steps(spiked)] == [1, 2, 3, 6]
    assert json.loads((spiked / "checkpoints" / "rollbacks.jsonl").read_text())["to"] == "step-00000002"
    # The same as a run that had known: also after being killed between the decision and the return.
    (told / "skips.json").write_bytes((spiked / "skips.json").read_bytes())
    assert ranks.train(told, "stage1", 2) == [0, 0], explain(told)
    assert losses(told) == losses(spiked)
    assert weights(told) == weights(spiked)


def test_the_budget_of_returns_is_bounded(make_run: Any, ranks: Ranks) -> None:
    folder = make_run("diverged", checkpoint_every=2, spikes=EAGER | {"budget": 0})
    fault = {
        "rank": ALL,
        "function": "model.training.engine:TrainingEngine.train_batch",
        "call": 4,
        "times": 2,
        "factor": 10.0,
    }
    codes = ranks.train(folder, "stage1", 2, fault=fault)
    assert 0 not in codes and -9 not in codes
    assert "lower the learning rate" in (folder / "rank0.log").read_text()
