from __future__ import annotations

import io
import threading
from pathlib import Path

import dagster as dg
import pytest
from rich.console import Console

from jobs import progress
from jobs.definitions import defs
from tests.support.runs import run_file, small_plan


def write_run(folder: Path, log: str) -> None:
    (folder / "logs").mkdir()
    run_file(small_plan(120)).write(folder)
    (folder / "logs" / "steps.jsonl").write_text(log)


def test_training_work_is_the_last_whole_line_of_the_log(tmp_path: Path) -> None:
    look = progress.training_work(tmp_path)
    assert look() is None
    write_run(tmp_path, '{"step": 1, "loss": 9.0}\n{"step": 2, "loss": 8.5}\n{"step": 3, "lo')
    assert look() == (2, 120, "steps, loss 8.500")


def test_an_op_is_named_by_its_asset() -> None:
    for asset in defs.assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        if len(asset.keys) == 1:
            assert progress.asset_of(asset.op.name) == asset.key


def test_a_failing_look_does_not_end_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    out, looked = io.StringIO(), threading.Event()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=True, width=100))
    monkeypatch.setattr(progress, "LOOK_EVERY", 0.001)
    calls = []

    def look() -> tuple[int, int, str]:
        calls.append(1)
        if len(calls) == 1:
            raise OSError("the session has stopped")
        if len(calls) > 2:
            looked.set()
        return 3, 8, "Spark tasks"

    with progress.moving("dump a", 5, look):
        assert looked.wait(30)
    assert "0/5 assets, 3/8 Spark tasks" in out.getvalue()


def test_nothing_is_drawn_where_no_person_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    out = io.StringIO()
    monkeypatch.setattr(progress, "console", Console(file=out, force_terminal=False))
    with progress.moving("dump a", 5, lambda: None):
        pass
    assert out.getvalue() == ""
