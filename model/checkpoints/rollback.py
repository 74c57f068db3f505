"""Going back to an older checkpoint with a whole run: its folder, its exports and its store.

Belongs here: what `skypile rollback` changes. Does not belong here: the folder of checkpoints alone
(retention.py), which the loop also goes back in after loss spikes.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from model.checkpoints import retention
from model.checkpoints.manifest import CheckpointError
from model.checkpoints.store import FOLDER, CheckpointStore
from model.checkpoints.verify import verify_checkpoint
from model.plan.run_file import RunFile


def rollback_run(run_dir: Path, tag: str) -> dict[str, Any]:
    """`retention.rollback` of a whole run: exports of stages that ended later are set aside too,
    so that these stages train again, and later checkpoints of the run's store lose their manifests.
    CheckpointError, with nothing changed, if the store does not answer."""
    if root := RunFile.load(run_dir).checkpoint_store:
        step = int(verify_checkpoint(run_dir / FOLDER / tag)["step"])
        try:
            CheckpointStore(root).abandon(step)
        except OSError as error:
            raise CheckpointError(
                f"{root} does not answer ({error}): another machine would go on from there; try again later"
            ) from error
    value = retention.rollback(run_dir / FOLDER, tag)
    for record in sorted((run_dir / "export").glob("*/stage.json")):
        if json.loads(record.read_text())["step"] > value["step"]:
            folder = record.parent
            earlier = len(list(folder.parent.glob(f"{folder.name}.abandoned-*")))
            os.rename(folder, folder.with_name(f"{folder.name}.abandoned-{earlier + 1}"))
    return value
