"""How one model is spread over ranks: what is laid over the defaults, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from model.training.strategy import DEFAULTS, FROM_PLAN, Strategy, StrategyError


def test_what_is_given_lies_over_the_defaults_and_leaves_them_alone() -> None:
    before = copy.deepcopy(DEFAULTS)
    strategy = Strategy.parse({"zero_optimization": {"stage": 2}, "checkpoint_activations": True}, 24, 3, 4)
    assert strategy.config["zero_optimization"] == {"stage": 2} and before == DEFAULTS
    assert strategy.config["train_micro_batch_size_per_gpu"] == 3
    assert strategy.config["gradient_accumulation_steps"] == 2  # 24 sequences, 4 ranks of 3
    assert strategy.config["bf16"] == {
        "enabled": True,
        "check_grad_overflow": True,
        "immediate_grad_update": True,
    }
    assert strategy.checkpoint_activations and not strategy.compile_blocks
    assert not {"checkpoint_activations", "compile_blocks", "pipeline_stages"} & set(strategy.config)
    assert strategy.identity == {"zero_stage": 2, "bf16": True, "pipeline_stages": 1}


def test_part_of_an_entry_leaves_the_rest_of_it_at_our_default() -> None:
    config = Strategy.parse({"zero_optimization": {"overlap_comm": False}, "bf16": {}}, 8, 1, 2).config
    assert config["zero_optimization"] == {"stage": 1, "overlap_comm": False}
    assert config["bf16"]["enabled"]


def test_ranks_of_a_pipeline_read_the_data_of_their_column() -> None:
    strategy = Strategy.parse({"pipeline_stages": 2, "bf16": {"enabled": False}}, 8, 1, 8)
    assert strategy.data_ranks == 4
    assert [strategy.data_rank(rank) for rank in range(8)] == [0, 1, 2, 3, 0, 1, 2, 3]
    assert strategy.config["gradient_accumulation_steps"] == 2
    assert strategy.identity == {"zero_stage": 1, "bf16": False, "pipeline_stages": 2}


@pytest.mark.parametrize("key", FROM_PLAN)
def test_what_the_plan_says_may_not_be_set(key: str) -> None:
    with pytest.raises(StrategyError, match=f"may not set {key} comes from {FROM_PLAN[key]}"):
        Strategy.parse({key: 1}, 8, 1, 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"zero_optimization": {"stage": 0}}, "ZeRO stage 0: use 1, 2 or 3"),
        ({"pipeline_stages": 3}, "4 ranks do not divide into 3 pipeline stages"),
        ({"pipeline_stages": 2, "zero_optimization": {"stage": 3}}, "ZeRO-3 exclude each other"),
        ({"fp16": {"enabled": True}}, "fp16 needs loss scaling"),
    ],
)
def test_combinations_that_cannot_work_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(StrategyError, match=message):
        Strategy.parse(given, 8, 1, 4)
