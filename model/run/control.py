"""What a job is told from outside: save and stop, or leave without saving because another job has
taken the run over.

Belongs here: where requests stand and how rank 0 reads them. Does not belong here: that all ranks
agree (train.py), who writes the requests (a person, or the orchestrator).

A stop request is a file `stop` in the run's folder (from a person) or in the job's mailbox. A run's
writers take numbered leases, `lease/00000001.json` and so on, each created once and never changed:
a job whose epoch is not the highest has been given up and must write nothing more, even if the
network has come back.
"""

from __future__ import annotations

import time
from pathlib import Path, PurePosixPath

from pipelines.lake import Lake

GO_ON, STOP, SUPERSEDED = 0, 1, 2
"""What `Control.read` answers."""
LEASES = "lease"


class Superseded(RuntimeError):
    """Another job holds the run's lease: this one must not write."""


def latest_epoch(store: Lake) -> int:
    """The highest epoch of a run's leases; 0 before the first."""
    names = [PurePosixPath(p).name for p in store.files(LEASES)]
    return max((int(n.removesuffix(".json")) for n in names if n.removesuffix(".json").isdigit()), default=0)


class Control:
    """Read by rank 0 before every step. `epoch` 0 means that the job was started by hand and holds
    no lease.

    `mailbox` is the job's mailbox where that is on S3 (`s3://...`); requests there are looked for
    every `interval` seconds.
    """

    def __init__(self, folder: Path, epoch: int = 0, mailbox: str = "", interval: float = 10.0) -> None:
        self.folder, self.epoch, self.interval = folder, epoch, interval
        self.mailbox = Lake(mailbox) if mailbox else None
        # s3://bucket/prefix/RUN/jobs/JOB: leases are kept beside the run's jobs.
        self.store = Lake(mailbox.rsplit("/jobs/", 1)[0]) if mailbox else Lake(folder)
        self.looked, self.answer = -interval, GO_ON

    def read(self) -> int:
        """GO_ON, STOP or SUPERSEDED."""
        if (self.folder / "stop").exists():
            return STOP
        if self.mailbox is not None:
            now = time.monotonic()
            if now - self.looked >= self.interval:
                self.looked = now
                self.answer = STOP if self.mailbox.exists("stop") else self._lease()
            return self.answer
        return self._lease()

    def _lease(self) -> int:
        return SUPERSEDED if self.superseded() else GO_ON

    def superseded(self) -> bool:
        """Whether another job holds the lease: asked at once, from any thread."""
        return bool(self.epoch and latest_epoch(self.store) > self.epoch)
