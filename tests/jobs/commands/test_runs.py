from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from jobs.commands.runs import export, rollback
from model.run.heartbeat import Heartbeat
from pipelines.lake.outputs import OutputError
from tests.support.checkpoints import fake_checkpoint
from tests.support.runs import run_file


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run with checkpoints at steps 3 and 6 and an export of the stage that ended at 6."""
    monkeypatch.setenv("SKYPILE_LAKE", str(tmp_path))
    folder = tmp_path / "runs" / "r"
    for step in (3, 6):
        fake_checkpoint(folder / "checkpoints", step, tokens=10 * step)
    (folder / "export" / "stage1").mkdir(parents=True)
    (folder / "export" / "stage1" / "stage.json").write_text(json.dumps({"step": 6}))
    run_file().write(folder)
    return folder


def test_rollback_sets_later_checkpoints_and_exports_aside(run: Path) -> None:
    done = CliRunner().invoke(rollback, ["r", "step-00000003"])
    assert done.exit_code == 0 and "step 3, 30 tokens" in done.output
    assert (run / "checkpoints" / "latest").read_text() == "step-00000003"
    assert (run / "checkpoints" / "step-00000006.abandoned-1").is_dir()
    assert not (run / "export" / "stage1").exists() and (run / "export" / "stage1.abandoned-1").is_dir()


def test_rollback_of_a_run_that_seems_alive_needs_force(run: Path) -> None:
    Heartbeat(run / "heartbeats", 0).beat("step", 6)
    refused = CliRunner().invoke(rollback, ["r", "step-00000003"])
    assert refused.exit_code == 1 and "may be training: rank 0" in refused.output
    assert CliRunner().invoke(rollback, ["r", "step-00000003", "--force"]).exit_code == 0


def test_damaged_and_missing_checkpoints_are_refused_in_a_sentence(run: Path) -> None:
    (run / "checkpoints" / "step-00000003" / "states").write_bytes(b"STATES")
    refused = CliRunner().invoke(rollback, ["r", "step-00000003"])
    assert refused.exit_code == 1 and "is not the file" in refused.output
    assert (run / "checkpoints" / "latest").read_text() == "step-00000006"
    missing = CliRunner().invoke(export, ["r", "--checkpoint", "step-00000009"])
    assert missing.exit_code == 1 and "never finished" in missing.output
    assert "start the run first" in CliRunner().invoke(export, ["other"]).output


def test_export_refuses_a_folder_that_holds_other_files(run: Path, tmp_path: Path) -> None:
    thesis = tmp_path / "thesis"
    thesis.mkdir()
    (thesis / "thesis.tex").write_text("years of work")
    refused = CliRunner().invoke(export, ["r", "--out", str(thesis)])
    assert isinstance(refused.exception, OutputError) and "name a new or empty folder" in str(
        refused.exception
    )
    assert (thesis / "thesis.tex").read_text() == "years of work"
