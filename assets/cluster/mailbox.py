"""A mailbox: where Dagster and a job on the cluster leave context, messages and a stop request for
each other.

Belongs here: where these stand, on a shared folder or on S3, and how messages are read. Does not
belong here: starting and ending jobs (launchers.py), what a run means (client.py).

Messages are only ever added, so that a run which adopts a job reads all of them again: one file
that grows, or numbered chunks on S3.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import dagster as dg
from dagster import PipesContextInjector, PipesMessageReader
from dagster_pipes import PipesContextData, PipesParams

from pipelines.lake import Lake


class Mailbox:
    """The mailbox of one job: `root` is the job's own folder, or `s3://.../RUN/jobs/JOB`."""

    def __init__(self, root: str | Path) -> None:
        self.store = Lake(root)

    @property
    def arguments(self) -> list[str]:
        """What the job has to be told to find it; nothing where stop requests come through the
        run's folder."""
        return ["--mailbox", self.store.root] if self.store.is_s3 else []

    @property
    def pipes_params(self) -> dict[str, str]:
        """Pipes parameters of context and messages."""
        return {"mailbox": self.store.root}

    def request_stop(self, run_dir: Path) -> None:
        """Ask the job to save and leave."""
        if self.store.is_s3:
            self.store.write_bytes("stop", b"stop\n")
        else:
            (run_dir / "stop").touch()

    def injector(self) -> PipesContextInjector:
        """How Pipes hands the context over."""
        return KeptContext(self)

    def reader(self, on_custom: Callable[[Any], None], poll: float) -> Messages:
        """How Pipes reads the messages; `poll`: seconds between looks."""
        return Messages(self, on_custom, poll)


class Tail:
    """Where a reader of a mailbox is: bytes of the file, or chunks on S3."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.store, self.position = mailbox.store, 0

    def read(self) -> bytes:
        """What has been added since the last call. OSError leaves the position as it was."""
        if self.store.is_s3:
            name = f"messages/{self.position + 1:08d}.jsonl"
            data = self.store.read_bytes(name) if self.store.exists(name) else b""
            self.position += bool(data)
            return data
        with open(Path(self.store.root, "messages.jsonl"), "rb") as stream:
            stream.seek(self.position)
            data = stream.read()
        self.position += len(data)
        return data


class KeptContext(PipesContextInjector):
    """Writes the Pipes context and leaves it there: the job may read it after Dagster has
    gone."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.mailbox = mailbox

    @contextmanager
    def inject_context(self, context: PipesContextData) -> Iterator[PipesParams]:
        store = self.mailbox.store
        store.write_json("context.json", context)
        yield self.mailbox.pipes_params if store.is_s3 else {"path": f"{store.root}/context.json"}

    def no_messages_debug_text(self) -> str:
        return f"The context was written to {self.mailbox.store.root}/context.json."


class Messages(PipesMessageReader):
    """Reads a mailbox to its end and on, until the session closes; never truncates or deletes
    anything.

    Only whole lines are parsed, so a line that is still being written is read later. `on_custom`
    gets the payload of each custom message as it arrives; after the session closes the mailbox is
    read once more.
    """

    def __init__(self, mailbox: Mailbox, on_custom: Callable[[Any], None], poll: float = 0.25) -> None:
        self.mailbox, self.on_custom, self.poll = mailbox, on_custom, poll
        self.closed_with: Any = None  # the exception that the job's `closed` message names

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[PipesParams]:
        store = self.mailbox.store
        if not store.is_s3:
            path = Path(store.root, "messages.jsonl")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(exist_ok=True)
        done = Event()
        thread = Thread(target=self._tail, args=(handler, done), daemon=True, name="pipes-tail")
        thread.start()
        try:
            yield self.mailbox.pipes_params if store.is_s3 else {"path": str(path)}
        finally:
            done.set()
            thread.join(timeout=60)

    def _tail(self, handler: Any, done: Event) -> None:
        carry, reader = b"", Tail(self.mailbox)
        while True:
            last = done.is_set()
            try:
                chunk = reader.read()
            except OSError as error:  # storage that is away for a moment
                dg.get_dagster_logger().warning(
                    f"[pipes] {self.mailbox.store.root}: {error}; reading goes on"
                )
                chunk = b""
            *lines, carry = (carry + chunk).split(b"\n")
            for line in lines:
                self._handle(handler, line)
            if last and not chunk:
                return
            if not chunk:
                done.wait(self.poll)

    def _handle(self, handler: Any, line: bytes) -> None:
        """One message. A bad one is named in the log and skipped: it must not end the thread that
        reads the rest."""
        if not line.strip():
            return
        try:
            message = json.loads(line)
            method, params = message["method"], message.get("params") or {}
            if method == "closed":
                self.closed_with = params.get("exception")
            if method == "report_custom_message":
                self.on_custom(params["payload"])
            else:
                handler.handle_message(message)
        except Exception as error:
            dg.get_dagster_logger().warning(
                f"[pipes] skipped a message of {self.mailbox.store.root} ({error!r}): {line[:200]!r}"
            )

    def no_messages_debug_text(self) -> str:
        return f"Tailed {self.mailbox.store.root}."
