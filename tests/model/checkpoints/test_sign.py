"""Signing by command."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.checkpoints.manifest import CheckpointError
from model.checkpoints.sign import main
from model.checkpoints.signing import KEY
from model.checkpoints.verify import verify_checkpoint
from tests.support.checkpoints import fake_checkpoint


def test_older_checkpoints_are_signed_if_they_are_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_checkpoint(tmp_path, 3)
    monkeypatch.setenv(KEY, "a key of ours")
    with pytest.raises(CheckpointError, match=r"model\.checkpoints\.sign"):
        verify_checkpoint(path)
    assert main([str(path)]) == 0 and verify_checkpoint(path)["step"] == 3
    (path / "states").write_bytes(b"other")
    assert main([str(path)]) == 1 and "is not the file" in capsys.readouterr().err
    monkeypatch.delenv(KEY)
    with pytest.raises(SystemExit):
        main([str(path)])
