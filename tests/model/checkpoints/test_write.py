from __future__ import annotations

from pathlib import Path

from model.checkpoints.manifest import MANIFEST, latest_checkpoint, write_json
from model.checkpoints.write import finish_checkpoint
from tests.support.checkpoints import fake_checkpoint


def test_an_older_folder_of_that_step_gives_way_only_to_a_whole_one(tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path, 3)
    partial = tmp_path / "step-00000003.partial"
    partial.mkdir()
    (partial / "others").write_bytes(b"states of a second save")
    assert (path / "states").exists() and latest_checkpoint(tmp_path) == path
    write_json(partial / MANIFEST, {"step": 3, "files": {}})
    finish_checkpoint(tmp_path, "step-00000003")
    assert sorted(p.name for p in path.iterdir()) == [MANIFEST, "others"] and not partial.exists()
    assert latest_checkpoint(tmp_path) == path
