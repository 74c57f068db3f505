"""Power cuts while a run saves, deletes, replaces, copies and fetches checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.checkpoints.manifest import finished_checkpoints, latest_checkpoint
from model.checkpoints.recovery import recover_latest
from model.checkpoints.retention import retain, rollback
from model.checkpoints.store import CheckpointStore, restore
from model.checkpoints.verify import verify_checkpoint
from model.checkpoints.write import save_checkpoint
from model.run.logs import JsonLines, last_step, sync_logs
from tests.support.power_cuts import cuts


class FakeEngine:
    """Writes states as DeepSpeed does: in a folder and one below it, without a sync."""

    def save_checkpoint(self, folder: str, tag: str, client_state: dict[str, Any], save_latest: bool) -> None:
        step = client_state["skypile"]["step"]
        for name in ("states.pt", "below/optimizer.pt"):
            path = Path(folder, tag, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"%d" % step * 1000)


def train(run_dir: Path) -> None:
    """Go on from what is there to step 9, saving every third, then save 9 once more."""
    checkpoints = run_dir / "checkpoints"
    recover_latest(checkpoints)
    found = latest_checkpoint(checkpoints)
    done = verify_checkpoint(found)["step"] if found else 0
    assert last_step(run_dir / "logs") >= done  # a save is never ahead of the log
    log = JsonLines(run_dir / "logs", done)
    for step in [*range(done + 1, 10), 9]:
        if step > last_step(run_dir / "logs"):
            log.step({"step": step})
        if step % 3 == 0:
            sync_logs(run_dir / "logs")
            record = {"step": step, "stage": "stage1", "stage_end": False, "tag": f"step-{step:08d}"}
            path = save_checkpoint(FakeEngine(), checkpoints, record["tag"], record)
            store = CheckpointStore(str(run_dir / "store"))
            (run_dir / "run.json").write_text("{}")
            if store.send(path):
                store.publish(path)
            store.retain(2, 0)
            retain(checkpoints, 2, 0)
    log.close()


@pytest.mark.parametrize("what", ["train", "restore", "rollback"])
def test_after_a_cut_what_has_a_name_is_whole_and_the_newest_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None, what: str
) -> None:
    monkeypatch.setattr("model.checkpoints.write.environment", dict)

    def work(run_dir: Path) -> None:
        train(run_dir)
        if what == "restore":
            fresh = run_dir / "fresh"
            assert restore(CheckpointStore(str(run_dir / "store")), fresh, 100) in (9, -1)
        if what == "rollback" and (run_dir / "checkpoints" / "step-00000006").exists():
            rollback(run_dir / "checkpoints", "step-00000006")

    points, found = 0, set[int]()
    for folder in cuts(tmp_path / "cuts", work, 200):
        points += 1
        for checkpoints in (folder / "checkpoints", folder / "fresh" / "checkpoints"):
            for path in finished_checkpoints(checkpoints):
                verify_checkpoint(path)
        for tag, data in CheckpointStore(str(folder / "store")).manifests().items():
            for name, known in json.loads(data)["files"].items():
                assert (folder / "store" / "checkpoints" / tag / name).stat().st_size == known["bytes"]
        recover_latest(folder / "checkpoints")
        newest = latest_checkpoint(folder / "checkpoints")
        steps = verify_checkpoint(newest)["step"] if newest else 0
        found.add(steps)
        text = (folder / "logs" / "steps.jsonl").read_text() if steps else ""
        lines = [json.loads(line)["step"] for line in text.split("\n")[:-1]]
        assert lines[:steps] == list(range(1, steps + 1))
        if folder.name.startswith("end"):
            assert steps == (6 if what == "rollback" else 9)
        train(folder)
        assert verify_checkpoint(folder / "checkpoints" / "step-00000009")["step"] == 9
    assert points > 150 and found == {0, 3, 6, 9}
