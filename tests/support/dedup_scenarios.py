"""Work that is killed and done again (tests/support/kills.py): the duplicates of two releases."""

from __future__ import annotations

from pathlib import Path

from pipelines.dedup.duplicates import duplicates_stage
from pipelines.engine import Engine
from pipelines.lake import Lake
from pipelines.tables.stage import build
from tests.support.dedup_tables import make_dump, make_release
from tests.support.near_duplicates import corpus


def duplicates(root: Path, engine: Engine) -> None:
    """A dump's tables, its release, a second dump and a release of both, which starts from the
    first."""
    lake, rows = Lake(root), corpus(16)
    old = make_dump(lake, "old", rows[::2], parts=2, engine=engine)
    build(lake, engine, duplicates_stage(make_release([old], "first")))
    new = make_dump(lake, "new", rows[1::2], engine=engine)
    build(lake, engine, duplicates_stage(make_release([old, new], "second")))
