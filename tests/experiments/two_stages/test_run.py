"""The experiment's command line."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from experiments.two_stages.run import main
from pipelines.lake.outputs import OutputError


def test_a_folder_of_something_else_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "report.md").write_text("mine")
    monkeypatch.setattr(sys, "argv", ["run", "--corpus", str(tmp_path), "--out", str(tmp_path)])
    with pytest.raises(OutputError, match="is not empty"):
        main()
    assert [p.name for p in tmp_path.iterdir()] == ["report.md"]
