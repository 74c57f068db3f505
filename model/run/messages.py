"""Messages to Dagster, if Dagster started this process; silent otherwise. The one place that opens
dagster_pipes.

Belongs here: what is said to Dagster, and how it gets there through a shared folder (dagster_pipes'
own append-only file) or through S3 (numbered chunks). Does not belong here: requests that come back
(control.py).
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Iterator
from threading import Event, Lock, Thread
from typing import Any

from pipelines.lake import Lake


class Reporter:
    """Progress and results for whoever started the run; one of the loop's logs (`logs.RunLog`)."""

    def __init__(self, context: Any = None) -> None:
        self.context = context

    def event(self, event: str, **values: Any) -> None:
        """A custom message `{"event": event, ...}`."""
        if self.context is not None:
            self.context.report_custom_message({"event": event, **values})

    def materialized(self, metadata: dict[str, Any], data_version: str) -> None:
        """The result, once, at the end."""
        if self.context is not None:
            present = {k: v for k, v in metadata.items() if v is not None}
            values = {
                k: {"type": "json", "raw_value": v} if isinstance(v, dict | list) else v
                for k, v in present.items()
            }
            self.context.report_asset_materialization(metadata=values, data_version=data_version)

    def step(self, record: dict[str, Any]) -> None:
        """The step's main numbers."""
        names = (
            "step",
            "phase",
            "tokens",
            "loss",
            "learning_rate",
            "gradient_norm",
            "tokens_per_second",
            "loss_by_source",
        )
        self.event("step", **{k: record[k] for k in names})

    def validation(self, records: list[dict[str, Any]]) -> None:
        """Every domain's loss."""
        for record in records:
            self.event("validation", **record)

    def close(self) -> None:
        """Nothing: the session stays open for the result, `reporter` closes it."""


class ChunkChannel:
    """Writes messages as `messages/00000001.jsonl`, ... of a mailbox on S3, a chunk every
    `interval` seconds and one at the end.

    A chunk that cannot be written is kept and tried again, with what has come since; at the end the
    error is raised, so that a job whose result did not arrive does not look like a success.
    """

    def __init__(self, mailbox: Lake, interval: float) -> None:
        self.mailbox, self.interval = mailbox, interval
        self.pending: list[str] = []
        self.number, self.lock, self.done = 0, Lock(), Event()
        self.thread = Thread(target=self._loop, daemon=True, name="pipes-chunks")
        self.thread.start()

    def write_message(self, message: Any) -> None:
        """Queue one message."""
        line = json.dumps(message)
        with self.lock:
            self.pending.append(line)

    def flush(self) -> None:
        """Write what is queued; the queue is kept if that fails."""
        with self.lock:
            lines = list(self.pending)
        if lines:
            self.mailbox.write_bytes(
                f"messages/{self.number + 1:08d}.jsonl", ("\n".join(lines) + "\n").encode()
            )
            self.number += 1
            with self.lock:
                del self.pending[: len(lines)]

    def _loop(self) -> None:
        while not self.done.wait(self.interval):
            with contextlib.suppress(OSError):
                self.flush()

    def close(self) -> None:
        """End the thread and write the rest."""
        self.done.set()
        self.thread.join()
        self.flush()


@contextlib.contextmanager
def reporter(rank: int, interval: float = 5.0) -> Iterator[Reporter]:
    """A Reporter: connected on rank 0 when the command line carries Dagster's arguments.
    `interval`: seconds between chunks on S3."""
    if rank != 0 or not any(a.startswith("--dagster-pipes-context") for a in sys.argv):
        yield Reporter()
        return
    from dagster_pipes import PipesCliArgsParamsLoader, open_dagster_pipes

    where = PipesCliArgsParamsLoader().load_messages_params()
    ways = {} if "path" in where else _on_s3(str(where["mailbox"]), interval)
    with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader(), **ways) as context:
        yield Reporter(context)


def _on_s3(root: str, interval: float) -> dict[str, Any]:
    """How dagster_pipes reads its context from, and writes its messages to, a mailbox on S3."""
    from dagster_pipes import PipesContextLoader, PipesMessageWriter

    mailbox = Lake(root)

    class Context(PipesContextLoader):
        @contextlib.contextmanager
        def load_context(self, params: Any) -> Iterator[Any]:
            yield mailbox.read_json("context.json")

    class Messages(PipesMessageWriter):
        @contextlib.contextmanager
        def open(self, params: Any) -> Iterator[ChunkChannel]:
            channel = ChunkChannel(mailbox, interval)
            try:
                yield channel
            finally:
                channel.close()

    return {"context_loader": Context(), "message_writer": Messages()}
