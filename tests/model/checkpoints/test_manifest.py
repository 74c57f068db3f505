from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoints.manifest import (
    CheckpointError,
    finished_checkpoints,
    latest_checkpoint,
    read_manifest,
    set_latest,
)
from tests.support.checkpoints import fake_checkpoint


def test_checkpoints_are_those_with_a_manifest_in_the_order_of_their_steps(tmp_path: Path) -> None:
    late, early = fake_checkpoint(tmp_path, 20), fake_checkpoint(tmp_path, 3)
    for other in ("step-00000030.partial", "step-00000003_universal", "step-00000010.abandoned-1"):
        (tmp_path / other).mkdir()
        (tmp_path / other / "checkpoint.json").write_text("{}")
    (tmp_path / "step-00000040").mkdir()
    assert finished_checkpoints(tmp_path) == [early, late]


def test_the_latest_is_what_was_named_last_not_the_highest_step(tmp_path: Path) -> None:
    assert latest_checkpoint(tmp_path) is None
    fake_checkpoint(tmp_path, 3)
    fake_checkpoint(tmp_path, 6)
    set_latest(tmp_path, "step-00000003")
    assert latest_checkpoint(tmp_path) == tmp_path / "step-00000003"


def test_a_folder_that_was_never_finished_is_no_checkpoint(tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path, 3)
    assert read_manifest(path)["step"] == 3
    (path / "checkpoint.json").write_text('{"step": ')
    with pytest.raises(CheckpointError, match="never finished, choose an older checkpoint"):
        latest_checkpoint(tmp_path)
