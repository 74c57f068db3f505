from __future__ import annotations

from pathlib import Path

import pytest

from examples import one_dump
from tests.support.docs import fences, page


def test_one_dump_goes_from_pages_to_duplicates(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one_dump.main(tmp_path / "lake", [])
    told = capsys.readouterr().out.splitlines()
    decided = dict(reversed(line.split()[:2]) for line in told if line.startswith(("in ", "out ")))
    names = {url.split("/")[-1]: state for url, state in decided.items()}
    assert names == {
        "bread.html": "in",
        "bridge-copy.html": "in",
        "bridge.html": "in",
        "short.html": "out",
        "shouting.html": "out",
        "tea.html": "in",
    }
    assert any(line.endswith("[EMAIL].") for line in told)
    for shown in fences(page("tutorial.md"), "text"):
        assert set(shown.lines()) <= set(told)
    assert [line.split()[1] for line in told if ".html near " in line] == ["near"]

    one_dump.main(tmp_path / "lake", [])
    again = capsys.readouterr().out.splitlines()
    assert [line for line in again if "rows" in line]
    assert not [line for line in again if "computed" in line]
