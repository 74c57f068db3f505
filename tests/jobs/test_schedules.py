"""What starts new work ships stopped; new cards are taken up; lost runs are found; backfills over
dumps run."""

from __future__ import annotations

import logging
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import (
    consume_new_runs_for_automatic_reexecution,
)

from assets.cluster import lost_runs
from jobs.definitions import defs
from jobs.schedules import BEFORE, WHOLE, daily_dumps, monthly_release, new_dump_cards, readopt_lost_runs
from pipelines.catalogue.tables import BEFORE_MODELS
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


TABLES = [dg.AssetKey.from_user_string(t) for t in BEFORE_MODELS]


def tick(instance: dg.DagsterInstance, cursor: str | None = None) -> tuple[dict[str, str], str, str | None]:
    """One look of the sensor: (what it asks for by dump, why nothing, the cursor)."""
    result = new_dump_cards(dg.build_sensor_context(instance=instance, cursor=cursor))
    for wanted in result.dynamic_partitions_requests or []:
        instance.add_dynamic_partitions("dump", wanted.partition_keys)
    requests = result.run_requests or []
    assert all(r.asset_selection in (None, TABLES) and r.run_key is None for r in requests)
    steps = {r.partition_key: WHOLE if r.asset_selection is None else BEFORE for r in requests}
    return steps, getattr(result.skip_reason, "skip_message", "") or "", result.cursor


def made(lake: Lake, dump: str, *tables: str) -> None:
    for table in tables:
        lake.write_json(lake.pointer(table, dump), {})


def test_models_wait_for_every_dump_whichever_the_sensor_runs_first(cards: Path) -> None:
    lake, instance = Lake(cards.parents[1]), dg.DagsterInstance.ephemeral()
    steps, _, cursor = tick(instance)
    assert steps == {"a": BEFORE, "b": BEFORE}
    made(lake, "a", *BEFORE_MODELS)
    steps, why, cursor = tick(instance, cursor)
    assert not steps and why == "models are trained on 2 dumps and wait for b"
    made(lake, "b", *BEFORE_MODELS)
    steps, _, cursor = tick(instance, cursor)
    assert steps == {"a": WHOLE, "b": WHOLE}
    assert not tick(instance, cursor)[0], "each is asked for once"
    lake.write_json("cards/models.json", {"dumps": ["a", "b"]})
    (cards / "c.yaml").write_text("name: c\n")
    assert tick(instance, cursor)[0] == {"c": WHOLE}, "the models are there"


def test_a_partition_or_a_card_that_comes_back_is_run_again(cards: Path) -> None:
    lake, instance = Lake(cards.parents[1]), dg.DagsterInstance.ephemeral()
    lake.write_json("cards/models.json", {"dumps": []})
    steps, _, cursor = tick(instance)
    assert steps == {"a": WHOLE, "b": WHOLE}
    instance.delete_dynamic_partition("dump", "a")
    steps, _, cursor = tick(instance, cursor)
    assert steps == {"a": WHOLE}
    card = (cards / "b.yaml").read_text()
    (cards / "b.yaml").unlink()
    _, _, cursor = tick(instance, cursor)
    (cards / "b.yaml").write_text(card)
    assert tick(instance, cursor)[0] == {"b": WHOLE}


@pytest.mark.parametrize(
    "left", ["a.yaml~", ".a.yaml.swp", "#a.yaml#", ".#b.yaml", "a.yaml.bak", "notes.txt", "b~.yaml"]
)
def test_what_an_editor_leaves_beside_a_card_is_no_dump(cards: Path, left: str) -> None:
    (cards / left).write_text("?")
    at = datetime(2026, 11, 24, 1)
    with dg.instance_for_test() as instance:
        assert set(tick(instance)[0]) == {"a", "b"}
        night = dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
        assert [r.partition_key for r in daily_dumps(night)] == ["a", "b"]
        assert set(instance.get_dynamic_partitions("dump")) == {"a", "b"}


def test_every_night_asks_again_for_dumps_without_decisions(cards: Path) -> None:
    lake = Lake(cards.parents[1])
    made(lake, "a", *BEFORE_MODELS)
    with dg.instance_for_test() as instance:
        nights = [datetime(2026, 11, day, 1) for day in (24, 25)]
        contexts = [
            dg.build_schedule_context(instance=instance, scheduled_execution_time=night) for night in nights
        ]
        keys = [[(r.run_key, r.asset_selection) for r in daily_dumps(c)] for c in contexts]
        assert keys == [[("b 2026-11-24", TABLES)], [("b 2026-11-25", TABLES)]]
        assert set(instance.get_dynamic_partitions("dump")) == {"a", "b"}
        made(lake, "b", *BEFORE_MODELS)
        assert [(r.partition_key, r.asset_selection) for r in daily_dumps(contexts[1])] == [
            ("a", None),
            ("b", None),
        ]
        made(lake, "a", "decisions")
        made(lake, "b", "decisions")
        assert isinstance(daily_dumps(contexts[0]), dg.SkipReason)


def test_a_release_card_is_registered_and_run_until_its_shards_are_there(cards: Path) -> None:
    lake = Lake(cards.parents[1])
    lake.write_bytes("cards/releases/r.yaml", b"name: r")
    at = datetime(2026, 12, 1, 3)
    with dg.instance_for_test() as instance:
        month = dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
        made(lake, "r", "skypile_main")
        assert [(r.run_key, r.partition_key) for r in monthly_release(month)] == [("r 2026-12", "r")]
        assert instance.get_dynamic_partitions("release") == ["r"]
        made(lake, "r", "validation_shards")
        assert isinstance(monthly_release(month), dg.SkipReason)


def dead(run_id: str) -> str:
    """The sign of life of a process that has ended."""
    code = f"from assets.cluster import lost_runs; print(lost_runs.sign_of_life({run_id!r}, 0))"
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def test_a_run_whose_process_has_gone_is_failed_and_a_living_one_is_not() -> None:
    instance = dg.DagsterInstance.ephemeral()
    names = ("lost", "living", "elsewhere", "other", "retry")
    runs = {n: create_run_for_test(instance, n, status=dg.DagsterRunStatus.STARTED) for n in names}
    ids = {n: r.run_id for n, r in runs.items()}
    values = {
        "lost": dead(ids["lost"]),
        "living": lost_runs.sign_of_life(ids["living"], 0),
        "elsewhere": f"{ids['elsewhere']} node9 00000000 1 1 0",
        "retry": dead(ids["lost"]),  # inherited from the run that it retries
    }
    for name, value in values.items():
        instance.add_run_tags(ids[name], {lost_runs.TAG: value})
    context = dg.build_sensor_context(instance=instance)
    assert ids["lost"] in str(readopt_lost_runs(context).skip_message)
    status = {n: instance.get_run_by_id(i).status for n, i in ids.items()}  # type: ignore[union-attr]
    assert status.pop("lost") == dg.DagsterRunStatus.FAILURE and set(status.values()) == {
        dg.DagsterRunStatus.STARTED
    }
    again = dg.build_sensor_context(instance=instance, cursor=context.cursor)
    assert "2 runs watch a job, none is lost" in str(readopt_lost_runs(again).skip_message)


def test_a_run_on_another_host_is_lost_after_a_long_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    instance, clock = dg.DagsterInstance.ephemeral(), [1000.0]
    monkeypatch.setattr("jobs.schedules.time.time", lambda: clock[0])
    run = create_run_for_test(instance, "far", status=dg.DagsterRunStatus.STARTED)
    cursor = None
    looks = ((200, "0", False), (30, "1", False), (30, "1", False), (30, "1", False), (30, "1", True))
    for seconds, count, lost in looks:
        instance.add_run_tags(run.run_id, {lost_runs.TAG: f"{run.run_id} node9 00000000 1 1 {count}"})
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

    settings = yaml.safe_load((Path(__file__).resolve().parents[2] / "dagster.yaml").read_text())[
        "run_retries"
    ]
    tags = defs.resolve_job_def("training_run").tags
    with dg.instance_for_test(overrides={"run_retries": settings}) as instance:
        run = create_run_for_test(
            instance, "training_run", status=dg.DagsterRunStatus.FAILURE, tags=dict(tags)
        )
        assert auto_reexecution_should_retry_run(instance, run, RunFailureReason.RUN_EXCEPTION)
        assert not auto_reexecution_should_retry_run(instance, run, RunFailureReason.STEP_FAILURE)


def test_the_daemon_retries_a_lost_run_from_its_failure(
    workspace: WorkspaceProcessContext, instance: dg.DagsterInstance
) -> None:
    """All the way: the sensor marks the run, Dagster's daemon makes the retry, which may look up
    the lost run's launch."""
    request = workspace.create_request_context()
    job = request.get_code_location("skypile").get_repository("__repository__").get_full_job("training_run")
    plan = request.get_execution_plan(job, run_config={}, step_keys_to_execute=None, known_state=None)
    run = create_run_for_test(
        instance,
        "training_run",
        status=dg.DagsterRunStatus.STARTED,
        tags=dict(job.tags),
        remote_job_origin=job.get_remote_origin(),
        job_snapshot=job.job_snapshot,
        execution_plan_snapshot=plan.execution_plan_snapshot,
    )
    instance.add_run_tags(run.run_id, {lost_runs.TAG: dead(run.run_id)})
    readopt_lost_runs(dg.build_sensor_context(instance=instance))
    records = instance.get_run_records(dg.RunsFilter(run_ids=[run.run_id]))
    list(consume_new_runs_for_automatic_reexecution(workspace, records, logging.getLogger("test")))
    [retry] = [r for r in instance.get_runs() if r.parent_run_id == run.run_id]
    assert retry.tags["dagster/is_resume_retry"] == "true" and retry.tags[lost_runs.TAG].startswith(
        run.run_id
    )
