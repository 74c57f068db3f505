"""The copy of checkpoints on S3: whole or not there, and never another's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from model.checkpoints import retention
from model.checkpoints.manifest import (
    MANIFEST,
    CheckpointError,
    latest_checkpoint,
    read_manifest,
    sha256,
    write_json,
)
from model.checkpoints.store import CHUNK_BYTES, CheckpointStore, newer, restore
from model.checkpoints.verify import verify_checkpoint
from pipelines.lake import LakeError
from tests.support.checkpoints import fake_checkpoint


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> CheckpointStore:
    if request.param == "folder":
        return CheckpointStore(str(tmp_path / "store"))
    request.getfixturevalue("s3")
    return CheckpointStore(f"s3://dump/{tmp_path.parent.name}-{tmp_path.name}")


def copied(store: CheckpointStore, path: Path) -> None:
    assert store.send(path)
    store.publish(path)


def test_a_fresh_folder_gets_the_newest_complete_checkpoint_and_the_logs(
    store: CheckpointStore, tmp_path: Path, alone: None
) -> None:
    run, fresh = tmp_path / "run", tmp_path / "fresh"
    (run / "logs").mkdir(parents=True)
    (run / "logs" / "steps.jsonl").write_text('{"step": 2}\n')
    for step in (1, 2):
        copied(store, fake_checkpoint(run / "checkpoints", step))
    store.send(fake_checkpoint(run / "checkpoints", 3))  # no manifest: it is not there
    assert list(store.manifests()) == ["step-00000001", "step-00000002"]
    assert restore(store, fresh, 9) == 2
    assert latest_checkpoint(fresh / "checkpoints") == fresh / "checkpoints" / "step-00000002"
    assert verify_checkpoint(fresh / "checkpoints" / "step-00000002")["step"] == 2
    assert (fresh / "checkpoints" / "step-00000002" / MANIFEST).read_bytes() == (
        run / "checkpoints" / "step-00000002" / MANIFEST
    ).read_bytes()
    assert (fresh / "logs" / "steps.jsonl").read_text() == '{"step": 2}\n'
    assert restore(store, fresh, 9) == -1  # the second start has it
    assert restore(store, tmp_path / "earlier", 1) == 1  # of a stage that ends at step 1


def test_logs_that_the_store_replaces_are_set_aside(
    store: CheckpointStore, tmp_path: Path, alone: None
) -> None:
    run, fresh = tmp_path / "run", tmp_path / "fresh"
    for folder, text in (
        (run, '{"step": 1}\n{"step": 2}\n'),
        (fresh, '{"step": 1}\n{"step": 2, "mine": 1}\n'),
    ):
        (folder / "logs").mkdir(parents=True)
        (folder / "logs" / "steps.jsonl").write_text(text)
    copied(store, fake_checkpoint(run / "checkpoints", 2))
    assert restore(store, fresh, 9) == 2
    assert (fresh / "logs" / "steps.jsonl").read_text() == '{"step": 1}\n{"step": 2}\n'
    assert (fresh / "logs" / "steps.superseded.jsonl").read_text() == '{"step": 2, "mine": 1}\n'


def test_a_copy_that_differs_is_not_loaded(store: CheckpointStore, tmp_path: Path, alone: None) -> None:
    copied(store, fake_checkpoint(tmp_path / "run" / "checkpoints", 1))
    store.lake.write_bytes("checkpoints/step-00000001/states", b"states 2")
    with pytest.raises(CheckpointError, match=r"step-00000001/states is not the file"):
        restore(store, tmp_path / "fresh", 9)
    assert latest_checkpoint(tmp_path / "fresh" / "checkpoints") is None


def test_what_an_earlier_try_left_is_sent_again_only_where_it_differs(
    store: CheckpointStore, tmp_path: Path
) -> None:
    path = fake_checkpoint(tmp_path / "run" / "checkpoints", 1)
    (path / "zero").mkdir()
    (path / "zero" / "part").write_bytes(b"123")
    value = read_manifest(path)
    value["files"]["zero/part"] = {"bytes": 3, "sha256": sha256(path / "zero" / "part")}
    write_json(path / MANIFEST, value)
    store.send(path)
    store.lake.write_bytes("checkpoints/step-00000001/zero/part", b"1_3")
    moved: list[int] = []
    assert store.send(path, moved.append)
    assert sum(moved) == len(b"states 1") + 3 * 3  # both read, one sent and read again
    store.publish(path)
    assert not store.send(path)


def test_a_file_that_was_damaged_here_is_not_published(store: CheckpointStore, tmp_path: Path) -> None:
    path = fake_checkpoint(tmp_path / "run" / "checkpoints", 1)
    (path / "states").write_bytes(b"states 7")
    with pytest.raises(CheckpointError, match="is not the file"):
        store.send(path)
    assert store.manifests() == {}


def test_the_same_step_of_another_history_replaces_the_abandoned_one(
    store: CheckpointStore, tmp_path: Path
) -> None:
    copied(store, fake_checkpoint(tmp_path / "a" / "checkpoints", 4, history=1))
    other = fake_checkpoint(tmp_path / "b" / "checkpoints", 4, history=2)
    assert store.send(other)
    assert store.manifests() == {}  # neither, until the new one is whole
    store.publish(other)
    assert json.loads(store.manifests()["step-00000004"])["history"] == 2


def test_what_the_run_went_back_from_is_not_taken(store: CheckpointStore, tmp_path: Path) -> None:
    folder = tmp_path / "run" / "checkpoints"
    for step in (1, 2, 3):
        copied(store, fake_checkpoint(folder, step))
    retention.rollback(folder, "step-00000001")
    assert newer(store, folder, 9) == -1  # the store was not told yet, but step 3 is set aside here
    assert newer(store, tmp_path / "fresh", 9) == 3
    store.abandon(1)
    assert newer(store, tmp_path / "fresh", 9) == 1


def test_retention_leaves_stage_ends_multiples_pinned_and_the_last(
    store: CheckpointStore, tmp_path: Path
) -> None:
    for step in range(1, 9):
        copied(store, fake_checkpoint(tmp_path / "run" / "checkpoints", step, stage_end=step == 1))
    store.lake.write_bytes("checkpoints/step-00000002/pinned", b"")
    store.lake.delete(f"checkpoints/step-00000005/{MANIFEST}")  # interrupted, then overtaken
    gone = store.retain(keep_last=2, keep_every=4, pinned=frozenset({"step-00000003"}))
    assert gone == ["step-00000006", "step-00000005"]
    assert [int(t[5:]) for t in store.manifests()] == [1, 2, 3, 4, 7, 8]
    assert not store.lake.exists("checkpoints/step-00000005/states")


def test_names_from_the_store_stay_in_the_folder(store: CheckpointStore, tmp_path: Path) -> None:
    with pytest.raises(LakeError, match="does not stay inside"):
        store.fetch("step-00000001", {"../../evil": {"bytes": 1, "sha256": "0"}}, tmp_path / "x")


def test_a_store_that_is_away_stops_no_run_that_has_a_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = CheckpointStore(str(tmp_path / "store"))
    folder = tmp_path / "run" / "checkpoints"

    def away(self: CheckpointStore) -> dict[str, bytes]:
        raise OSError("no route to host")

    monkeypatch.setattr(CheckpointStore, "manifests", away)
    with pytest.raises(OSError, match="no route"):
        newer(store, folder, 9)
    fake_checkpoint(folder, 1)
    assert newer(store, folder, 9) == -1


KILLED = """
import os, pathlib, signal, sys
from model.checkpoints.store import CheckpointStore
left = int(sys.argv[3])
def moved(count):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
store = CheckpointStore(sys.argv[1]); path = pathlib.Path(sys.argv[2])
if store.send(path, moved):
    store.publish(path)
"""


def test_kill_during_an_upload_leaves_no_checkpoint_and_the_next_try_ends_it(
    s3: Any, tmp_path: Path, alone: None
) -> None:
    """SIGKILL after every number of chunks, in a part of a file, between files, between sending and
    reading back."""
    path = fake_checkpoint(tmp_path / "run" / "checkpoints", 5)
    (path / "big").write_bytes(os.urandom(CHUNK_BYTES + 1000))
    value = read_manifest(path)
    value["files"]["big"] = {"bytes": CHUNK_BYTES + 1000, "sha256": sha256(path / "big")}
    write_json(path / MANIFEST, value)
    for chunks in range(1, 7):
        store, fresh = CheckpointStore(f"s3://dump/{tmp_path.name}-{chunks}"), tmp_path / f"fresh-{chunks}"
        done = subprocess.run([sys.executable, "-c", KILLED, store.root, str(path), str(chunks)])
        assert done.returncode == -signal.SIGKILL
        assert store.manifests() == {} and restore(store, fresh, 9) == -1
        copied(store, path)
        assert restore(store, fresh, 9) == 5
        assert verify_checkpoint(fresh / "checkpoints" / "step-00000005")["step"] == 5
