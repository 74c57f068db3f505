"""Checkpoints for tests, without a trainer."""

from __future__ import annotations

from pathlib import Path

from model.checkpoints.manifest import set_latest, sha256, write_json


def fake_checkpoint(folder: Path, step: int, **more: object) -> Path:
    """A finished checkpoint of a folder, the latest, whose one file of states names its step;
    `more` goes into its manifest."""
    path = folder / f"step-{step:08d}"
    path.mkdir(parents=True)
    (path / "states").write_bytes(b"states %d" % step)
    files = {"states": {"bytes": (path / "states").stat().st_size, "sha256": sha256(path / "states")}}
    write_json(path / "checkpoint.json", {"step": step, "files": files, **more})
    set_latest(folder, path.name)
    return path
