"""Files of an evaluation: the sets that are read, and the answers that are kept.

Belongs here: finding and reading JSON lines, keeping a model's answers so that a call that was cut
off goes on where it was. Does not belong here: the benchmarks' archives (choices.py), reports
(__main__.py).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def find_file(folders: Sequence[Path], name: str) -> Path | None:
    """The first of folder/name, folder/name.gz that exists; None where none does."""
    for folder in folders:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Records of a .jsonl or .jsonl.gz file."""
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as stream:
        return [json.loads(line) for line in stream if line.strip()]


def read_answers(path: Path) -> dict[str, dict[str, Any]]:
    """Answers kept by an earlier call, by question id; a last line that was cut off is dropped from
    the file too."""
    out: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return out
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        path.write_bytes(whole)
    for line in whole.decode("utf-8").splitlines():
        record = json.loads(line)
        out[record["id"]] = record
    return out


def append_answers(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Add answers to the file that `read_answers` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("".join(json.dumps(r, ensure_ascii=False, sort_keys=True) + "\n" for r in records))
