from __future__ import annotations

import dataclasses
import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from model.checkpoints.export import load_model
from model.plan.run_file import RunFile
from model.training.strategy import Strategy, StrategyError
from tests.support.ranks import Ranks
from tests.support.training_runs import MODEL, explain, losses, steps, weights

FP32 = {"bf16": {"enabled": False}}


@pytest.fixture(scope="module")
def trained(make_run: Any, ranks: Ranks) -> Path:
    """An uninterrupted Stage-1 on two ranks."""
    folder: Path = make_run("whole")
    assert ranks.train(folder, "stage1", 2) == [0, 0], explain(folder)
    return folder


@pytest.fixture
def whole(trained: Path, tmp_path: Path) -> Path:
    """A copy of it that a test may change."""
    return Path(shutil.copytree(trained, tmp_path / "whole"))


def test_both_stages_train_log_validate_and_export(whole: Path, ranks: Ranks) -> None:
    assert ranks.train(whole, "stage2", 2) == [0, 0], explain(whole)
    records = steps(whole)
    assert [r["step"] for r in records] == list(range(1, 9))
    assert [r["phase"] for r in records] == ["a"] * 4 + ["b"] * 2 + ["c"] * 2
    assert records[0]["loss"] == pytest.approx(math.log(97), abs=0.1)
    assert records[-1]["loss"] < records[0]["loss"] - 0.1
    assert (
        "stem/en-stem" in records[-1]["loss_by_source"] and "stem/en-stem" not in records[0]["loss_by_source"]
    )
    validation = [json.loads(line) for line in (whole / "logs" / "validation.jsonl").read_text().splitlines()]
    assert {r["domain"] for r in validation} == {"web-en", "web-zh"}
    for r in validation:
        assert r["bits_per_byte"] == pytest.approx(r["loss"] / math.log(2) / 4)
    manifest = json.loads((whole / "checkpoints" / "step-00000008" / "checkpoint.json").read_text())
    assert (
        manifest["parent"] == "step-00000006"
        and manifest["tokens"] == 8 * 256
        and sum(manifest["reads"].values()) == 64
    )
    assert list((whole / "logs" / "tensorboard").iterdir())
    # What the run trained, where the preset has 4,096.
    exported = json.loads((whole / "export" / "stage2" / "config.json").read_text())
    assert exported["max_position_embeddings"] == 32
    assert {p.name for p in (whole / "heartbeats").iterdir()} == {"rank-00000.json", "rank-00001.json"}


def test_the_gpt_of_the_ablation_trains_to_its_end_and_is_exported(make_run: Any, ranks: Ranks) -> None:
    gpt = {"positions": "absolute", "norm": "layer", "activation": "gelu", "dropout": 0.1}
    folder = make_run("gpt", phase_steps=(2, 1, 1), model=MODEL | gpt)
    assert ranks.train(folder, "stage1", 1) == [0], explain(folder)
    assert json.loads((folder / "export" / "stage1" / "config.json").read_text())["model_type"] == "gpt2"
    model = load_model(folder / "export" / "stage1")
    assert model.config.positions == "absolute" and weights(folder)


def test_a_damaged_file_that_one_rank_reads_is_refused_by_all(whole: Path, ranks: Ranks) -> None:
    path = whole / "checkpoints" / "step-00000006"
    for name in sorted(json.loads((path / "checkpoint.json").read_text())["files"])[
        :2
    ]:  # one of each rank's share
        data = (path / name).read_bytes()
        (path / name).write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        assert 0 not in ranks.train(whole, "stage2", 2)
        for rank in (0, 1):
            assert (
                f"CheckpointError: {path / name} is not the file" in (whole / f"rank{rank}.log").read_text()
            )
        (path / name).write_bytes(data)


def test_without_latest_a_run_goes_on_from_its_newest_whole_checkpoint_or_not_at_all(
    whole: Path, ranks: Ranks
) -> None:
    before = losses(whole)
    (whole / "checkpoints" / "latest").unlink()
    assert ranks.train(whole, "stage2", 2) == [0, 0], explain(whole)
    assert losses(whole)[: len(before)] == before and len(losses(whole)) == 8
    log = (whole / "logs" / "steps.jsonl").read_bytes()
    shutil.rmtree(whole / "checkpoints")
    assert 0 not in ranks.train(whole, "stage1", 2)
    assert "tells of 8 steps" in (whole / "rank0.log").read_text()
    assert (whole / "logs" / "steps.jsonl").read_bytes() == log


def test_stop_request_saves_and_a_second_start_gives_the_same_bits(
    whole: Path, make_run: Any, ranks: Ranks
) -> None:
    stopped = make_run("stopped", checkpoint_every=100)
    at_3 = {
        "rank": 0,
        "function": "model.train:Trainer.train_step",
        "call": 3,
        "touch": str(stopped / "stop"),
    }
    assert ranks.train(stopped, "stage1", 2, fault=at_3) == [0, 0], explain(stopped)
    assert "stopped at step 3" in (stopped / "rank0.log").read_text()
    assert (stopped / "checkpoints" / "latest").read_text() == "step-00000003"
    assert not (stopped / "stop").exists()
    assert ranks.train(stopped, "stage1", 2) == [0, 0], explain(stopped)
    assert losses(stopped) == losses(whole)
    assert weights(stopped) == weights(whole)


@pytest.mark.parametrize("seconds", [0.0, pytest.param(45.0, marks=pytest.mark.full)])
def test_a_stop_during_a_save_waits_for_it_and_saves_no_second_time(
    make_run: Any, ranks: Ranks, seconds: float
) -> None:
    folder = make_run("stopped", checkpoint_every=3)
    # The request comes while the save of step 3 is under way, however long that takes: its manifest
    # is just written.
    fault = {
        "rank": 0,
        "function": "model.checkpoints.write:write_json",
        "call": 1,
        "touch": str(folder / "stop"),
        "seconds": seconds,
    }
    assert ranks.train(folder, "stage1", 2, fault=fault) == [0, 0], explain(folder)
    assert "stopped at step 3" in (folder / "rank0.log").read_text()
    assert [p.name for p in (folder / "checkpoints").glob("step-*")] == ["step-00000003"]


def test_a_nan_on_one_rank_is_skipped_on_all(make_run: Any, ranks: Ranks) -> None:
    folder = make_run("nan", checkpoint_every=100)
    # Each rank's second step begins with its third micro batch.
    fault = {
        "rank": 1,
        "function": "model.network.architecture:Decoder.forward",
        "call": 3,
        "factor": float("nan"),
    }
    assert ranks.train(folder, "stage1", 2, fault=fault) == [0, 0], explain(folder)
    assert [r["skipped"] for r in steps(folder)] == [False, True, False, False, False, False]
    assert steps(folder)[1]["loss"] is None and steps(folder)[-1]["skipped_total"] == 1


@pytest.mark.parametrize(
    ("zero", "before", "after"),
    [
        (1, 2, 1),
        pytest.param(1, 2, 4, marks=pytest.mark.full),
        pytest.param(2, 2, 1, marks=pytest.mark.full),
        pytest.param(2, 2, 4, marks=pytest.mark.full),
        pytest.param(3, 2, 1, marks=pytest.mark.full),
        pytest.param(3, 2, 4, marks=pytest.mark.full),
    ],
)
def test_a_run_goes_on_on_another_number_of_ranks(
    whole: Path, make_run: Any, ranks: Ranks, zero: int, before: int, after: int
) -> None:
    folder = make_run("resized", deepspeed={"zero_optimization": {"stage": zero}})
    at_3 = {"rank": 0, "function": "model.train:Trainer.train_step", "call": 3, "touch": str(folder / "stop")}
    assert ranks.train(folder, "stage1", before, fault=at_3) == [0] * before, explain(folder)
    assert ranks.train(folder, "stage1", after) == [0] * after, explain(folder)
    assert losses(folder) == pytest.approx(losses(whole), abs=3e-3)
    assert not list((folder / "checkpoints").glob("*universal*"))
    # Its own checkpoints are complete again: the next stage goes on from them.
    assert ranks.train(folder, "stage2", after) == [0] * after, explain(folder)


def test_a_fork_goes_on_from_another_run_under_another_future(
    whole: Path, make_run: Any, ranks: Ranks
) -> None:
    folder = make_run("forked", phase_steps=(4, 2, 3), fork=str(whole / "checkpoints" / "step-00000006"))
    assert ranks.train(folder, "stage2", 2) == [0, 0], explain(folder)
    assert ranks.train(whole, "stage2", 2) == [0, 0], explain(whole)
    assert [r["step"] for r in steps(folder)] == [7, 8, 9]
    assert (
        json.loads((folder / "checkpoints" / "step-00000009" / "checkpoint.json").read_text())["parent"]
        == "step-00000006"
    )
    assert (whole / "checkpoints" / "step-00000006" / "pinned").exists()
    # A plan with another past is no continuation.
    other = make_run("other", phase_steps=(5, 1, 2), fork=str(whole / "checkpoints" / "step-00000006"))
    assert 0 not in ranks.train(other, "stage2", 2)
    assert "belongs to another run (plan" in (other / "rank0.log").read_text()


@pytest.mark.parametrize("stage", [2, 3])
def test_other_zero_stages_agree_with_zero_1(whole: Path, make_run: Any, ranks: Ranks, stage: int) -> None:
    folder = make_run("other", deepspeed={"zero_optimization": {"stage": stage}})
    assert ranks.train(folder, "stage1", 2) == [0, 0], explain(folder)
    # bf16: the order of sums differs.
    assert losses(folder) == pytest.approx(losses(whole), abs=3e-3)


def test_loss_does_not_depend_on_ranks_or_micro_batch(make_run: Any, ranks: Ranks) -> None:
    one, two = make_run("one", deepspeed=FP32, micro_batch=8), make_run("two", deepspeed=FP32, micro_batch=1)
    assert ranks.train(one, "stage1", 1) == [0], explain(one)
    assert ranks.train(two, "stage1", 2) == [0, 0], explain(two)
    assert losses(one) == pytest.approx(losses(two), abs=1e-5)


def test_checkpoint_of_another_plan_is_refused(whole: Path, ranks: Ranks) -> None:
    run = RunFile.load(whole)
    first, *rest = run.plan.phases
    plan = dataclasses.replace(run.plan, phases=(dataclasses.replace(first, seed=7), *rest))
    run.model_copy(update={"plan": plan}).write(whole)
    assert 0 not in ranks.train(whole, "stage2", 2)
    assert "belongs to another run (plan" in (whole / "rank0.log").read_text()


def test_impossible_strategies_say_why() -> None:
    with pytest.raises(StrategyError, match="not a multiple of 3 data ranks"):
        Strategy.parse({}, 8, 1, 3)
    with pytest.raises(StrategyError, match="train_batch_size comes from the plan"):
        Strategy.parse({"train_batch_size": 8}, 8, 1, 2)
    with pytest.raises(StrategyError, match="offload_optimizer"):
        Strategy.parse(
            {"pipeline_stages": 2, "zero_optimization": {"stage": 1, "offload_optimizer": {"device": "cpu"}}},
            8,
            1,
            2,
        )
    with pytest.raises(StrategyError, match="exclude each other"):
        Strategy.parse({"pipeline_stages": 2, "zero_optimization": {"stage": 2}}, 8, 1, 2)
    with pytest.raises(StrategyError, match="fp16"):
        Strategy.parse({"fp16": {"enabled": True}}, 8, 1, 2)
