from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints.manifest import CheckpointError, latest_checkpoint, sha256
from model.checkpoints.verify import main, refuse_differences, verify_checkpoint, verify_stage
from tests.support.checkpoints import fake_checkpoint


@pytest.fixture
def stage(tmp_path: Path) -> Path:
    """A run folder whose stage1 ended at step 4."""
    tag = tmp_path / "checkpoints" / "step-00000004"
    tag.mkdir(parents=True)
    (tag / "state.pt").write_bytes(b"weights")
    files = {"state.pt": {"bytes": 7, "sha256": sha256(tag / "state.pt")}}
    (tag / "checkpoint.json").write_text(
        json.dumps({"step": 4, "stage": "stage1", "stage_end": True, "tag": tag.name, "files": files})
    )
    folder = tmp_path / "export" / "stage1"
    folder.mkdir(parents=True)
    (folder / "stage.json").write_text(json.dumps({"step": 4, "checkpoint": str(tag), "weights_hash": "w"}))
    return tmp_path


def test_a_whole_stage_verifies(stage: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_stage(stage, "stage1")["weights_hash"] == "w"
    assert main(["--run-dir", str(stage), "--stage", "stage1"]) == 0
    assert json.loads(capsys.readouterr().out)["step"] == 4


def test_a_changed_file_a_missing_stage_and_another_step_are_refused(
    stage: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(CheckpointError, match="was not trained to its end"):
        verify_stage(stage, "stage2")
    manifest = stage / "checkpoints/step-00000004/checkpoint.json"
    value = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(value | {"step": 3}))
    with pytest.raises(CheckpointError, match="is step 3 of stage1"):
        verify_stage(stage, "stage1")
    manifest.write_text(json.dumps(value))
    (stage / "checkpoints/step-00000004/state.pt").write_bytes(b"WEIGHTS")
    assert main(["--run-dir", str(stage), "--stage", "stage1"]) == 1
    assert "is not the file" in capsys.readouterr().err


def test_changed_truncated_and_unfinished_checkpoints_are_refused(tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path, 3)
    assert verify_checkpoint(path)["step"] == 3
    (path / "states").write_bytes(b"states 4")
    with pytest.raises(CheckpointError, match="is not the file"):
        verify_checkpoint(path)
    (path / "states").unlink()
    with pytest.raises(CheckpointError, match="is not the file"):
        verify_checkpoint(path)
    (path / "checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match="never finished"):
        latest_checkpoint(tmp_path)


def test_difference_is_named() -> None:
    with pytest.raises(CheckpointError, match="tokenizer: 'a' there, 'b' here"):
        refuse_differences(Path("x"), {"tokenizer": "a", "plan": 1}, {"tokenizer": "b", "plan": 1})


def test_states_of_another_zero_stage_or_pipeline_are_refused_by_name() -> None:
    there = {"strategy": {"zero_stage": 1, "pipeline_stages": 1}}
    with pytest.raises(CheckpointError, match=r"the states of ZeRO-1, this run asks for ZeRO-3"):
        refuse_differences(Path("x"), there, {"strategy": {"zero_stage": 3, "pipeline_stages": 1}})
    with pytest.raises(CheckpointError, match="1 pipeline stages, this run asks for 2 pipeline stages"):
        refuse_differences(Path("x"), there, {"strategy": {"zero_stage": 1, "pipeline_stages": 2}})
