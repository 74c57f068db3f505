"""What a start does in a run's folder that does not say where to go on.

Belongs here: finding the checkpoint where `latest` is missing, refusing to begin anew over what a
run has done. Does not belong here: going back because a person or a loss spike asks for it
(rollback.py, retention.py), a copy in the store (store.py).
"""

from __future__ import annotations

from pathlib import Path

from model.checkpoints.manifest import CheckpointError, finished_checkpoints, named_latest
from model.checkpoints.retention import make_current
from model.checkpoints.verify import verify_on_all_ranks
from model.checkpoints.write import undo_replacement
from model.run.logs import last_step
from model.training import distributed


def recover_latest(folder: Path) -> None:
    """Where `latest` names nothing: make the newest checkpoint whose files verify the latest, and
    set later ones aside. Every rank calls it.

    Nothing happens in a folder without checkpoints. CheckpointError where there are some and none
    verifies.
    """
    if distributed.rank() == 0:
        undo_replacement(folder)
    distributed.barrier()
    if named_latest(folder):
        return
    wrong = []
    for path in reversed(finished_checkpoints(folder)):
        try:
            value = verify_on_all_ranks(path)
        except CheckpointError as error:
            wrong.append(str(error))
            continue
        if distributed.rank() == 0:
            print(f"{folder} has no latest: going on from {path.name}, its newest whole one", flush=True)
            make_current(folder, path.name, value)
        distributed.barrier()
        return
    unfinished = sorted(p.name for p in folder.glob("step-*") if p.name[5:].isdigit())
    if wrong or unfinished:
        raise CheckpointError(
            f"{folder} has no latest, and none of {', '.join(unfinished)} is whole"
            f" ({wrong[0] if wrong else 'no manifest'}): restore one of them, or name a new run"
        )


def refuse_lost_history(run_dir: Path, start: int, checkpoint_every: int) -> None:
    """Raise CheckpointError if the run's log goes further than a run that begins at step `start`
    can have come without a checkpoint: its checkpoints are gone."""
    done, first_save = last_step(run_dir / "logs"), (start // checkpoint_every + 1) * checkpoint_every
    if done > first_save:
        raise CheckpointError(
            f"{run_dir / 'logs'} tells of {done} steps, and {run_dir / 'checkpoints'} has no checkpoint:"
            " bring the checkpoints back, or name a new run"
        )
