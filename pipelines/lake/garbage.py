"""Garbage collection: which datasets of a lake nothing names any more.

Belongs here: what counts as naming, and the order of deletion. Does not belong here: what a dataset
is (lake.py).

A dataset is named by a pointer; by a card (`RELEASE@CONTENT_HASH`); by a run's or a checkpoint's
JSON under `runs/` (path or content hash); and, from each of those on, by what its manifest and
lineage say it was made from: a release stays explainable to its dumps.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from pipelines.lake import LINEAGE, MANIFEST, Lake, LakeError

_CONTENT_HASH = re.compile(r"(?<![0-9a-f])[0-9a-f]{32}(?![0-9a-f])")  # lake.digest: blake2b-128


@dataclass(frozen=True)
class Collected:
    """Dataset paths that nothing names with their bytes, how many are kept, and what is left in
    staging."""

    deleted: dict[str, int]
    kept: int
    staging: tuple[str, ...]  # unfinished builds: a rerun takes them over, so they are reported only

    @property
    def bytes(self) -> int:
        return sum(self.deleted.values())


def datasets(lake: Lake) -> dict[str, str]:
    """Content hash by path of every published dataset."""
    folders = (
        p.removesuffix(f"/{MANIFEST}")
        for p in lake.files("tables", recursive=True)
        if p.endswith(f"/{MANIFEST}")
    )
    return {folder: folder.rsplit("/", 1)[1] for folder in folders}


def _named_outside(lake: Lake) -> set[str]:
    """Content hashes in cards and in the JSON of runs. LakeError where a file cannot be read: it
    may name anything."""
    found: set[str] = set()
    for path in (*lake.files("cards", recursive=True), *lake.files("runs", recursive=True)):
        if not path.endswith((".json", ".yaml", ".yml")):
            continue
        try:
            text = lake.read_bytes(path).decode()
            if path.endswith(".json"):
                json.loads(text)  # half a file may have lost a name
        except ValueError as error:
            raise LakeError(
                f"{lake.root}/{path} is not readable ({error}): nothing was deleted; mend or remove it"
            ) from None
        found.update(_CONTENT_HASH.findall(text))
    return found


def gc(lake: Lake, delete: bool = False) -> Collected:
    """Find the datasets that nothing names; with `delete`, delete them and the keys that lead to
    them.

    Not to be run beside a job: a dataset that is being published has no pointer yet.
    """
    present = datasets(lake)
    paths_of: dict[str, list[str]] = {}
    for path, content in present.items():
        paths_of.setdefault(content, []).append(path)
    waiting = [str(lake.read_json(path)["path"]) for path in lake.files("pointers", recursive=True)]
    waiting += [path for content in _named_outside(lake) for path in paths_of.get(content, [])]
    kept: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in kept or path not in present:
            continue
        kept.add(path)
        for content in lake.open(path).manifest.inputs.values():
            waiting += paths_of.get(content, [])
        if lake.exists(f"{path}/{LINEAGE}"):
            waiting += lake.read_json(f"{path}/{LINEAGE}")["inputs"].values()
    doomed = {path: lake.open(path).manifest.bytes for path in sorted(set(present) - kept)}
    if delete:
        for key in lake.files("keys"):
            if lake.read_json(key)["path"] in doomed:
                lake.delete(key)
        for path in doomed:
            lake.delete(f"{path}/{MANIFEST}")  # first, so that a crash leaves no dataset that lacks parts
            lake.delete(path)
    return Collected(doomed, len(kept), tuple(lake.folders("staging")))
