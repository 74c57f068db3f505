from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.plan.base import PlanError
from model.plan.run_file import RUN_FILE, RunFile
from tests.support.runs import run_file


def test_what_was_written_is_read(tmp_path: Path) -> None:
    run = run_file(
        spikes={"limit": 3}, limit_seconds={"save": 9.0}, model={"num_layers": 2}, fork="elsewhere"
    )
    run.write(tmp_path)
    again = RunFile.load(tmp_path)
    assert again == run and again.plan.hash == run.plan.hash
    assert again.settings.spikes.limit == 3 and again.settings.spikes.window == 128


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 2}, "is of version 2, this code reads 1"),
        ({"release_shards": {}}, "release_shards: unknown key"),
        ({"settings": {"globl": 1}}, "settings.globl: unknown key"),
        ({"settings": {"spikes": {"widht": 1}}}, "settings.spikes.widht: unknown key"),
        ({"shards": {"main": "m", "stem": "s"}}, "shards.validation: Field required"),
    ],
)
def test_what_is_not_of_this_form_is_refused_by_key(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    run_file().write(tmp_path)
    path = tmp_path / RUN_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(PlanError, match=message) as caught:
        RunFile.load(tmp_path)
    assert str(path) in str(caught.value)


def test_a_plan_that_lost_a_key_and_a_file_of_no_version_are_refused(tmp_path: Path) -> None:
    run_file().write(tmp_path)
    path = tmp_path / RUN_FILE
    value = json.loads(path.read_text())
    del value["plan"]["phases"][0]["seed"]
    path.write_text(json.dumps(value))
    with pytest.raises(PlanError, match=r"the plan is damaged .*'seed'.*make it anew"):
        RunFile.load(tmp_path)
    path.write_text(json.dumps({"plan": {}}))
    with pytest.raises(PlanError, match="of version None"):
        RunFile.load(tmp_path)
    path.write_text("{")
    with pytest.raises(PlanError, match="is not JSON"):
        RunFile.load(tmp_path)
    with pytest.raises(PlanError, match="has not been started"):
        RunFile.load(tmp_path / "other")


def test_what_may_not_change_while_a_run_goes_on_is_named() -> None:
    before = run_file()
    assert run_file(keep_last=9, peak_flops=1e12, preflight={"slow_share": 0.5}).changed(before) == []
    moved = run_file(shards={"main": "there"}, tokenizer="t", fork="f", checkpoint_store="s")
    assert moved.changed(before) == []
    changed = run_file(seed=2, deepspeed={"pipeline_stages": 2}, inputs={"main_shards": "h"}, model="tiny")
    assert changed.changed(before) == ["model", "inputs", "seed", "deepspeed"]


def test_shard_sets_of_other_releases_are_named_by_release_and_corpus() -> None:
    sets = run_file(shards={"main": "m", "stem": "s"}).shards
    sets = sets.model_copy(update={"others": {"old": {"main": "o"}}})
    assert sets.by_corpus() == {"main": "m", "stem": "s", "old/main": "o"}
