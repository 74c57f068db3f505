"""Which checkpoints of a run stay, and going back to an older one.

Belongs here: retention, rollback of a folder of checkpoints. Does not belong here: the copies in
the store (store.py), rollback of a whole run (rollback.py)."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import finished_checkpoints, named_latest, read_manifest, set_latest
from model.checkpoints.verify import verify_checkpoint
from pipelines.lake.atomic import sync_folder


def expired(
    found: Mapping[str, dict[str, Any]], keep_last: int, keep_every: int, kept: Set[str] = frozenset()
) -> list[str]:
    """Tags that retention lets go, of manifests by tag, oldest first: all but the last `keep_last`,
    every multiple of `keep_every` steps, the `kept` and stage ends. A stage's last checkpoint is
    the ancestor of the next stage and stays."""
    return [
        tag
        for tag in list(found)[: max(0, len(found) - keep_last)]
        if not (
            tag in kept
            or found[tag].get("stage_end")
            or (keep_every and found[tag]["step"] % keep_every == 0)
        )
    ]


def retain(folder: Path, keep_last: int, keep_every: int, kept: Set[str] = frozenset()) -> list[str]:
    """Delete what is `expired`, but not `kept` (those that are being uploaded), not the current
    one, not what has a file `pinned`.

    Returns the tags that went.
    """
    found = {p.name: read_manifest(p) for p in finished_checkpoints(folder)}
    current = named_latest(folder)
    gone = expired(
        found,
        keep_last,
        keep_every,
        kept | {current} | {tag for tag in found if (folder / tag / "pinned").exists()},
    )
    for tag in gone:
        doomed = folder / f"{tag}.deleted"
        shutil.rmtree(doomed, ignore_errors=True)  # of a process that was ended here
        os.rename(folder / tag, doomed)
        sync_folder(folder)  # or a power cut may leave the name, and half of the files
        shutil.rmtree(doomed)
    return gone


def rollback(folder: Path, tag: str) -> dict[str, Any]:
    """Make a verified older checkpoint the current one and record it in `rollbacks.jsonl`.

    Later ones are renamed `<tag>.abandoned-<n>`: they stay until a person deletes them, and no
    retention counts them.
    """
    value = verify_checkpoint(folder / tag)
    make_current(folder, tag, value)
    return value


def make_current(folder: Path, tag: str, value: dict[str, Any]) -> None:
    """Name `tag`, whose manifest is `value` and whose files were verified, as the latest, set
    later checkpoints aside, and record it, as `rollback` does."""
    before = named_latest(folder)
    set_latest(folder, tag)
    for path in finished_checkpoints(folder):
        if read_manifest(path)["step"] > value["step"]:
            earlier = len(list(folder.glob(f"{path.name}.abandoned-*")))
            os.rename(path, path.with_name(f"{path.name}.abandoned-{earlier + 1}"))
    with open(folder / "rollbacks.jsonl", "a") as f:
        f.write(json.dumps({"from": before, "to": tag, "step": value["step"]}) + "\n")
        f.flush()
        os.fsync(f.fileno())
    sync_folder(folder)
