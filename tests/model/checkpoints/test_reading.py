"""A checkpoint that was made to run something when it is read."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from model.checkpoints.export import checkpoint_state, export_checkpoint
from model.checkpoints.manifest import CheckpointError, read_manifest, sha256, write_json
from model.checkpoints.reading import FORCE, only_data
from model.checkpoints.world_size import to_universal
from tests.support.ranks import Ranks
from tests.support.training_runs import explain

STRATEGIES: dict[str, dict[str, Any]] = {
    "zero-1": {},
    "zero-1-fp32": {"bf16": {"enabled": False}},
    "zero-2": {"zero_optimization": {"stage": 2}},
    "zero-3": {"zero_optimization": {"stage": 3}},
    "pipeline": {"pipeline_stages": 2},
}


class Payload:
    """Unpickled, it leaves a file."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def poison(checkpoint: Path, pattern: str, mark: Path) -> None:
    """Hide a payload in every file of states that the pattern names, and make the manifest agree,
    as one could who may write to the store."""
    value = read_manifest(checkpoint)
    names = [n for n in value["files"] if Path(n).match(pattern)]
    assert names
    for name in names:
        states = torch.load(checkpoint / name, weights_only=False)
        torch.save({**states, "more": Payload(mark)}, checkpoint / name)
        value["files"][name] = {
            "bytes": (checkpoint / name).stat().st_size,
            "sha256": sha256(checkpoint / name),
        }
    write_json(checkpoint / "checkpoint.json", value)


@pytest.fixture(
    scope="module",
    params=[
        "zero-1",
        "pipeline",
        *(pytest.param(n, marks=pytest.mark.full) for n in ("zero-1-fp32", "zero-2", "zero-3")),
    ],
)
def trained(request: pytest.FixtureRequest, make_run: Any, ranks: Ranks) -> Path:
    folder: Path = make_run(request.param, phase_steps=(2, 1, 1), deepspeed=STRATEGIES[request.param])
    assert ranks.train(folder, "stage1", 2) == [0, 0], explain(folder)
    return folder


def test_states_of_every_strategy_are_read_as_data(trained: Path) -> None:
    (path,) = (trained / "checkpoints").glob("step-????????")
    with only_data(str(path)):
        for file in path.rglob("*.pt"):
            torch.load(file, map_location="cpu", weights_only=False)
    exported = export_checkpoint(trained, path.name, trained / "again")
    assert exported == json.loads((trained / "export/stage1/stage.json").read_text())["weights_hash"]


@pytest.mark.parametrize("pattern", ["*model_states.pt", "*optim_states.pt"])
def test_a_payload_in_the_states_does_not_run(
    trained: Path, tmp_path: Path, ranks: Ranks, pattern: str
) -> None:
    folder, mark = Path(shutil.copytree(trained, tmp_path / "run")), tmp_path / "it-ran"
    (path,) = (folder / "checkpoints").glob("step-????????")
    poison(path, pattern, mark)
    value = read_manifest(path)
    if value["strategy"]["pipeline_stages"] == 1:
        with pytest.raises(CheckpointError, match=r"conversion of .* failed"):
            to_universal(path)
        assert 0 not in ranks.train(folder, "stage2", 2)
        assert "holds more than states of DeepSpeed" in (folder / "rank0.log").read_text()
    # Export does not read the optimizer's, but under ZeRO-3 and in a pipeline.
    try:
        checkpoint_state(path, value)
    except CheckpointError as error:
        assert "holds more than states" in str(error)
    assert not mark.exists()


def test_the_setting_ends_with_the_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FORCE, "0")
    torch.save({"more": Payload(tmp_path / "mark")}, tmp_path / "states.pt")
    with (
        pytest.raises(CheckpointError, match=r"states\.pt holds more"),
        only_data(str(tmp_path / "states.pt")),
    ):
        torch.load(tmp_path / "states.pt", weights_only=False)
    assert os.environ[FORCE] == "0" and not (tmp_path / "mark").exists()
