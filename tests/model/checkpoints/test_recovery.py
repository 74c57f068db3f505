from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints.manifest import CheckpointError, latest_checkpoint
from model.checkpoints.recovery import recover_latest, refuse_lost_history
from tests.support.checkpoints import fake_checkpoint


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Checkpoints of steps 3, 6 and 9, and an empty or missing `latest`."""
    for step in (3, 6, 9):
        fake_checkpoint(tmp_path / "checkpoints", step)
    (tmp_path / "checkpoints" / "latest").unlink()
    return tmp_path / "checkpoints"


@pytest.mark.parametrize("latest", [None, ""])
def test_without_latest_the_newest_whole_checkpoint_is_taken(
    folder: Path, latest: str | None, alone: None
) -> None:
    if latest is not None:
        (folder / "latest").write_text(latest)
    assert latest_checkpoint(folder) == folder / "step-00000009"
    (folder / "step-00000009" / "states").write_bytes(b"damaged")
    recover_latest(folder)
    assert (folder / "latest").read_text() == "step-00000006"
    assert (folder / "step-00000009.abandoned-1" / "states").read_bytes() == b"damaged"
    assert json.loads((folder / "rollbacks.jsonl").read_text())["to"] == "step-00000006"


def test_what_latest_names_is_left_alone(folder: Path, alone: None) -> None:
    (folder / "latest").write_text("step-00000003")
    before = sorted(p.name for p in folder.iterdir())
    recover_latest(folder)
    assert sorted(p.name for p in folder.iterdir()) == before


def test_where_none_is_whole_nothing_begins_anew(folder: Path, tmp_path: Path, alone: None) -> None:
    for states in folder.glob("*/states"):
        states.unlink()
    with pytest.raises(
        CheckpointError, match=r"none of step-00000003, .*: restore one of them, or name a new"
    ):
        recover_latest(folder)
    (tmp_path / "other" / "step-00000003").mkdir(parents=True)
    with pytest.raises(CheckpointError, match="no manifest"):
        recover_latest(tmp_path / "other")
    recover_latest(tmp_path / "nothing")


def test_a_log_of_lost_checkpoints_is_refused_and_one_from_before_the_first_save_is_not(
    tmp_path: Path,
) -> None:
    (tmp_path / "logs").mkdir()
    log = tmp_path / "logs" / "steps.jsonl"
    refuse_lost_history(tmp_path, 0, 5)
    log.write_text("".join(json.dumps({"step": n}) + "\n" for n in range(1, 6)))
    refuse_lost_history(tmp_path, 0, 5)  # killed in its first save
    with log.open("a") as file:
        file.write('{"step": 6}\n{"ste')
    with pytest.raises(CheckpointError, match=r"tells of 6 steps.*bring the checkpoints back, or name a new"):
        refuse_lost_history(tmp_path, 0, 5)
    refuse_lost_history(tmp_path, 5, 5)  # a fork from step 5 saves at 10
