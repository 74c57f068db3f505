"""Files that appear whole: written beside their place, synced, then put there in one step.

Belongs here: one file of a folder. Does not belong here: objects on S3, which appear whole by
themselves (lake.py); a folder of files (writer.py, model/checkpoints).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

TEMPORARY = ".tmp-"
"""Prefix of files that are being written; one that a killed process left is no file."""


@contextlib.contextmanager
def replacing(path: Path, *, synced: bool = True) -> Iterator[BinaryIO]:
    """A stream whose bytes take the place of `path` when the block ends; nothing happens to `path`
    where it raises. Creates the folder.

    `synced`: the bytes are on disk before they get the name, so that a crash of the machine leaves
    the old content or the new. Without it only readers are sure of that.
    """
    with _placed(path, synced, os.replace) as stream:
        yield stream


def write_whole(path: Path, data: bytes | str, *, synced: bool = True) -> None:
    """Make `data` (a string as UTF-8) the content of `path`, as `replacing` does."""
    with replacing(path, synced=synced) as stream:
        stream.write(data.encode() if isinstance(data, str) else data)


def create_whole(path: Path, data: bytes) -> bool:
    """Create `path` with `data`, synced; False, with nothing changed, where it is there already.
    Of several that try at a time one wins."""
    try:
        with _placed(path, True, os.link) as stream:
            stream.write(data)
    except FileExistsError:
        return False
    return True


@contextlib.contextmanager
def _placed(path: Path, synced: bool, place: Callable[[str, Path], None]) -> Iterator[BinaryIO]:
    """A stream into a temporary file beside `path`, which `place` gives its name at the end."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=TEMPORARY)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
            stream.flush()
            if synced:
                os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        place(temporary, path)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
