"""Checkpoints go to the store beside training: bounded, tried again, told of, never in training's
way."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path
from typing import Any

import pytest

from model.checkpoints import retention
from model.checkpoints.manifest import finished_checkpoints, read_manifest
from model.checkpoints.store import CheckpointStore
from model.checkpoints.uploads import ATTEMPTS, Uploads
from tests.support.checkpoints import fake_checkpoint
from tests.support.fake_cluster import eventually
from tests.support.ranks import Ranks
from tests.support.training_runs import explain, losses, weights


class Gate:
    """Holds `CheckpointStore.send` until it is opened; notes what was sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.open, send = threading.Event(), CheckpointStore.send
        self.sent: list[str] = []

        def held(store: CheckpointStore, path: Path, moved: Any) -> bool:
            self.sent.append(path.name)
            assert self.open.wait(60)
            return send(store, path, moved)

        monkeypatch.setattr(CheckpointStore, "send", held)


def idle(uploads: Uploads) -> list[dict[str, Any]]:
    """Wait until nothing is under way; what was told."""
    eventually(lambda: not uploads.busy)
    return uploads.events()


def test_only_the_newest_waits_and_what_is_held_survives_retention(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate, folder, store = (
        Gate(monkeypatch),
        tmp_path / "run" / "checkpoints",
        CheckpointStore(str(tmp_path / "store")),
    )
    uploads = Uploads(store, folder, keep_last=1, keep_every=4)
    for step in range(1, 7):
        uploads.add(fake_checkpoint(folder, step, stage_end=step == 2).name)
        eventually(lambda: gate.sent)
    assert uploads.held == {
        f"step-{s:08d}" for s in (1, 2, 4, 6)
    }  # at work, a stage's end, a multiple, the newest
    retention.retain(folder, 1, 4, uploads.held)
    assert [read_manifest(p)["step"] for p in finished_checkpoints(folder)] == [1, 2, 4, 6]
    gate.open.set()
    told = idle(uploads)
    assert [(t["step"], t["state"]) for t in told] == [
        (3, "overtaken"),
        (5, "overtaken"),
        (1, "done"),
        (2, "done"),
        (4, "done"),
        (6, "done"),
    ]
    assert list(store.manifests()) == [f"step-{s:08d}" for s in (2, 4, 6)] and uploads.held == frozenset()
    uploads.close()


def test_failures_are_tried_again_told_and_end_in_giving_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, store = tmp_path / "run" / "checkpoints", CheckpointStore(str(tmp_path / "store"))
    count, publish = [0], CheckpointStore.publish

    def fails(self: CheckpointStore, path: Path) -> None:
        count[0] += 1
        if path.name == "step-00000001" or count[0] == ATTEMPTS + 1:
            raise OSError("SlowDown: reduce your request rate")
        publish(self, path)

    monkeypatch.setattr(CheckpointStore, "publish", fails)
    uploads = Uploads(store, folder, 3, 0, wait_seconds=0.001)
    uploads.add(fake_checkpoint(folder, 1).name)
    told = idle(uploads)
    assert [t["state"] for t in told] == ["retry"] * (ATTEMPTS - 1) + ["failed"]
    assert [t.get("again_seconds") for t in told] == [0.001 * 2**n for n in range(ATTEMPTS - 1)] + [None]
    assert all("SlowDown" in t["error"] and t["to"] == store.root for t in told)
    uploads.add(fake_checkpoint(folder, 2).name)
    assert [t["state"] for t in idle(uploads)] == ["retry", "done"]
    assert list(store.manifests()) == ["step-00000002"]
    uploads.close()


def test_a_job_that_was_superseded_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, folder, store = (
        Gate(monkeypatch),
        tmp_path / "run" / "checkpoints",
        CheckpointStore(str(tmp_path / "store")),
    )
    lost = threading.Event()
    uploads = Uploads(store, folder, 3, 0, superseded=lost.is_set)
    uploads.add(fake_checkpoint(folder, 1).name)
    eventually(lambda: gate.sent)
    lost.set()  # the lease goes while files are under way: no manifest follows
    gate.open.set()
    assert idle(uploads) == [] and store.manifests() == {}
    uploads.close()


def test_leases_that_cannot_be_read_are_looked_at_again(tmp_path: Path) -> None:
    folder, store = tmp_path / "run" / "checkpoints", CheckpointStore(str(tmp_path / "store"))
    looks: list[int] = []

    def superseded() -> bool:
        looks.append(1)
        if len(looks) == 1:
            raise OSError("leases are away")
        return False

    uploads = Uploads(store, folder, 3, 0, superseded, wait_seconds=0.001)
    uploads.add(fake_checkpoint(folder, 1).name)
    assert [t["state"] for t in idle(uploads)] == ["retry", "done"]
    uploads.close()


def test_a_run_that_goes_back_takes_its_copies_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gate, folder, store = (
        Gate(monkeypatch),
        tmp_path / "run" / "checkpoints",
        CheckpointStore(str(tmp_path / "store")),
    )
    uploads = Uploads(store, folder, 5, 0)
    for step in (1, 2):
        uploads.add(fake_checkpoint(folder, step, stage_end=True).name)
    eventually(lambda: gate.sent)
    retention.rollback(folder, "step-00000001")
    uploads.abandon(1)
    gate.open.set()
    idle(uploads)
    assert list(store.manifests()) == ["step-00000001"]
    uploads.close()


def test_the_start_sends_what_is_missing(tmp_path: Path) -> None:
    folder, store = tmp_path / "run" / "checkpoints", CheckpointStore(str(tmp_path / "store"))
    for step in (1, 2, 3, 4):
        fake_checkpoint(folder, step, stage_end=step == 2)
    uploads = Uploads(store, folder, 5, 0)
    uploads.add_missing()
    assert [t["step"] for t in idle(uploads)] == [2, 4]
    uploads.add_missing()
    assert idle(uploads) == []
    uploads.close()


def test_without_a_store_nothing_is_done(tmp_path: Path) -> None:
    uploads = Uploads(None, tmp_path, 1, 0)
    uploads.add(fake_checkpoint(tmp_path, 1).name)
    uploads.abandon(0)
    assert not uploads.busy and uploads.held == frozenset() and uploads.events() == []


# Training


@pytest.fixture(scope="module")
def whole(make_run: Any, ranks: Ranks) -> Path:
    """Both stages, uninterrupted, without a store."""
    folder: Path = make_run("whole")
    for stage in ("stage1", "stage2"):
        assert ranks.train(folder, stage, 2) == [0, 0], explain(folder)
    return folder


def elsewhere(folder: Path) -> Path:
    """Another machine: the run's card and nothing else."""
    fresh = folder.with_name(folder.name + "-elsewhere")
    fresh.mkdir()
    shutil.copy(folder / "run.json", fresh)
    return fresh


def test_kill_in_an_upload_then_empty_folders_go_on_from_s3_bit_for_bit(
    s3: Any, whole: Path, make_run: Any, ranks: Ranks
) -> None:
    """SIGKILL of rank 0 while step 6's copy is sent: step 3's is what another machine takes; a
    third one trains stage2 from there."""
    root = f"s3://dump/{whole.name}-go-on"
    folder = make_run("killed", checkpoint_store=root)
    files = len(read_manifest(whole / "checkpoints" / "step-00000003")["files"])
    fault = {
        "rank": 0,
        "function": "model.checkpoints.store:CheckpointStore._send_file",
        "call": files + 2,
        "before": True,
    }
    assert ranks.train(folder, "stage1", 2, fault=fault)[0] == -9, explain(folder)
    store = CheckpointStore(root)
    assert list(store.manifests()) == ["step-00000003"]
    second = elsewhere(folder)
    assert ranks.train(second, "stage1", 2) == [0, 0], explain(second)
    assert losses(second) == losses(whole)[:6] and weights(second) == weights(whole)
    assert json.loads(store.manifests()["step-00000006"])["stage_end"]
    third = elsewhere(second)
    assert ranks.train(third, "stage2", 2) == [0, 0], explain(third)
    assert losses(third) == losses(whole) and weights(third, "stage2") == weights(whole, "stage2")
    assert list(store.manifests())[-1] == "step-00000008"


@pytest.mark.full
def test_kill_before_the_manifest_and_a_stage_that_is_exported_again(
    s3: Any, whole: Path, make_run: Any, ranks: Ranks
) -> None:
    """SIGKILL when all files of step 6 are there but its manifest; then stage1's export is made
    again from the store's checkpoint."""
    root = f"s3://dump/{whole.name}-again"
    folder = make_run("killed", checkpoint_store=root)
    fault = {
        "rank": 0,
        "function": "model.checkpoints.store:CheckpointStore.publish",
        "call": 2,
        "before": True,
    }
    assert ranks.train(folder, "stage1", 2, fault=fault)[0] == -9, explain(folder)
    assert list(CheckpointStore(root).manifests()) == ["step-00000003"]
    second = elsewhere(folder)
    for stage in ("stage1", "stage2"):
        assert ranks.train(second, stage, 2) == [0, 0], explain(second)
    third = elsewhere(second)
    assert ranks.train(third, "stage1", 2) == [0, 0], explain(third)
    assert losses(third) == losses(whole)[:6] and weights(third) == weights(whole)
    assert (third / "checkpoints" / "latest").read_text() == "step-00000006"
