"""Commands on tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.cli import cli
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError
from tests.support.judged import judged
from tests.support.lake_samples import flip


def test_damaged_tables_are_named_with_what_builds_them_anew(
    lake: Lake, engine: InProcess, run: Callable[..., str]
) -> None:
    judged(lake, engine)
    assert "nothing damaged" in run("verify", "d")
    edits = lake.current("edits", "d")
    part = Path(lake.root, edits.file(edits.parts[0].path))
    flip(part)
    for name in ("d", "edits", "edits/d"):
        told = CliRunner().invoke(cli, ["verify", name])
        assert told.exit_code == 1 and f"{edits.path}/{edits.parts[0].path}: " in told.output
        assert "to build anew what is damaged: skypile dump d" in told.output
    assert "nothing damaged" in run("verify", "documents")
    judged(lake, engine)
    assert "nothing damaged" in run("verify", "d")
    assert lake.current("edits", "d").content_hash == edits.content_hash


def test_an_unknown_name_is_said(lake: Lake, run: Callable[..., str]) -> None:
    with pytest.raises(LakeError, match="has no table, dump or release 'r9'"):
        run("verify", "r9")
