"""The errors that people see, and which names stay inside the lake.

Belongs here: LakeError and its kinds, `safe_name`, `plain_name`. Does not belong here: when they
are raised.
"""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath


class LakeError(Exception):
    """Something a person can mend: the message names what was read, what was expected, what to
    do."""


class MissingDataset(LakeError):
    """A dataset that was asked for has not been published."""


class NoSpace(LakeError, OSError):
    """A disk or a quota is full: the message names the file that did not fit."""


class DamagedFile(LakeError):
    """A file of the lake that is not what was written: cut off, replaced, not readable."""


def safe_name(name: str, what: str = "name") -> str:
    """Return `name` if it is a relative path that stays inside the lake, else raise LakeError."""
    path = PurePosixPath(name)
    if (
        not name
        or "\\" in name
        or "\0" in name
        or path.is_absolute()
        or any(p in ("..", ".") for p in name.split("/"))
    ):
        raise LakeError(f"{what} {name!r} does not stay inside the lake: use a relative path without '..'")
    return name


NO_NAME = ',|[]*?:%"<>\\'
"""What lists of partitions, patterns of files, or addresses read as more than a letter."""
NAME_BYTES = 200
"""Of a card's name: a file's name has 255 on most systems, with an ending of ours."""


def plain_name(name: str) -> str:
    """Return `name` if it can be a card's: a partition key for Dagster, a file's name without its
    ending, a part of an S3 address. Else raise LakeError."""
    if "/" in name or name != name.strip():
        raise LakeError(f"{name!r}: use one plain name without '/' and without spaces around it")
    if not name.isprintable():
        raise LakeError(f"{name!r}: use a name of one line, without control characters")
    if name[:1] in (".", "#") or "~" in name or "..." in name:
        raise LakeError(f"{name!r}: use a name that begins with neither '.' nor '#', without '~' and '...'")
    if found := sorted(set(name) & set(NO_NAME)):
        raise LakeError(f"{name!r}: use a name without {' '.join(found)}")
    if len(name.encode()) > NAME_BYTES:
        raise LakeError(f"{name!r}: use a name of at most {NAME_BYTES} bytes")
    if unicodedata.normalize("NFC", name) != name:
        raise LakeError(f"{name!r}: use composed letters (Unicode NFC): file systems differ in the others")
    return safe_name(name)
