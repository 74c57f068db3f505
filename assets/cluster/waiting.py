"""Waiting for a job to end: looks at it again and again, ends it when it hangs, stops it when
asked.

Belongs here: what is done while a job runs, and when it is left to itself. Does not belong here:
starting or adopting a job (client.py), what its end means (outcome.py), which ranks are silent
(watchdog.py).
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from assets.cluster.launchers import Launcher, Unreachable, forget_environment, tail
from assets.cluster.lost_runs import BEAT_SECONDS, TAG, sign_of_life
from assets.cluster.mailbox import Mailbox
from assets.cluster.watchdog import Watchdog, parse_heartbeats

STOPPING = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)
TERM_SECONDS = 35.0
"""From TERM to KILL: DeepSpeed's launcher waits 30 s for its ranks."""
KILL_SECONDS = 5.0


@dataclass(frozen=True)
class Job:
    """A launched job: its folder on the cluster, the launcher's id, its mailbox, and the marker
    that is on the command line of each of its ranks (empty for an evaluation)."""

    folder: Path
    id: str
    mailbox: Mailbox
    marker: str = ""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Seconds, as the client's settings name them (client.py); `silence` by phase."""

    grace: float
    poll: float
    heartbeat_every: float
    unreachable: float
    silence: Mapping[str, float]


class JobWait:
    """One Dagster run's wait for one job."""

    def __init__(self, context: Any, launcher: Launcher, run_dir: Path, job: Job, patience: Patience) -> None:
        self.context, self.launcher, self.run_dir, self.job = context, launcher, run_dir, job
        self.patience, self.watchdog = patience, Watchdog(patience.silence)
        self.beats = 0
        self.next_beat = self.next_look = self.heard = time.monotonic()

    def until_end(self) -> int:
        """The job's exit status. dg.Failure where it hangs, has vanished or cannot be reached.

        An interrupt stops the job, unless it is a bare SIGTERM to this process: a redeploy or a
        killed worker. Then the job goes on, and the retry adopts it.
        """
        try:
            with noted_signals() as received:
                while (status := self._look()) is None:
                    time.sleep(self.patience.poll)
                return status
        except (DagsterExecutionInterruptedError, KeyboardInterrupt):
            run = self.context.instance.get_run_by_id(self.context.run_id)
            asked = run is None or run.status in STOPPING
            if not asked and received[-1:] == [signal.SIGTERM]:
                self.context.log.info(f"detached from the job in {self.job.folder}, which goes on")
                raise
            self.stop()
            raise

    def _look(self) -> int | None:
        """Give a sign of life, and look at the job once: its exit status, or None while it runs."""
        now = time.monotonic()
        if now >= self.next_beat:
            value = sign_of_life(self.context.run_id, self.beats)
            self.context.instance.add_run_tags(self.context.run_id, {TAG: value})
            self.next_beat, self.beats = now + BEAT_SECONDS, self.beats + 1
        try:
            state = self.launcher.state(self.job.folder, self.job.id)
            if self.job.marker and now >= self.next_look:
                self.next_look = now + self.patience.heartbeat_every
                if late := self.watchdog.silent(self._heartbeats()):
                    self._end_hanging(late)
            self.heard = now
        except Unreachable as error:
            if now - self.heard > self.patience.unreachable:
                raise dg.Failure(
                    f"the head node has not answered for {now - self.heard:.0f} s ({error});"
                    f" {self.job.folder} may go on"
                ) from error
            return None
        if state.status is None and not state.alive:
            return self._vanished()
        return state.status

    def _heartbeats(self) -> list[dict[str, Any]]:
        """What the ranks last said: read here where the folder is, else where the job runs."""
        folder = self.run_dir / "heartbeats"
        if folder.is_dir():
            return parse_heartbeats("\n".join(p.read_text() for p in sorted(folder.glob("rank-*.json"))))
        script = 'for f in "$0"/rank-*.json; do cat "$f" 2>/dev/null; echo; done'
        return parse_heartbeats(self.launcher.output(["bash", "-c", script, str(folder)]))

    def _end_hanging(self, late: list[str]) -> None:
        """End a job whose ranks have fallen silent, on every host that answers; raises
        dg.Failure."""
        self.launcher.signal(self.job.id, "KILL")
        unreached = self.launcher.sweep(self.job.id, self.job.marker)
        forget_environment(self.launcher, self.job.folder)
        away = f"; {', '.join(unreached)} cannot be reached" if unreached else ""
        raise dg.Failure(f"the job in {self.job.folder} hangs and was ended: {'; '.join(late[:4])}{away}")

    def _vanished(self) -> int:
        """The exit status of a job without processes; dg.Failure if it never wrote one."""
        time.sleep(3 * self.patience.poll)  # the file may be a moment behind the process
        state = self.launcher.state(self.job.folder, self.job.id)
        if state.status is not None:
            return state.status
        self._sweep()
        end = self.launcher.end_state(self.job.id)
        what = f"ended as {end}" if end else "vanished without an exit status"
        said = tail(self.launcher, self.job.folder / "stderr")
        raise dg.Failure(f"the job in {self.job.folder} {what}:\n{said}")

    def stop(self) -> None:
        """Ask for a checkpoint and wait for the end; signal only after the grace period. The job is
        gone when this returns."""
        grace = self.patience.grace
        self.context.log.info(
            f"asked the job in {self.job.folder} to save and stop; signals follow after {grace:.0f} s"
        )
        self.job.mailbox.request_stop(self.run_dir)
        for name, seconds in (("", grace), ("TERM", TERM_SECONDS), ("KILL", KILL_SECONDS)):
            if name:
                self.launcher.signal(self.job.id, name)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                state = self.launcher.state(self.job.folder, self.job.id)
                if state.status is not None or not state.alive:
                    return
                time.sleep(self.patience.poll)
        self._sweep()

    def _sweep(self) -> None:
        """Kill what may be left of the job's ranks, on every host, and delete its secrets."""
        if self.job.marker:
            self.launcher.sweep(self.job.id, self.job.marker)
        forget_environment(self.launcher, self.job.folder)


@contextmanager
def noted_signals() -> Iterator[list[int]]:
    """The SIGINT and SIGTERM that arrive meanwhile, in order; what was to happen on them still
    happens.

    Dagster turns both into one exception, but a Ctrl-C is meant for the training and a bare SIGTERM
    is not.
    """
    noted: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield noted
        return
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}

    def note(number: int, frame: Any) -> None:
        noted.append(number)
        before[signal.Signals(number)](number, frame)  # type: ignore[operator,misc]

    for number, handler in before.items():
        if callable(handler):
            signal.signal(number, note)
    try:
        yield noted
    finally:
        for number, handler in before.items():
            if callable(handler):
                signal.signal(number, handler)
