"""What starts new work ships stopped; new cards are taken up; lost runs are found; backfills over dumps run."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from assets.cluster import orphans
from jobs.definitions import defs
from jobs.schedules import daily_dumps, new_dump_cards, readopt_lost_runs
from pipelines.lake import Lake


@pytest.fixture
def cards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A lake with two dump cards, of which one has its decisions."""
    monkeypatch.setenv("SKYPILE_LAKE", str(tmp_path / "lake"))
    folder = tmp_path / "lake" / "cards" / "dumps"
    folder.mkdir(parents=True)
    for name in ("a", "b"):
        (folder / f"{name}.yaml").write_text(f"name: {name}\n")
    return folder


def test_only_the_sensor_that_finds_lost_runs_ships_running() -> None:
    running = [s.name for s in defs.sensors or [] if s.default_status == dg.DefaultSensorStatus.RUNNING]  # type: ignore[union-attr]
    assert running == ["readopt_lost_runs"]
    assert all(s.default_status == dg.DefaultScheduleStatus.STOPPED for s in defs.schedules or [])  # type: ignore[union-attr]
    assert not {s.job_name for s in defs.schedules or []} & {"training_run"}  # type: ignore[union-attr]


def test_the_sensor_takes_up_each_new_card_once(cards: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = new_dump_cards(dg.build_sensor_context(instance=instance))
    assert [r.partition_key for r in result.run_requests] == ["a", "b"]
    instance.add_dynamic_partitions("dump", result.dynamic_partitions_requests[0].partition_keys)
    (cards / "c.yaml").write_text("name: c\n")
    result = new_dump_cards(dg.build_sensor_context(instance=instance))
    assert [(r.run_key, r.partition_key) for r in result.run_requests] == [("c", "c")]


def test_every_night_asks_again_for_dumps_without_decisions(cards: Path) -> None:
    lake = Lake(cards.parents[1])
    lake.write_json(lake.pointer("decisions", "a"), {})
    with dg.instance_for_test() as instance:
        nights = [datetime(2026, 11, day, 1) for day in (24, 25)]
        contexts = [dg.build_schedule_context(instance=instance, scheduled_execution_time=night) for night in nights]
        keys = [[(r.run_key, r.partition_key) for r in daily_dumps(c)] for c in contexts]
        assert keys == [[("b 2026-11-24", "b")], [("b 2026-11-25", "b")]]
        assert set(instance.get_dynamic_partitions("dump")) == {"a", "b"}
        lake.write_json(lake.pointer("decisions", "b"), {})
        assert isinstance(daily_dumps(contexts[0]), dg.SkipReason)


def test_a_run_whose_process_has_gone_is_failed_and_a_living_one_is_not() -> None:
    instance = dg.DagsterInstance.ephemeral()
    code = "from assets.cluster import orphans; print(orphans.sign_of_life(0))"
    dead = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    values = {"lost": dead, "living": orphans.sign_of_life(0), "elsewhere": "node9 00000000 1 1 0", "other": None}
    runs = {
        name: create_run_for_test(instance, name, status=dg.DagsterRunStatus.STARTED, tags={orphans.TAG: value} if value else {})
        for name, value in values.items()
    }
    context = dg.build_sensor_context(instance=instance)
    assert runs["lost"].run_id in str(readopt_lost_runs(context).skip_message)
    status = {n: instance.get_run_by_id(r.run_id).status for n, r in runs.items()}  # type: ignore[union-attr]
    assert status.pop("lost") == dg.DagsterRunStatus.FAILURE and set(status.values()) == {dg.DagsterRunStatus.STARTED}
    again = dg.build_sensor_context(instance=instance, cursor=context.cursor)
    assert "2 runs watch a job, none is lost" in str(readopt_lost_runs(again).skip_message)


def test_a_run_on_another_host_is_lost_after_a_long_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, clock = dg.DagsterInstance.ephemeral(), [1000.0]
    monkeypatch.setattr("jobs.schedules.time.time", lambda: clock[0])
    run = create_run_for_test(instance, "far", status=dg.DagsterRunStatus.STARTED, tags={orphans.TAG: "node9 00000000 1 1 0"})
    cursor = None
    for seconds, tag, lost in ((200, "0", False), (100, "1", False), (200, "1", False), (100, "1", True)):
        instance.add_run_tags(run.run_id, {orphans.TAG: f"node9 00000000 1 1 {tag}"})
        clock[0] += seconds
        context = dg.build_sensor_context(instance=instance, cursor=cursor)
        readopt_lost_runs(context)
        cursor = context.cursor
        found = instance.get_run_by_id(run.run_id)
        assert found and (found.status == dg.DagsterRunStatus.FAILURE) == lost


def test_a_lost_run_is_retried_by_dagster_and_a_bad_configuration_is_not() -> None:
    """The tags and the instance's settings as shipped, asked of Dagster's own rule."""
    import yaml
    from dagster._core.events import RunFailureReason
    from dagster._core.execution.retries import auto_reexecution_should_retry_run

    settings = yaml.safe_load((Path(__file__).resolve().parents[2] / "dagster.yaml").read_text())["run_retries"]
    tags = defs.resolve_job_def("training_run").tags
    with dg.instance_for_test(overrides={"run_retries": settings}) as instance:
        run = create_run_for_test(instance, "training_run", status=dg.DagsterRunStatus.FAILURE, tags=dict(tags))
        assert auto_reexecution_should_retry_run(instance, run, RunFailureReason.RUN_EXCEPTION)
        assert not auto_reexecution_should_retry_run(instance, run, RunFailureReason.STEP_FAILURE)
