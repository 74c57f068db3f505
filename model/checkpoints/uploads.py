"""Sends checkpoints to the store while training goes on.

Belongs here: the queue, its bounds, retries, what is told of it. Does not belong here: how a
checkpoint is sent (store.py).

One thread of rank 0 sends one checkpoint at a time. While it does, only the newest of those that
wait stays in the queue, beside those that retention keeps for good: a slow store costs older
copies, never training time or an ever longer queue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import tenacity

from model.checkpoints.manifest import MANIFEST, CheckpointError, finished_checkpoints, read_manifest
from model.checkpoints.store import CheckpointStore
from model.training import distributed

ATTEMPTS = 6
WAIT_SECONDS = 5.0
"""Before the second attempt; twice as long before each later one (155 s in all)."""


class Closed(Exception):
    """Training has ended: what is being sent is left as it is, without a manifest."""


class Uploads:
    """Of one run's folder of checkpoints. Without a store nothing happens. `superseded` says
    whether another job writes now."""

    def __init__(
        self,
        store: CheckpointStore | None,
        folder: Path,
        keep_last: int,
        keep_every: int,
        superseded: Callable[[], bool] = lambda: False,
        wait_seconds: float = WAIT_SECONDS,
    ) -> None:
        self.store, self.folder, self.keep_last, self.keep_every = store, folder, keep_last, keep_every
        self.superseded, self.wait_seconds = superseded, wait_seconds
        self.queue: list[
            tuple[str, str | int]
        ] = []  # ("send", tag) and ("abandon", step); the first is at work
        self.told: list[dict[str, Any]] = []
        self.moved = 0
        self.change, self.closed = threading.Condition(), threading.Event()
        if store is not None:
            threading.Thread(target=self._loop, daemon=True, name="checkpoint-uploads").start()

    def add(self, tag: str) -> None:
        """Send a finished checkpoint of the folder."""
        if self.store is None:
            return
        with self.change:
            for item in [i for i in self.queue[1:] if i[0] == "send" and not self._is_kept(str(i[1]))]:
                self.queue.remove(item)
                self._tell(str(item[1]), "overtaken")
            if ("send", tag) not in self.queue[1:]:
                self.queue.append(("send", tag))
            self.change.notify()

    def add_missing(self) -> None:
        """At the start: send the latest checkpoint and those kept for good; what is complete in the
        store is found to be so."""
        found = finished_checkpoints(self.folder)
        for path in found:
            if path == found[-1] or self._is_kept(path.name):
                self.add(path.name)

    def abandon(self, step: int) -> None:
        """The run went back to `step`: later copies are no longer its."""
        if self.store is not None:
            with self.change:
                self.queue = [
                    *self.queue[:1],
                    *(i for i in self.queue[1:] if i[0] == "abandon"),
                    ("abandon", step),
                ]
                self.change.notify()

    @property
    def held(self) -> frozenset[str]:
        """Checkpoints that are being sent or wait for it: retention leaves them."""
        with self.change:
            return frozenset(str(value) for kind, value in self.queue if kind == "send")

    @property
    def busy(self) -> bool:
        """Whether anything is under way or waits."""
        with self.change:
            return bool(self.queue)

    def events(self) -> list[dict[str, Any]]:
        """What has happened since the last call: values of the event `upload`."""
        with self.change:
            told, self.told = self.told, []
        return told

    def wait(self, seconds: float) -> Iterator[bool]:
        """Until nothing is under way on rank 0, or that time has passed: again and again whether
        bytes have moved. All ranks call it."""
        started, before = time.monotonic(), -1.0
        while True:
            busy, moved, waited = distributed.gather_rows(
                [self.busy, self.moved, time.monotonic() - started]
            )[0].tolist()
            yield moved != before
            if not busy or waited > seconds:
                return
            before = moved
            time.sleep(0.2)

    def close(self) -> None:
        """Send nothing more; returns at once."""
        with self.change:
            self.closed.set()
            self.change.notify()

    def _is_kept(self, tag: str) -> bool:
        """Whether retention keeps it for good."""
        try:
            value = read_manifest(self.folder / tag)
        except CheckpointError:
            return False
        return bool(value.get("stage_end") or (self.keep_every and value["step"] % self.keep_every == 0))

    def _tell(self, tag: str, state: str, **values: Any) -> None:
        with self.change:
            self.told.append({"step": int(tag.removeprefix("step-")), "state": state, **values})
        if "error" in values:
            print(f"upload of {tag}: {values['error']}", flush=True)

    def _loop(self) -> None:
        while True:
            with self.change:
                self.change.wait_for(lambda: self.queue or self.closed.is_set())
                if self.closed.is_set():
                    return
                kind, value = self.queue[0]
            try:
                self._with_retries(kind, value)
            except Closed:
                return
            with self.change:
                self.queue.pop(0)

    def _with_retries(self, kind: str, value: str | int) -> None:
        tag = str(value) if kind == "send" else f"step-{value:08d}"

        def act() -> None:
            try:
                if not self.superseded():
                    self._send(tag) if kind == "send" else self._store.abandon(int(value))
            except Closed:
                raise
            except Exception:
                if kind == "abandon" or (self.folder / tag / MANIFEST).exists():
                    raise
                # else the run went back meanwhile, or the same step is being saved again

        def tell(state: tenacity.RetryCallState) -> None:
            again = {"again_seconds": state.next_action.sleep} if state.next_action else {}
            error = str(state.outcome and state.outcome.exception())[:500]
            name = "retry" if again else "failed"
            self._tell(tag, name, attempt=state.attempt_number, to=self._store.root, error=error, **again)

        def pause(seconds: float) -> None:
            if self.closed.wait(seconds):
                raise Closed

        tenacity.Retrying(
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            wait=tenacity.wait_exponential(multiplier=self.wait_seconds),
            # Whatever a client library may raise: training goes on.
            retry=tenacity.retry_if_not_exception_type(Closed),
            before_sleep=tell,
            retry_error_callback=tell,
            sleep=pause,
        )(act)

    @property
    def _store(self) -> CheckpointStore:
        assert self.store is not None
        return self.store

    def _send(self, tag: str) -> None:
        started, path = time.monotonic(), self.folder / tag
        if not self._store.send(path, self._moved):
            return
        if self.superseded():
            return
        self._store.publish(path)
        size = sum(f["bytes"] for f in read_manifest(path)["files"].values())
        self._tell(tag, "done", seconds=time.monotonic() - started, bytes=size, to=self._store.root)
        pinned = frozenset(p.parent.name for p in self.folder.glob("*/pinned"))
        self._store.retain(self.keep_last, self.keep_every, pinned)

    def _moved(self, num_bytes: int) -> None:
        """From the store's threads, at every chunk."""
        self.moved += num_bytes
        if self.closed.is_set():
            raise Closed
