"""Files that appear whole: written beside their place, synced, then put there in one step.

Belongs here: one file of a folder, what makes files and names durable, a full disk as a sentence.
Does not belong here: objects on S3, which appear whole by themselves (lake.py); a folder of files
(writer.py, model/checkpoints).

A power cut keeps what was synced and any part of the rest: bytes without a name, a name without
its bytes. So bytes are synced before they get a name, and names before anything that leads there.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from pipelines.lake.errors import LakeError, NoSpace

TEMPORARY = ".tmp-"
"""Prefix of files that are being written; one that a killed process left is no file."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextlib.contextmanager
def space_for(path: str | Path) -> Iterator[None]:
    """Raise NoSpace, which names `path`, where the block meets a full disk or quota."""
    try:
        yield
    except NoSpace:
        raise
    except OSError as error:
        if error.errno not in _FULL:
            raise
        folder = next((f for f in Path(path).absolute().parents if f.exists()), Path("/"))
        free = shutil.disk_usage(folder).free
        raise NoSpace(
            f"no space is left for {path}: {folder} has {free:,} bytes free"
            f"{' (a quota is full)' if error.errno == errno.EDQUOT else ''};"
            " make room or name another disk, and run again: what is whole is kept"
        ) from error


def sync_file(path: str | Path) -> None:
    """Make the bytes of a file durable, whoever wrote them."""
    with space_for(path):
        _sync(path)


def sync_folder(path: str | Path) -> None:
    """Make the names in a folder durable."""
    try:
        _sync(path)
    except OSError as error:
        if error.errno != errno.EINVAL:  # file systems that keep names without being asked refuse it so
            raise


def sync_folders(path: Path) -> None:
    """Make the names in a folder, and in all folders below it, durable."""
    for folder in (path, *(p for p in path.rglob("*") if p.is_dir() and not p.is_symlink())):
        sync_folder(folder)


def make_folder(path: Path) -> None:
    """Create a folder, and those above it that are missing, with durable names."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        sync_folder(folder.parent)


def own_folder(name: str) -> Path:
    """A folder of this user alone among the machine's temporary files, for what is read again
    later. LakeError where another user has taken its name."""
    path = Path(tempfile.gettempdir(), f"{name}-{os.getuid()}")
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o022:
        raise LakeError(
            f"{path} is not a folder that this user alone may write to: remove it, or set SKYPILE_CACHE to"
            " another folder"
        )
    return path


def _sync(path: str | Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def replacing(path: Path, *, synced: bool = True) -> Iterator[BinaryIO]:
    """A stream whose bytes take the place of `path` when the block ends; nothing happens to `path`
    where it raises. Creates the folder. The file gets the permissions that the umask leaves.

    `synced`: the bytes are on disk before they get the name, and the name before this returns, so
    that a crash of the machine leaves the old content or the new. Without it only readers are sure
    of that. NoSpace names `path` where the disk is full.
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
def _placed(path: Path, synced: bool, place: Callable[[Path, Path], None]) -> Iterator[BinaryIO]:
    """A stream into a temporary file beside `path`, which `place` gives its name at the end."""
    if synced:
        make_folder(path.parent)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
    with space_for(path):
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            with os.fdopen(handle, "wb") as stream:
                yield stream
                stream.flush()
                if synced:
                    os.fsync(stream.fileno())
            place(temporary, path)
            if synced:
                sync_folder(path.parent)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)
