"""One writer per run folder: a lease with an epoch.

Belongs here: who may write the checkpoints of a run. Does not belong here: starting the writer (client.py).

`lease.json` names the job that writes. Who launches takes the lease with the next epoch, under a lock; a
launch that finds a living holder adopts that job instead, so a fresh Materialize beside an orphan never
makes a second writer.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Lease:
    """Epoch, job folder, the launcher's id of the job, and what the job does."""

    epoch: int
    job: str
    job_id: str
    purpose: str


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold the folder's lease lock; it ends with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lease.lock", "w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def read(folder: Path) -> Lease | None:
    """The folder's lease, if one was ever taken."""
    path = folder / "lease.json"
    return Lease(**json.loads(path.read_text())) if path.exists() else None


def write(folder: Path, lease: Lease) -> None:
    """Replace the lease; call it under `locked`."""
    temporary = folder / "lease.json.tmp"
    temporary.write_text(json.dumps(asdict(lease), indent=1) + "\n")
    os.replace(temporary, folder / "lease.json")
