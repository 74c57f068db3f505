from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from model.checkpoints.manifest import MANIFEST, latest_checkpoint, write_json
from model.checkpoints.write import finish_checkpoint, save_checkpoint, undo_replacement
from pipelines.lake import NoSpace
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


def by_torch(path: Path) -> None:
    torch.save({"weights": torch.zeros(100_000)}, path)


def by_hand(path: Path) -> None:
    path.write_bytes(b"states" * 100_000)


@pytest.mark.parametrize("write", [by_torch, by_hand])
def test_a_full_disk_is_said_with_the_checkpoint_and_the_last_one_stays(
    tmp_path: Path, alone: None, write: Callable[[Path], None]
) -> None:
    last = fake_checkpoint(tmp_path, 3)

    class Engine:
        def save_checkpoint(self, folder: str, tag: str, **_: Any) -> None:
            Path(folder, tag).mkdir()
            Path(folder, tag, "states.pt").symlink_to("/dev/full")
            write(Path(folder, tag, "states.pt"))

    with pytest.raises(NoSpace, match=r"step-00000006\.partial.* bytes free"):
        save_checkpoint(Engine(), tmp_path, "step-00000006", {"step": 6})
    assert latest_checkpoint(tmp_path) == last


def test_a_replacement_that_was_interrupted_is_undone(tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path, 3)
    path.rename(tmp_path / "step-00000003.replaced")
    undo_replacement(tmp_path)
    assert latest_checkpoint(tmp_path) == path and (path / "states").exists()
    (tmp_path / "step-00000003.replaced").mkdir()  # the new one has its name already
    undo_replacement(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["latest", "step-00000003"]
