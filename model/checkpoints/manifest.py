"""A checkpoint's manifest, `checkpoint.json`: what makes a folder of states a checkpoint.

Belongs here: reading it, which checkpoints a run's folder has, which of them is the latest. Does
not belong here: saving one (write.py), comparing one with its files (verify.py), which of them stay
(retention.py). No torch.

A manifest has `tag`, `step`, `stage`, `stage_end`, `files` (name to `bytes` and `sha256`),
`environment`, and what a load compares: model, tokenizer, strategy, plan, loss and moment sums.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pipelines.lake.atomic import write_whole

MANIFEST = "checkpoint.json"


class CheckpointError(Exception):
    """A checkpoint that cannot be used: the message names the folder and what differs."""


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file as a whole, synced."""
    write_whole(path, json.dumps(value, sort_keys=True, indent=1))


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a checkpoint folder; CheckpointError if there is none."""
    try:
        return dict(json.loads((path / MANIFEST).read_text()))
    except (OSError, ValueError) as e:
        raise CheckpointError(
            f"{path} has no readable {MANIFEST}: it was never finished, choose an older checkpoint ({e})"
        ) from e


def finished_checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first; not those set aside."""
    return sorted(
        (p for p in folder.glob("step-*") if p.name[5:].isdigit() and (p / MANIFEST).exists()),
        key=lambda p: int(read_manifest(p)["step"]),
    )


def named_latest(folder: Path) -> str:
    """The tag in the file `latest`; empty where there is no such file, or nothing in it."""
    name = folder / "latest"
    return name.read_text().strip() if name.exists() else ""


def latest_checkpoint(folder: Path) -> Path | None:
    """The folder that `latest` names; where it names none, the newest finished checkpoint; None
    before the first save. CheckpointError if the named one was never finished."""
    if tag := named_latest(folder):
        read_manifest(folder / tag)
        return folder / tag
    return max(finished_checkpoints(folder), key=lambda p: int(read_manifest(p)["step"]), default=None)


def set_latest(folder: Path, tag: str) -> None:
    """Name the checkpoint that the next start loads."""
    write_whole(folder / "latest", tag)
