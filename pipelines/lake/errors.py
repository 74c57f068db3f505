"""The errors that people see, and which names stay inside the lake.

Belongs here: LakeError, MissingDataset, `safe_name`. Does not belong here: when they are raised.
"""

from __future__ import annotations

from pathlib import PurePosixPath


class LakeError(Exception):
    """Something a person can mend: the message names what was read, what was expected, what to
    do."""


class MissingDataset(LakeError):
    """A dataset that was asked for has not been published."""


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
