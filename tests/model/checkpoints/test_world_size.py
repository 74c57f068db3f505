from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoints import world_size
from model.checkpoints.manifest import CheckpointError, finished_checkpoints
from model.checkpoints.world_size import drop_universal, to_universal
from tests.support.checkpoints import fake_checkpoint


def test_conversion_refuses_a_disk_that_is_too_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fake_checkpoint(tmp_path, 3)
    monkeypatch.setattr(world_size.shutil, "disk_usage", lambda _: type("Usage", (), {"free": 10}))
    with pytest.raises(CheckpointError, match="10 bytes free; converting step-00000003"):
        to_universal(path)


def test_a_conversion_goes_once_it_is_loaded_and_the_checkpoint_stays(tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path, 3)
    (tmp_path / "step-00000003_universal" / "zero").mkdir(parents=True)
    (tmp_path / "latest_universal").write_text("step-00000003_universal")
    drop_universal(path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "step-00000003"]
    assert finished_checkpoints(tmp_path) == [path]
