"""The folder through which Dagster and a job on the cluster speak: context, messages, exit status.

Belongs here: files of one job's folder and how they are read. Does not belong here: starting and stopping
(launchers.py), what a run means (client.py).
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


class KeptFileContext(PipesContextInjector):
    """Writes the Pipes context to a file and leaves it there: the job may read it after Dagster has detached."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def inject_context(self, context: PipesContextData) -> Iterator[PipesParams]:
        temporary = self.path.with_suffix(".tmp")
        temporary.write_text(json.dumps(context))
        temporary.replace(self.path)
        yield {"path": str(self.path)}

    def no_messages_debug_text(self) -> str:
        return f"The context was written to {self.path}."


class AppendOnlyMessages(PipesMessageReader):
    """Tails a message file on a shared folder; never truncates or deletes it, so a later run can replay it.

    Only whole lines are parsed, so a line that is still being written is read later. `on_custom` gets the
    payload of each custom message as it arrives; after the session closes the file is read once more.
    """

    def __init__(self, path: Path, on_custom: Callable[[Any], None], poll: float = 0.25) -> None:
        self.path, self.on_custom, self.poll = path, on_custom, poll
        self.closed_with: Any = None  # the exception that the job's `closed` message names

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[PipesParams]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.touch(exist_ok=True)
        done = Event()
        thread = Thread(target=self._tail, args=(handler, done), daemon=True, name="pipes-tail")
        thread.start()
        try:
            yield {"path": str(self.path)}
        finally:
            done.set()
            thread.join(timeout=30)

    def _tail(self, handler: Any, done: Event) -> None:
        offset, carry = 0, b""
        while True:
            last = done.is_set()
            with open(self.path, "rb") as stream:
                stream.seek(offset)
                chunk = stream.read()
            offset += len(chunk)
            *lines, carry = (carry + chunk).split(b"\n")
            for line in lines:
                self._handle(handler, line)
            if last:
                return
            done.wait(self.poll)

    def _handle(self, handler: Any, line: bytes) -> None:
        """One message. A bad one is named in the log and skipped: it must not end the thread that reads the rest."""
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
            dg.get_dagster_logger().warning(f"[pipes] skipped a message of {self.path} ({error!r}): {line[:200]!r}")

    def no_messages_debug_text(self) -> str:
        return f"Tailed {self.path}."


def tail(path: Path, characters: int = 2000) -> str:
    """The end of a text file, or nothing where there is none."""
    return path.read_text(errors="replace")[-characters:].strip() if path.exists() else ""
