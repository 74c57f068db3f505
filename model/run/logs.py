"""What a run writes down of its steps and validations, and the protocol of everything that does.

Belongs here: the protocol, JSON lines, TensorBoard files. Does not belong here: which figures there
are (training/), messages to the orchestrator (messages.py, which follows the protocol too).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Protocol

from pipelines.lake.atomic import write_whole


class RunLog(Protocol):
    """What the loop tells of a run. It lives on rank 0 alone; other ranks have none.

    The loop opens its logs once states are loaded, and again after it went back to an earlier step.
    Between two openings it calls `step` after every update and `validation` after every look at the
    validation sets, in order of steps, from the main thread; `close` once, also after an error.
    """

    def step(self, record: dict[str, Any]) -> None:
        """The record of one update, as `Trainer.train_step` returns it."""

    def validation(self, records: list[dict[str, Any]]) -> None:
        """One record a domain, as `Validation.run` returns them."""

    def close(self) -> None:
        """Nothing more comes."""


class JsonLines:
    """`steps.jsonl` and `validation.jsonl`; a start at step n first drops what a lost run wrote
    after n."""

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files = {}
        for name in ("steps", "validation"):
            path = folder / f"{name}.jsonl"
            kept = []
            for line in path.read_text().splitlines() if path.exists() else []:
                try:
                    if json.loads(line)["step"] <= step:
                        kept.append(line)
                except ValueError:  # the last line of a killed process
                    continue
            write_whole(path, "".join(line + "\n" for line in kept))
            self.files[name] = open(path, "a")

    def step(self, record: dict[str, Any]) -> None:
        """One line of `steps.jsonl`."""
        self._write("steps", record)

    def validation(self, records: list[dict[str, Any]]) -> None:
        """One line a domain of `validation.jsonl`."""
        for record in records:
            self._write("validation", record)

    def _write(self, name: str, record: dict[str, Any]) -> None:
        self.files[name].write(json.dumps(record, sort_keys=True) + "\n")
        self.files[name].flush()

    def close(self) -> None:
        """Close both files."""
        for file in self.files.values():
            file.close()


class TensorBoard:
    """TensorBoard event files of the figures of `JsonLines`."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.writer = SummaryWriter(str(folder / "tensorboard"), purge_step=step + 1)

    def step(self, record: dict[str, Any]) -> None:
        """Every number of the record, and the loss of every source."""
        for key, value in record.items():
            if isinstance(value, (int, float)) and key != "step":
                self.writer.add_scalar(f"train/{key}", value, record["step"])
        for source, value in record["loss_by_source"].items():
            self.writer.add_scalar(f"loss_by_source/{source}", value, record["step"])

    def validation(self, records: list[dict[str, Any]]) -> None:
        """Loss and bits per byte of every domain."""
        for r in records:
            self.writer.add_scalar(f"validation_loss/{r['domain']}", r["loss"], r["step"])
            self.writer.add_scalar(f"validation_bits_per_byte/{r['domain']}", r["bits_per_byte"], r["step"])

    def close(self) -> None:
        """Flush and close."""
        self.writer.close()
