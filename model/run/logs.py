"""JSON lines and TensorBoard files of steps and validations, written by rank 0."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.lake.atomic import write_whole


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
        """One line."""
        self._write("steps", record)

    def validation(self, records: list[dict[str, Any]]) -> None:
        """One line a domain."""
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
    """The same numbers as TensorBoard event files."""

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
