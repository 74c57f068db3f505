"""Files of an evaluation: the sets that are read, and the answers that are kept.

Belongs here: finding and reading JSON lines, keeping a model's answers so that a call that was cut
off goes on where it was. Does not belong here: the benchmarks' archives (questions.py),
reports
(__main__.py).
"""

from __future__ import annotations

import gzip
import hashlib
import json
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any


class FileError(ValueError):
    """A file of an evaluation is not what is expected; the message names it and the place."""


def find_file(folders: Sequence[Path], name: str) -> Path | None:
    """The first of folder/name, folder/name.gz that exists; None where none does."""
    for folder in folders:
        for candidate in (folder / name, folder / f"{name}.gz"):
            if candidate.is_file():
                return candidate
    return None


# The six test sets of paper Table 6, in its order.
DOMAINS = ("tech", "movie", "government", "game", "finance", "general")
# Sets of the leakage report: names each may have, in order of preference.
LEAKAGE_SETS = {
    "train": ("train.jsonl", "gsm8k/train.jsonl"),
    "test": ("test.jsonl", "gsm8k/test.jsonl"),
    "reference": ("reference.jsonl", "skywork/mock_gsm8k_test_public.jsonl"),
}


def domain_file(data: Path, domain: str) -> Path | None:
    """zh_<domain>.jsonl[.gz] in a folder, in its domain-loss/ or beside it."""
    return find_file([data, data / "domain-loss", data.parent / "domain-loss"], f"zh_{domain}.jsonl")


def leakage_file(data: Path, name: str) -> Path | None:
    """The file of one of LEAKAGE_SETS."""
    return next((p for p in (find_file([data], f) for f in LEAKAGE_SETS[name]) if p), None)


def gsm8k_file(data: Path, split: str) -> Path | None:
    """The train or test split of GSM8K, in gsm8k/ or in the folder itself."""
    return find_file([data / "gsm8k", data], f"{split}.jsonl")


def read_lines(path: Path, keys: Sequence[str] = ()) -> list[dict[str, Any]]:
    """Records of a .jsonl or .jsonl.gz file, each with texts under `keys`. FileError names the file,
    line and key of what is off."""
    opener = gzip.open if path.suffix == ".gz" else open
    out = []
    try:
        with opener(path, "rt", encoding="utf-8-sig", newline="\n") as stream:
            for number, line in enumerate(stream, 1):
                if line.strip():
                    out.append(_record(f"{path}, line {number}", line, keys))
    except UnicodeDecodeError as error:
        raise FileError(f"{path} is not UTF-8 ({error.reason}): convert it") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise FileError(f"{path} cannot be unpacked ({error}): fetch it again") from None
    return out


def _record(where: str, line: str, keys: Sequence[str]) -> dict[str, Any]:
    try:
        record = json.loads(line)
    except ValueError as error:
        raise FileError(f"{where} is not JSON ({error}): one object a line is expected") from None
    if not isinstance(record, dict):
        raise FileError(f"{where}: expected an object, found {line.strip()[:40]}")
    for key in keys:
        if not isinstance(record.get(key), str) or not record[key].strip():
            raise FileError(f"{where}: it lacks a text {key!r} (it has {', '.join(sorted(record))})")
    return record


def read_answers(path: Path) -> dict[str, dict[str, Any]]:
    """Answers kept by an earlier call, by question id, the last of each; a last line that was cut
    off is dropped from the file too. An answer holds for the question whose `key` it has."""
    out: dict[str, dict[str, Any]] = {}
    if not path.is_file():
        return out
    data = path.read_bytes()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) != len(data):
        path.write_bytes(whole)
    # By line feeds alone: an answer may hold other line ends (U+2028), which JSON leaves as they are.
    for line in whole.decode("utf-8").split("\n")[:-1]:
        record = json.loads(line)
        out[record["id"]] = record
    return out


def question_key(*parts: object) -> str:
    """Identity of one question: everything that its answer follows from, beside the model."""
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]


def append_answers(path: Path, records: Sequence[dict[str, Any]]) -> None:
    """Add answers to the file that `read_answers` reads."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "a", encoding="utf-8") as stream:
        stream.write("".join(json.dumps(r, ensure_ascii=False, sort_keys=True) + "\n" for r in records))
