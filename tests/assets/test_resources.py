from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assets.resources import LakeResource
from jobs.settings import Settings
from pipelines.lake import LakeError


def test_a_run_works_in_the_lake_or_where_the_setting_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert LakeResource(root=str(tmp_path)).run_dir("r") == tmp_path / "runs" / "r"
    assert LakeResource(root="s3://bucket/lake", runs="/shared").run_dir("r") == Path("/shared/r")
    with pytest.raises(LakeError, match="set SKYPILE_RUNS"):
        LakeResource(root="s3://bucket/lake").run_dir("r")
    with pytest.raises(LakeError, match="does not stay inside"):
        LakeResource(root=str(tmp_path), runs="/shared").run_dir("../r")
    monkeypatch.setenv("SKYPILE_LAKE", "s3://bucket/lake")
    monkeypatch.setenv("SKYPILE_RUNS", "/shared")
    assert Settings().run_folder("r") == Path("/shared/r")


def test_json_of_a_run_is_in_its_folder_and_in_a_lake_on_s3(s3: Any, tmp_path: Path) -> None:
    lake = LakeResource(root="s3://dump/resources", runs=str(tmp_path / "shared"))
    lake.write_run_json("r", "run.json", {"a": 1})
    assert (
        lake.lake.read_json("runs/r/run.json") == {"a": 1}
        and (tmp_path / "shared" / "r" / "run.json").exists()
    )
