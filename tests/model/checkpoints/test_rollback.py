from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints.manifest import CheckpointError, finished_checkpoints
from model.checkpoints.rollback import rollback_run
from model.checkpoints.store import CheckpointStore
from tests.support.checkpoints import fake_checkpoint
from tests.support.runs import run_file


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run with checkpoints at steps 3 and 6, whose stages ended at 3 and at 6."""
    folder = tmp_path / "r"
    for stage, step in (("stage1", 3), ("stage2", 6)):
        fake_checkpoint(folder / "checkpoints", step)
        (folder / "export" / stage).mkdir(parents=True)
        (folder / "export" / stage / "stage.json").write_text(json.dumps({"step": step}))
    run_file().write(folder)
    return folder


def test_exports_of_later_stages_are_set_aside_and_none_takes_the_name_of_another(run: Path) -> None:
    (run / "export" / "stage2.abandoned-1").mkdir()
    assert rollback_run(run, "step-00000003")["step"] == 3
    found = sorted(p.name for p in (run / "export").iterdir())
    assert found == ["stage1", "stage2.abandoned-1", "stage2.abandoned-2"]
    assert (run / "checkpoints" / "latest").read_text() == "step-00000003"


def test_the_store_is_reached_or_nothing_changes(run: Path, tmp_path: Path) -> None:
    store = CheckpointStore(str(tmp_path / "store"))
    for path in finished_checkpoints(run / "checkpoints"):
        store.send(path)
        store.publish(path)
    (tmp_path / "file").touch()
    run_file(checkpoint_store=str(tmp_path / "file")).write(run)
    with pytest.raises(CheckpointError, match="does not answer"):
        rollback_run(run, "step-00000003")
    assert (run / "checkpoints" / "latest").read_text() == "step-00000006"
    assert (run / "export" / "stage2" / "stage.json").exists()
    run_file(checkpoint_store=store.root).write(run)
    rollback_run(run, "step-00000003")
    assert list(store.manifests()) == ["step-00000003"]
