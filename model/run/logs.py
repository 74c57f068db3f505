"""What a run writes down of its steps and validations, and the protocol of everything that does.

Belongs here: the protocol, JSON lines, TensorBoard files. Does not belong here: which figures there
are (training/), messages to the orchestrator (messages.py, which follows the protocol too).
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Protocol

from pipelines.lake.atomic import sync_file, sync_folder, write_whole


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
    """`steps.jsonl` and `validation.jsonl`: the history that the weights have. A start at step n
    first moves what a lost run wrote after n to the end of `*.superseded.jsonl`."""

    def __init__(self, folder: Path, step: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files = {}
        for name in ("steps", "validation"):
            path = folder / f"{name}.jsonl"
            lines = _lines(path)
            kept = [line for line, at in lines if at is not None and at <= step]
            supersede(path, [line for line, at in lines if at is None or at > step], kept)
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


def _lines(path: Path) -> list[tuple[str, int | None]]:
    """The lines of a log with their steps; None for the last line of a killed process."""
    found: list[tuple[str, int | None]] = []
    for line in path.read_text().split("\n") if path.exists() else []:
        if line:
            try:
                found.append((line, int(json.loads(line)["step"])))
            except (ValueError, TypeError, KeyError):
                found.append((line, None))
    return found


def supersede(path: Path, lost: list[str], kept: list[str]) -> None:
    """Leave `kept` alone in a log, after its lines `lost` were appended to `*.superseded.jsonl`
    beside it; without any the log is not touched."""
    if not lost:
        return
    with open(path.with_suffix(".superseded.jsonl"), "a") as file:
        file.writelines(line + "\n" for line in lost)
        file.flush()
        os.fsync(file.fileno())
    write_whole(path, "".join(line + "\n" for line in kept))


def sync_logs(folder: Path) -> None:
    """Make what the logs of a folder tell so far durable, before a checkpoint that goes as far."""
    for path in folder.glob("*.jsonl"):
        sync_file(path)
    if folder.is_dir():
        sync_folder(folder)


def last_step(folder: Path) -> int:
    """The highest step in `steps.jsonl` of a run's folder of logs; 0 where there is none."""
    return max((at for _, at in _lines(folder / "steps.jsonl") if at is not None), default=0)


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
