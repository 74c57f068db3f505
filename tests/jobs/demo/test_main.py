"""`python -m jobs.demo` as a command."""

from __future__ import annotations

import runpy
import sys

import pytest

from jobs.demo import demo


@pytest.mark.parametrize(("argument", "code"), [("--help", 0), ("--sample", 2)])
def test_the_command_runs_nothing_where_it_is_asked_or_told_something(
    argument: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["jobs.demo", argument])
    monkeypatch.setattr(demo, "run", lambda: pytest.fail("the demo was started"))
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("jobs.demo", run_name="__main__")
    assert ended.value.code == code
