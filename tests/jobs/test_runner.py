"""Errors of a job are told as sentences."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from dagster_shared.error import SerializableErrorInfo

from jobs.failure import JobFailed
from jobs.progress import report_stage
from jobs.runner import execute, open_instance, sentence
from jobs.settings import ROOT


def test_an_error_is_told_as_the_sentence_of_its_first_cause() -> None:
    def error(message: str, cause: SerializableErrorInfo | None = None) -> SerializableErrorInfo:
        return SerializableErrorInfo(f"{message}\n", [], None, cause)

    ours = error("pipelines.dumps.fetch.FetchError: dump d: a.py: x names no file; mend `uris`")
    assert (
        sentence(error("dagster.StepError: step failed", ours))
        == "dump d: a.py: x names no file; mend `uris`"
    )
    assert sentence(error("KeyError: 'x'")) == "KeyError: 'x'"
    assert sentence(None) == "no error was recorded"


def test_a_checkout_that_was_moved_finds_its_settings_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").symlink_to(tmp_path / "old place" / "dagster.yaml")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", "home")
    with open_instance() as instance:
        assert instance.root_directory == str(home)
        assert (home / "dagster.yaml").resolve() == ROOT / "dagster.yaml"
        queue = instance.get_concurrency_config().run_queue_config
        assert queue and queue.max_user_code_failure_retries == 20 and queue.max_concurrent_runs == 4


def test_an_own_instance_file_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with open_instance():
        assert not (tmp_path / "dagster.yaml").is_symlink()


def test_failed_checks_are_told_with_cause_and_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def job(blocking: bool) -> dg.Definitions:
        @dg.asset(check_specs=[dg.AssetCheckSpec("has_rows", asset="table", blocking=blocking)])
        def table() -> dg.MaterializeResult:
            failed = dg.AssetCheckResult(
                check_name="has_rows",
                passed=False,
                metadata={"rows": 0},
                description="table has no row. Why so.",
            )
            return dg.MaterializeResult(check_results=[failed], metadata={"read": "9 pages read"})

        job = dg.define_asset_job("dump", hooks={report_stage})
        return dg.Definitions(assets=[table], jobs=[job])

    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    sentence = "has_rows of table: table has no row. Why so. (rows 0)"
    with dg.DagsterInstance.ephemeral() as instance:
        monkeypatch.setattr("jobs.definitions.defs", job(blocking=False))
        execute(instance, "dump", None)
        told = capsys.readouterr().out.replace("\n", " ")
        assert "9 pages read" in told and sentence.split(" (")[0] in told
        monkeypatch.setattr("jobs.definitions.defs", job(blocking=True))
        with pytest.raises(JobFailed) as failed:
            execute(instance, "dump", None)
        assert str(failed.value) == f"table: {sentence}"
