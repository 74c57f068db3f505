from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints import checkpoint
from model.checkpoints.checkpoint import CheckpointError


def fake(folder: Path, step: int, **more: object) -> Path:
    path = folder / f"step-{step:08d}"
    path.mkdir(parents=True)
    (path / "states").write_bytes(b"states %d" % step)
    files = {
        "states": {"bytes": (path / "states").stat().st_size, "sha256": checkpoint.sha256(path / "states")}
    }
    checkpoint.write_json(path / "checkpoint.json", {"step": step, "files": files, **more})
    checkpoint.set_latest(folder, path.name)
    return path


def test_changed_truncated_and_unfinished_checkpoints_are_refused(tmp_path: Path) -> None:
    path = fake(tmp_path, 3)
    assert checkpoint.verify(path)["step"] == 3
    (path / "states").write_bytes(b"states 4")
    with pytest.raises(CheckpointError, match="is not the file"):
        checkpoint.verify(path)
    (path / "states").unlink()
    with pytest.raises(CheckpointError, match="is not the file"):
        checkpoint.verify(path)
    (path / "checkpoint.json").unlink()
    with pytest.raises(CheckpointError, match="never finished"):
        checkpoint.latest(tmp_path)


def test_retention_keeps_last_ancestors_multiples_pinned_and_what_is_uploaded(tmp_path: Path) -> None:
    for step in range(1, 11):
        fake(tmp_path, step, stage_end=step == 3)
    (tmp_path / "step-00000002" / "pinned").touch()
    checkpoint.retain(tmp_path, keep_last=2, keep_every=5, kept={"step-00000001"})
    assert [checkpoint.manifest(p)["step"] for p in checkpoint.checkpoints(tmp_path)] == [1, 2, 3, 5, 9, 10]


def test_rollback_names_a_verified_checkpoint_and_is_recorded(tmp_path: Path) -> None:
    fake(tmp_path, 1)
    fake(tmp_path, 2)
    fake(tmp_path, 3)
    checkpoint.rollback(tmp_path, "step-00000001")
    latest = checkpoint.latest(tmp_path)
    assert latest is not None and latest.name == "step-00000001"
    assert json.loads((tmp_path / "rollbacks.jsonl").read_text()) == {
        "from": "step-00000003",
        "step": 1,
        "to": "step-00000001",
    }
    # Later checkpoints are set aside: neither the next start nor retention counts them.
    assert [p.name for p in checkpoint.checkpoints(tmp_path)] == ["step-00000001"]
    assert (tmp_path / "step-00000002.abandoned-1").is_dir() and (
        tmp_path / "step-00000003.abandoned-1"
    ).is_dir()
    broken = fake(tmp_path, 2)
    (broken / "states").write_bytes(b"")
    with pytest.raises(CheckpointError):
        checkpoint.rollback(tmp_path, "step-00000002")


def test_difference_is_named() -> None:
    with pytest.raises(CheckpointError, match="tokenizer: 'a' there, 'b' here"):
        checkpoint.refuse_differences(Path("x"), {"tokenizer": "a", "plan": 1}, {"tokenizer": "b", "plan": 1})


def test_states_of_another_zero_stage_or_pipeline_are_refused_by_name() -> None:
    there = {"strategy": {"zero_stage": 1, "pipeline_stages": 1}}
    with pytest.raises(CheckpointError, match=r"the states of ZeRO-1, this run asks for ZeRO-3"):
        checkpoint.refuse_differences(Path("x"), there, {"strategy": {"zero_stage": 3, "pipeline_stages": 1}})
    with pytest.raises(CheckpointError, match="1 pipeline stages, this run asks for 2 pipeline stages"):
        checkpoint.refuse_differences(Path("x"), there, {"strategy": {"zero_stage": 1, "pipeline_stages": 2}})


def test_conversion_refuses_a_disk_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake(tmp_path, 3)
    monkeypatch.setattr(checkpoint.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(CheckpointError, match="10 bytes free; converting step-00000003"):
        checkpoint.to_universal(path)


def test_a_conversion_goes_once_it_is_loaded_and_the_checkpoint_stays(tmp_path: Path) -> None:
    path = fake(tmp_path, 3)
    (tmp_path / "step-00000003_universal" / "zero").mkdir(parents=True)
    (tmp_path / "latest_universal").write_text("step-00000003_universal")
    checkpoint.drop_universal(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "step-00000003"]
    assert checkpoint.checkpoints(tmp_path) == [path]
