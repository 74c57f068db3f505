from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from model.network.architecture import Skywork
from model.network.config import ModelConfig
from model.network.pipeline import First, Last, Middle, hugging_face_name
from tests.support.ranks import Ranks
from tests.support.training_runs import MODEL, explain, losses, steps, weights

FP32 = {"bf16": {"enabled": False}}
MASKED = MODEL | {"document_attention": True}
PIPELINE = {"pipeline_stages": 2}


def exported(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(str(folder / "export" / "stage1" / "model.safetensors"))


def test_stages_draw_the_weights_of_the_whole_model_under_its_names() -> None:
    config = ModelConfig.from_json(MODEL)
    whole = Skywork(config, seed=3).state_dict()
    layers = [First(config, 3), *(Middle(config, 3, i) for i in range(config.num_layers)), Last(config, 3)]
    parts = {
        hugging_face_name(i, n, config.num_layers): p
        for i, layer in enumerate(layers)
        for n, p in layer.state_dict().items()
    }
    assert parts.keys() == whole.keys()
    assert all(torch.equal(parts[n], whole[n]) for n in whole)


@pytest.fixture(scope="module")
def one_rank(make_run: Any, ranks: Ranks) -> Path:
    """Six steps in fp32 on one rank, with document boundaries."""
    folder: Path = make_run("one", model=MASKED, deepspeed=FP32, micro_batch=8)
    assert ranks.train(folder, "stage1", 1) == [0], explain(folder)
    return folder


@pytest.mark.parametrize(("world", "more"), [(2, {}), (4, {"checkpoint_activations": True})])
def test_pipeline_agrees_with_one_rank_with_document_masks(
    one_rank: Path, make_run: Any, ranks: Ranks, world: int, more: dict[str, Any]
) -> None:
    folder = make_run("piped", model=MASKED, deepspeed=FP32 | PIPELINE | more)
    assert ranks.train(folder, "stage1", world) == [0] * world, explain(folder)
    # fp32: sums are taken in another order.
    assert losses(folder) == pytest.approx(losses(one_rank), abs=1e-5)
    for a, b in zip(steps(folder), steps(one_rank), strict=True):
        assert a["gradient_norm"] == pytest.approx(b["gradient_norm"], rel=1e-4)
        assert a["loss_by_source"] == pytest.approx(b["loss_by_source"], abs=1e-5)
        for key in ("gradient_norm_by_group", "update_ratio_by_group"):
            assert a[key] == pytest.approx(b[key], rel=2e-3)
    ours, wanted = exported(folder), exported(one_rank)
    assert ours.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(ours[name], tensor, atol=2e-4, rtol=0)


def test_masks_change_the_losses(one_rank: Path, make_run: Any, ranks: Ranks) -> None:
    folder = make_run("unmasked", deepspeed=FP32, micro_batch=8)
    assert ranks.train(folder, "stage1", 1) == [0], explain(folder)
    assert losses(folder) != pytest.approx(losses(one_rank), abs=1e-4)


def test_pipeline_stopped_and_resumed_gives_the_same_bits(make_run: Any, ranks: Ranks) -> None:
    whole, halved = make_run("whole", deepspeed=PIPELINE), make_run("halved", deepspeed=PIPELINE)
    assert ranks.train(whole, "stage1", 2) == [0, 0], explain(whole)
    at_3 = {"rank": 0, "function": "model.train:Trainer.train_step", "call": 3, "touch": str(halved / "stop")}
    assert ranks.train(halved, "stage1", 2, fault=at_3) == [0, 0], explain(halved)
    assert ranks.train(halved, "stage1", 2) == [0, 0], explain(halved)
    assert losses(halved) == losses(whole)
    assert weights(halved) == weights(whole)
    # The export of a checkpoint is the export of the run.
    from model.checkpoints.export import export_checkpoint

    assert export_checkpoint(whole, "step-00000006", whole / "again") == weights(whole)


def test_a_nan_on_one_stage_is_skipped_on_both(make_run: Any, ranks: Ranks) -> None:
    folder = make_run("nan", deepspeed=PIPELINE)
    poisoned = {
        "rank": 1,
        "function": "model.network.pipeline:Pipeline.loss",
        "call": 7,
        "factor": float("nan"),
    }
    assert ranks.train(folder, "stage1", 2, fault=poisoned) == [0, 0], explain(folder)
    assert [r["skipped"] for r in steps(folder)] == [False, True, False, False, False, False]
