"""Signed manifests: what is not ours is not loaded where a key is set."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.checkpoints.manifest import MANIFEST, CheckpointError, read_manifest, write_json
from model.checkpoints.signing import KEY, check_signature, signed
from model.checkpoints.store import CheckpointStore, restore
from model.checkpoints.verify import verify_checkpoint, verify_on_all_ranks
from tests.support.checkpoints import fake_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed checkpoint, and the key in the environment."""
    path = fake_checkpoint(tmp_path / "checkpoints", 3)
    monkeypatch.setenv(KEY, "a key of ours")
    write_json(path / MANIFEST, signed(read_manifest(path)))
    return path


def test_what_was_signed_verifies_with_the_key_and_without(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert verify_checkpoint(checkpoint)["step"] == 3
    monkeypatch.delenv(KEY)
    assert verify_checkpoint(checkpoint)["step"] == 3


@pytest.mark.parametrize("harm", ["other key", "changed", "unsigned", "no string"])
def test_what_is_not_ours_is_refused(checkpoint: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    value = read_manifest(checkpoint)
    if harm == "other key":
        monkeypatch.setenv(KEY, "another key")
    else:
        changes = {"changed": {"step": 4}, "unsigned": {}, "no string": {"signature": ["x"]}}[harm]
        rest = {k: v for k, v in value.items() if k != "signature" or harm == "changed"}
        write_json(checkpoint / MANIFEST, rest | changes)
    with pytest.raises(CheckpointError, match="signed"):
        verify_checkpoint(checkpoint)


@pytest.mark.usefixtures("alone")
def test_ranks_refuse_it_here_and_in_the_store(checkpoint: Path, tmp_path: Path) -> None:
    assert verify_on_all_ranks(checkpoint)["step"] == 3
    store = CheckpointStore(str(tmp_path / "store"))
    store.send(checkpoint)
    store.publish(checkpoint)
    assert restore(store, tmp_path / "fresh", 9) == 3
    forged = tmp_path / "store" / "checkpoints" / checkpoint.name / MANIFEST
    forged.write_text(json.dumps(json.loads(forged.read_text()) | {"skipped": 7}))
    with pytest.raises(CheckpointError, match=r"was not signed with the key"):
        restore(store, tmp_path / "another", 9)
    write_json(
        checkpoint / MANIFEST, {k: v for k, v in read_manifest(checkpoint).items() if k != "signature"}
    )
    with pytest.raises(CheckpointError, match="is not signed"):
        verify_on_all_ranks(checkpoint)


def test_without_a_key_nothing_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(KEY, raising=False)
    check_signature("anything", {})
    assert signed({"step": 3}) == {"step": 3}
