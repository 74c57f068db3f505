from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest

from model.strategy import Strategy, StrategyError
from tests.model.ranks import Ranks

FP32 = {"bf16": {"enabled": False}}


def steps(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "logs" / "steps.jsonl").read_text().splitlines()]


def losses(folder: Path) -> list[float]:
    return [r["loss"] for r in steps(folder)]


def weights(folder: Path, stage: str = "stage1") -> str:
    return str(json.loads((folder / "export" / stage / "stage.json").read_text())["weights_hash"])


def explain(folder: Path) -> str:
    return "".join(p.read_text()[-1500:] for p in sorted(folder.glob("rank*.log")))


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
    assert "stem/en-stem" in records[-1]["loss_by_source"] and "stem/en-stem" not in records[0]["loss_by_source"]
    validation = [json.loads(line) for line in (whole / "logs" / "validation.jsonl").read_text().splitlines()]
    assert {r["domain"] for r in validation} == {"web-en", "web-zh"}
    for r in validation:
        assert r["bits_per_byte"] == pytest.approx(r["loss"] / math.log(2) / 4)
    manifest = json.loads((whole / "checkpoints" / "step-00000008" / "checkpoint.json").read_text())
    assert manifest["parent"] == "step-00000006" and manifest["tokens"] == 8 * 256 and sum(manifest["reads"].values()) == 64
    assert list((whole / "logs" / "tensorboard").iterdir())
    assert {p.name for p in (whole / "heartbeats").iterdir()} == {"rank-00000.json", "rank-00001.json"}


def test_stop_request_saves_and_a_second_start_gives_the_same_bits(whole: Path, make_run: Any, ranks: Ranks) -> None:
    stopped = make_run("stopped", checkpoint_every=100)
    at_3 = {"rank": 0, "function": "model.train:Trainer.train_step", "call": 3, "touch": str(stopped / "stop")}
    assert ranks.train(stopped, "stage1", 2, fault=at_3) == [0, 0], explain(stopped)
    assert "stopped at step 3" in (stopped / "rank0.log").read_text()
    assert (stopped / "checkpoints" / "latest").read_text() == "step-00000003"
    assert not (stopped / "stop").exists()
    assert ranks.train(stopped, "stage1", 2) == [0, 0], explain(stopped)
    assert losses(stopped) == losses(whole)
    assert weights(stopped) == weights(whole)


def test_lost_rank_costs_one_interval_and_changes_nothing(whole: Path, make_run: Any, ranks: Ranks) -> None:
    killed = make_run("killed")
    codes = ranks.train(killed, "stage1", 2, fault={"rank": 1, "function": "model.train:Trainer.train_step", "call": 5})
    assert codes[1] == -9 and codes[0] != 0
    assert (killed / "checkpoints" / "latest").read_text() == "step-00000003"
    assert ranks.train(killed, "stage1", 2) == [0, 0], explain(killed)
    assert losses(killed) == losses(whole)
    assert weights(killed) == weights(whole)


def test_kill_during_a_save_loses_one_interval_and_changes_nothing(whole: Path, make_run: Any, ranks: Ranks) -> None:
    folder = make_run("save")
    # Rank 0 dies in the save of step 6, after its manifest was written and before the rename.
    ranks.train(folder, "stage1", 2, fault={"rank": 0, "function": "model.checkpoint:write_json", "call": 2})
    assert (folder / "checkpoints" / "latest").read_text() == "step-00000003"
    assert (folder / "checkpoints" / "step-00000006.partial").is_dir()
    assert ranks.train(folder, "stage1", 2) == [0, 0], explain(folder)
    assert weights(folder) == weights(whole)


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
    value = json.loads((whole / "run.json").read_text())
    value["plan"]["seed"] = 7
    (whole / "run.json").write_text(json.dumps(value))
    assert 0 not in ranks.train(whole, "stage2", 2)
    assert "belongs to another run (plan" in (whole / "rank0.log").read_text()


def test_impossible_strategies_say_why() -> None:
    with pytest.raises(StrategyError, match="not a multiple of 3 data ranks"):
        Strategy.parse({}, 8, 1, 3)
    with pytest.raises(StrategyError, match="exclude each other"):
        Strategy.parse({"pipeline_stages": 2, "zero_optimization": {"stage": 2}}, 8, 1, 2)
    with pytest.raises(StrategyError, match="fp16"):
        Strategy.parse({"fp16": {"enabled": True}}, 8, 1, 2)
