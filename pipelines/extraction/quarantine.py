"""Pages that the clock stopped: named in the lake, left out from then on.

Belongs here: the clock and the files that name pages. Does not belong here: the bounds that decide
what a page gives (page.py, dumps/), which are deterministic and keep all known pages far from
the clock.

What the clock says differs from run to run, so it may not decide what a table holds. A page that is
stopped twice is written to `quarantine/<dump>/`; the files there are an input of the documents'
manifest, and the stage is made anew without them.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

from pipelines.lake import LakeFiles, canonical_json, digest

SECONDS = 30.0  # of wall time for one page; the slowest known takes well under one
AGAIN = 2.0  # times as long for the second try, alone


class TooSlow(Exception):
    """The clock stopped a page."""


@contextlib.contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TooSlow in the block after this time. Without effect outside of the main thread, where
    no signal can be taken."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _path(dump: str, file: str) -> str:
    return f"quarantine/{dump}/{digest(file)[:12]}.json"


Place = tuple[int, int]
"""Offset and index of a record in its file, as in `Record`."""


def quarantined(lake: LakeFiles, dump: str, file: str) -> list[Place]:
    """The records of a file that are left out."""
    path = _path(dump, file)
    known = lake.read_json(path)["records"] if lake.exists(path) else []
    return [(int(offset), int(index)) for offset, index in known]


def add_to_quarantine(lake: LakeFiles, dump: str, file: str, place: Place) -> None:
    """Name a record. One file of a dump is read by one worker at a time."""
    known = {*quarantined(lake, dump, file), place}
    lake.write_json(_path(dump, file), {"file": file, "records": sorted(known)})


def fingerprint(lake: LakeFiles, dump: str) -> str:
    """Hash of all that is named for a dump; "" where nothing is."""
    named = [canonical_json(lake.read_json(path)) for path in lake.files(f"quarantine/{dump}")]
    return digest(*named) if named else ""
