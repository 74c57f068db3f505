"""Errors of a job are told as sentences."""

from __future__ import annotations

from pathlib import Path

import pytest
from dagster_shared.error import SerializableErrorInfo

from jobs.runner import open_instance, sentence
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
