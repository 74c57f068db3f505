"""What an evaluation is of: model, data, code and limit. Two reports with equal identity are equal.

Belongs here: hashes of what a report follows from. Does not belong here: evaluating (the other
files of this folder). No torch, so that the graph can ask whether a report is still true.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from model.evaluate.files import DOMAINS, LEAKAGE_SETS, domain_file, gsm8k_file, leakage_file
from model.evaluate.questions import BENCHMARKS

VERSIONS = {"validation": 2, "perplexity": 2, "benchmarks": 2, "leakage": 2, "overfit": 1}
"""Of a task's code, prompts included: raised when equal inputs give another report."""


def _sha256(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def model_hash(export: Path, weights_hash: str) -> str:
    """Of an export folder: its weights, and the tokenizer and shape that they are used with."""
    h = hashlib.sha256(weights_hash.encode())
    for name in ("config.json", "tokenizer.json"):
        h.update(_sha256(export / name).encode())
    return h.hexdigest()


def data_files(task: str, data: Path) -> dict[str, Path]:
    """The files that a task reads of a folder, by their place in it."""
    found: dict[str, Path | None] = {}
    if task in ("benchmarks", "overfit"):
        for name in BENCHMARKS:
            packed = data / name / f"{name}.zip"
            files = [packed] if packed.is_file() else (data / name).rglob("*.csv")
            found |= {str(f.relative_to(data)): f for f in [data / name / "mapping.json", *files]}
        found |= {f"gsm8k/{split}": gsm8k_file(data, split) for split in ("train", "test")}
    elif task == "perplexity":
        found = {domain: domain_file(data, domain) for domain in DOMAINS}
    elif task == "leakage":
        found = {name: leakage_file(data, name) for name in LEAKAGE_SETS}
    else:  # the listing of a shard set holds the hash of every file
        found = {"shards.json": data / "shards.json"}
    return {name: path for name, path in sorted(found.items()) if path is not None and path.is_file()}


def data_hash(task: str, data: Path | None) -> str:
    """Of the contents that a task reads, wherever they lie; empty where there are none."""
    files = data_files(task, data) if data is not None else {}
    h = hashlib.sha256()
    for name, path in files.items():
        h.update(f"{name} {_sha256(path)}\n".encode())
    return h.hexdigest() if files else ""


def identity(task: str, model: str, data: str, limit: int | None) -> dict[str, Any]:
    """What a report is kept under."""
    return {"model": model, "data": data, "version": VERSIONS[task], "limit": limit}
