"""Schedules and sensors. What starts new work ships stopped; what finds lost training runs again
ships running.

Belongs here: when something runs. Does not belong here: what runs. Training is never started from
here: a lost run is marked as failed, and Dagster's own retry (`dagster/max_retries` of the job)
goes on with it.
"""

import json
import time
from pathlib import Path

import dagster as dg

from assets.cluster import lost_runs
from jobs.settings import Settings

MATERIALIZED = "decisions"
"""The last asset of a dump's life: a dump that has it needs no run."""


@dg.sensor(job_name="dump", default_status=dg.DefaultSensorStatus.STOPPED, minimum_interval_seconds=300)
def new_dump_cards(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Register every dump card of the lake as a partition, and run the dump job for the new
    ones."""
    lake = Settings().open_lake()
    names = [Path(p).stem for p in lake.files("cards/dumps")]
    known = set(context.instance.get_dynamic_partitions("dump"))
    new = [n for n in names if n not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=n, partition_key=n) for n in new],
        dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest("dump", new)] if new else [],
    )


@dg.schedule(job_name="dump", cron_schedule="0 1 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def daily_dumps(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """Every night, run the dump job for every dump that has a card and no decisions yet; a card is
    registered at its first run.

    Beside the sensor it also takes up dumps whose run failed: until they have their decisions,
    every night asks for them again.
    """
    lake = Settings().open_lake()
    names = [Path(p).stem for p in lake.files("cards/dumps")]
    context.instance.add_dynamic_partitions(
        "dump", [n for n in names if not context.instance.has_dynamic_partition("dump", n)]
    )
    missing = [n for n in names if not lake.exists(lake.pointer(MATERIALIZED, n))]
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return [dg.RunRequest(run_key=f"{n} {night}", partition_key=n) for n in missing] or dg.SkipReason(
        "every dump card has been run"
    )


@dg.schedule(job_name="release", cron_schedule="0 3 1 * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def monthly_release(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """On the first of a month, build every release that has a card and no skypile_main yet."""
    lake = Settings().open_lake()
    names = [Path(p).stem for p in lake.files("cards/releases") if p.endswith(".yaml")]
    missing = [n for n in names if not lake.exists(lake.pointer("skypile_main", n))]
    known = set(context.instance.get_dynamic_partitions("release"))
    ready = [n for n in missing if n in known]
    return [dg.RunRequest(run_key=n, partition_key=n) for n in ready] or dg.SkipReason(
        "every release card has been built"
    )


@dg.sensor(default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=30)
def readopt_lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark runs as failed whose process has gone (a dead host, all of Dagster killed), so that
    their retry adopts the job.

    Such a run stays STARTED for ever by itself. The job on the cluster is not touched: it goes on,
    and the retry watches it.
    """
    now, known = time.time(), json.loads(context.cursor or "{}")
    seen, lost = {}, []
    for run in context.instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        value = run.tags.get(lost_runs.TAG, "")
        if not value.startswith(
            run.run_id
        ):  # it watches no job, or not yet: the tag is that of the run it retries
            continue
        before, since = known.get(run.run_id, ("", now))
        since = since if before == value else now
        seen[run.run_id] = (value, since)
        if lost_runs.is_lost(value, now - since):
            lost.append(run.run_id)
            context.instance.report_run_failed(
                run,
                "The process of this run has gone."
                " Its job on the cluster goes on and is adopted by the retry.",
            )
    context.update_cursor(json.dumps(seen))
    return dg.SkipReason(
        f"lost runs: {', '.join(lost)}" if lost else f"{len(seen)} runs watch a job, none is lost"
    )


SENSORS = [new_dump_cards, readopt_lost_runs]
SCHEDULES = [daily_dumps, monthly_release]
