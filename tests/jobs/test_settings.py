from __future__ import annotations

import logging
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.settings import PREFIX, ROOT, Settings


def test_defaults_need_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for field in Settings.model_fields:
        monkeypatch.delenv(PREFIX + field.upper(), raising=False)
    assert Settings().lake == str(ROOT / "lake") and Settings().benchmarks == ""


def test_variables_replace_defaults_and_empty_ones_do_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SKYPILE_LAKE", str(tmp_path))
    monkeypatch.setenv("SKYPILE_TOKENIZERS", "/peers")
    monkeypatch.setenv("SKYPILE_SPARK_MASTER", "")
    found = Settings()
    assert (found.lake, found.tokenizers, found.spark_master) == (str(tmp_path), "/peers", "local[*]")
    assert found.open_lake().root == str(tmp_path) and found.run_folder("r") == tmp_path / "runs" / "r"


def test_paths_are_absolute_and_addresses_stay(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("SKYPILE_LAKE", "my lake")
    monkeypatch.setenv("SKYPILE_RUNS", "~/runs")
    found = Settings()
    assert found.lake == str(tmp_path / "my lake") and found.runs == str(tmp_path / "home/runs")
    assert found.open_lake().root == found.lake and found.benchmarks == ""
    monkeypatch.setenv("SKYPILE_LAKE", "s3://bucket/lake")
    assert Settings().lake == "s3://bucket/lake"


def test_a_variable_that_is_no_setting_is_named_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SKYPILE_LAEK", "/lake")
    with caplog.at_level(logging.WARNING, logger="skypile"):
        Settings()
        Settings()
    (record,) = caplog.records
    assert "SKYPILE_LAEK is set, but is no setting" in record.getMessage()
    assert "SKYPILE_LAKE," in record.getMessage()


def test_settings_are_frozen_and_every_one_says_what_it_is() -> None:
    with pytest.raises(ValidationError):
        Settings().lake = "elsewhere"  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Settings(peers="/peers")  # type: ignore[call-arg]
    assert all(field.description for field in Settings.model_fields.values())
