"""What a run costs, against the paper's own run and DeepSpeed's memory formula."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.cost.run_cost import FLOPS_PER_RANK, describe, run_cost
from model.network.config import preset
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import Phase, Schedule
from model.plan.plan import Plan
from model.training.strategy import StrategyError


def planned(tokens: int, **values: Any) -> tuple[RunCard, Plan]:
    phase = Phase(name="a", stage="stage1", tokens=tokens, schedule=Schedule(peak=6e-4))
    card = RunCard(
        **{"name": "r", "release": "x", "preset": "13b", "global_batch": 4096, "phases": (phase,)} | values
    )
    listing = {"sources": {"en-webpages": {"tokens": tokens}}, "tokenizer_hash": "t"}
    return card, build_plan(card, {"main": listing})


def test_the_papers_run_takes_the_papers_days() -> None:
    """3.2 T tokens at 1,873 tokens a second on each of 512 cards are 39 days (paper 3.5)."""
    card, plan = planned(3_200_000_000_000, world_size=512, micro_batch=2, deepspeed={"pipeline_stages": 2})
    days = run_cost(card, plan, preset("13b")).hours(FLOPS_PER_RANK) / 24
    assert days == pytest.approx(3.2e12 / 1873 / 512 / 86400, rel=0.02)


@pytest.mark.parametrize(("stage", "bytes_per_parameter"), [(1, 6 + 12 / 64), (2, 2 + 16 / 64), (3, 18 / 64)])
def test_states_are_spread_as_zero_spreads_them(stage: int, bytes_per_parameter: float) -> None:
    card, plan = planned(10**9, world_size=64, deepspeed={"zero_optimization": {"stage": stage}})
    c = run_cost(card, plan, preset("13b"))
    states = c.memory["weights"] + c.memory["gradients"] + c.memory["optimizer"]
    assert states == pytest.approx(bytes_per_parameter * 13_854_269_952, rel=1e-6)
    assert c.checkpoint_bytes == 14 * 13_854_269_952 and c.checkpoint_rank_bytes * 64 == pytest.approx(
        c.checkpoint_bytes, rel=1e-6
    )


def test_pipeline_stages_and_recomputation_take_less() -> None:
    whole = run_cost(*planned(10**9, world_size=64), preset("13b"))
    quarter = run_cost(*planned(10**9, world_size=64, deepspeed={"pipeline_stages": 4}), preset("13b"))
    assert 0.25 < quarter.memory["weights"] / whole.memory["weights"] < 0.27, (
        "a quarter of the layers and one embedding"
    )
    again = run_cost(
        *planned(10**9, world_size=64, deepspeed={"checkpoint_activations": True}), preset("13b")
    )
    assert again.memory["activations"] < whole.memory["activations"] / 4


def test_what_does_not_divide_is_refused_before_anything_starts() -> None:
    with pytest.raises(
        StrategyError, match="global batch 4096 is not a multiple of 3 data ranks x micro batch 1"
    ):
        run_cost(*planned(10**9, world_size=3), preset("13b"))


def test_the_text_names_memory_disk_hours_and_what_was_measured(tmp_path: Path) -> None:
    card, plan = planned(10**10, world_size=64)
    text = describe(card, plan, preset("13b"), FLOPS_PER_RANK, tmp_path)
    assert "13,854,269,952 parameters" in text and "memory of a rank" in text and "measured" not in text
    assert "180.64 GiB" in text and "hours at 176.3 TFLOP/s" in text
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "steps.jsonl").write_text(json.dumps({"step": 99, "tokens_per_second": 1e6}) + "\n")
    assert "1,000,000 tokens/s at step 99: 2.3 hours to go" in describe(
        card, plan, preset("13b"), FLOPS_PER_RANK, tmp_path
    )


def test_no_torch() -> None:
    import subprocess
    import sys

    modules = "model.cost.run_cost, model.data.trace, jobs.commands.plan"
    code = f"import sys, {modules}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
