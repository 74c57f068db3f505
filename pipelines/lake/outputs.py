"""Folders and files at paths that a person named: nothing is deleted there that was not written by
the command that replaces it.

Belongs here: refusing what is not an earlier output, replacing what is. Does not belong here:
tables, which are never replaced (writer.py); single files inside a folder of ours (atomic.py).

An output folder has a marker file with its kind and the names of its files. A folder whose marker
is of another kind, or that has a file which the marker does not name, is refused.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.lake.atomic import TEMPORARY, write_whole
from pipelines.lake.errors import LakeError

MARKER = ".skypile-output"
"""JSON with `kind` and `files`: file names relative to the folder, `null` while it is written."""


class OutputError(LakeError):
    """A path that cannot be written to without deleting what stands there."""


def refuse_foreign(folder: Path, kind: str) -> None:
    """Raise OutputError unless `folder` is missing, empty, or holds an earlier output of `kind` and
    nothing else."""
    if folder.is_symlink() and not folder.exists():
        raise OutputError(f"{folder} is a link to a folder that is not there: name another folder")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file, and a folder is written: name another path")
    found = {str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_symlink() or not p.is_dir()}
    if not found and not any(folder.iterdir()):
        return
    try:
        marker = json.loads((folder / MARKER).read_text(encoding="utf-8"))
        known, files = marker["kind"], marker["files"]
    except (OSError, ValueError, KeyError, TypeError):
        example = min(found, default="folders")
        raise OutputError(
            f"{folder} is not empty (it has {example}) and no earlier {kind} of ours:"
            " name a new or empty folder, or empty this one yourself"
        ) from None
    if known != kind:
        raise OutputError(f"{folder} holds an earlier {known}, not an earlier {kind}: name another folder")
    if files is not None and (others := found - {MARKER, *files}):
        raise OutputError(
            f"{folder} holds an earlier {kind} and {min(others)}, which is not part of it:"
            " move that file elsewhere, or name another folder"
        )


@contextmanager
def replacing_folder(folder: Path, kind: str) -> Iterator[Path]:
    """A new folder beside `folder`, which takes its place as a whole when the block ends; where it
    raises, `folder` stays as it was.

    OutputError, before anything is written and again before anything is replaced, as
    `refuse_foreign` says.
    """
    folder = folder.resolve()
    partial = folder.with_name(f"{TEMPORARY}{kind}-{folder.name}")
    earlier = folder.with_name(f"{TEMPORARY}{kind}-{folder.name}.earlier")
    for path in (folder, partial, earlier):  # the others are what a killed process left
        refuse_foreign(path, kind)
    _remove(partial, earlier)
    partial.mkdir(parents=True)
    try:
        write_whole(partial / MARKER, json.dumps({"kind": kind, "files": None}))
        yield partial
        files = sorted(
            str(p.relative_to(partial)) for p in partial.rglob("*") if not p.is_dir() and p.name != MARKER
        )
        write_whole(partial / MARKER, json.dumps({"kind": kind, "files": files}, indent=1))
        refuse_foreign(folder, kind)
        if folder.exists():
            folder.rename(earlier)
        partial.rename(folder)
    finally:
        _remove(partial, earlier)


def continued_folder(folder: Path, kind: str) -> Path:
    """The folder for work of `kind` that goes on over many calls, with its marker. OutputError, as
    `refuse_foreign` says, for a folder with anything that no earlier call has begun."""
    refuse_foreign(folder, kind)
    if not (folder / MARKER).exists():
        write_whole(folder / MARKER, json.dumps({"kind": kind, "files": None}))
    return folder


def refuse_foreign_file(path: Path, recognised_by: str) -> None:
    """Raise OutputError where something stands at `path` that does not contain `recognised_by`, and
    is not empty: asked before work that takes long."""
    if path.is_dir() or (path.exists() and recognised_by.encode() not in (old := path.read_bytes()) and old):
        raise OutputError(
            f"{path} is there and was not written by this command: name another file, or delete this one"
        )


def replace_file(path: Path, text: str, recognised_by: str) -> None:
    """Write `text`, which contains `recognised_by`, to a path that a person named. OutputError
    where a file stands there that does not contain it."""
    refuse_foreign_file(path, recognised_by)
    write_whole(path, text)


def _remove(*folders: Path) -> None:
    for folder in folders:
        if folder.exists():
            shutil.rmtree(folder)
