from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints.manifest import CheckpointError, finished_checkpoints, latest_checkpoint, read_manifest
from model.checkpoints.retention import retain, rollback
from tests.support.checkpoints import fake_checkpoint


def test_retention_keeps_last_ancestors_multiples_pinned_and_what_is_uploaded(tmp_path: Path) -> None:
    for step in range(1, 11):
        fake_checkpoint(tmp_path, step, stage_end=step == 3)
    (tmp_path / "step-00000002" / "pinned").touch()
    retain(tmp_path, keep_last=2, keep_every=5, kept={"step-00000001"})
    assert [read_manifest(p)["step"] for p in finished_checkpoints(tmp_path)] == [1, 2, 3, 5, 9, 10]


def test_rollback_names_a_verified_checkpoint_and_is_recorded(tmp_path: Path) -> None:
    fake_checkpoint(tmp_path, 1)
    fake_checkpoint(tmp_path, 2)
    fake_checkpoint(tmp_path, 3)
    rollback(tmp_path, "step-00000001")
    latest = latest_checkpoint(tmp_path)
    assert latest is not None and latest.name == "step-00000001"
    assert json.loads((tmp_path / "rollbacks.jsonl").read_text()) == {
        "from": "step-00000003",
        "step": 1,
        "to": "step-00000001",
    }
    # Later checkpoints are set aside: neither the next start nor retention counts them.
    assert [p.name for p in finished_checkpoints(tmp_path)] == ["step-00000001"]
    assert (tmp_path / "step-00000002.abandoned-1").is_dir() and (
        tmp_path / "step-00000003.abandoned-1"
    ).is_dir()
    broken = fake_checkpoint(tmp_path, 2)
    (broken / "states").write_bytes(b"")
    with pytest.raises(CheckpointError):
        rollback(tmp_path, "step-00000002")
