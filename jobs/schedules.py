"""Schedules and sensors. What starts new work ships stopped; what finds lost training runs again
ships running.

Belongs here: when something runs. Does not belong here: what runs. Training is never started from
here: a lost run is marked as failed, and Dagster's own retry (`dagster/max_retries` of the job)
goes on with it.
"""

import json
import time

import dagster as dg

from assets.cluster import lost_runs
from jobs.run_watch import end_lost
from jobs.settings import Settings
from pipelines.cards.base import card_names, misnamed_cards
from pipelines.catalogue.stages import awaited_dumps
from pipelines.catalogue.tables import BEFORE_MODELS
from pipelines.lake import Lake

MATERIALIZED = "decisions"
"""The last asset of a dump's life: a dump that has it needs no run."""
SHARDED = "validation_shards"
"""The last table of a release's life."""
BEFORE, WHOLE = "tables", "decisions"
"""What a run of a dump is asked for: its tables before the models, or all that is missing up to its
decisions."""


def next_step(lake: Lake, name: str, awaited: list[str]) -> str:
    """What a dump is to be run for now; empty where it has its decisions, or its tables and the models
    wait for the dumps `awaited`."""
    if lake.exists(lake.pointer(MATERIALIZED, name)):
        return ""
    if not awaited:
        return WHOLE
    return BEFORE if any(not lake.exists(lake.pointer(t, name)) for t in BEFORE_MODELS) else ""


def request(name: str, step: str, run_key: str | None = None) -> dg.RunRequest:
    """A run of the dump job, for a step of `next_step`."""
    tables = [dg.AssetKey.from_user_string(t) for t in BEFORE_MODELS] if step == BEFORE else None
    return dg.RunRequest(run_key=run_key, partition_key=name, asset_selection=tables)


def waiting(names: list[str], awaited: list[str]) -> str:
    """Why no run was asked for."""
    if awaited:
        return f"models are trained on {len(names)} dumps and wait for {', '.join(awaited)}"
    return "every dump card has been run"


def names_of_cards(
    context: dg.SensorEvaluationContext | dg.ScheduleEvaluationContext, lake: Lake, folder: str
) -> list[str]:
    """Names of the cards of a folder; a file that cannot be one is named in the tick's log."""
    for fault in misnamed_cards(lake, folder):
        context.log.warning(fault)
    return card_names(lake, folder)


@dg.sensor(job_name="dump", default_status=dg.DefaultSensorStatus.STOPPED, minimum_interval_seconds=300)
def new_dump_cards(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Register every dump card of the lake as a partition, and run each dump once: at once where the
    models' dumps have their edits, else its tables first, and the rest when they have."""
    lake = Settings().open_lake()
    names = names_of_cards(context, lake, "cards/dumps")
    known = set(context.instance.get_dynamic_partitions("dump"))
    # What was asked for a card or partition that is gone is forgotten: one that comes back is run.
    asked = {n: s for n, s in json.loads(context.cursor or "{}").items() if n in names and n in known}
    training, awaited = awaited_dumps(lake)
    requests = []
    for name in names:
        step = next_step(lake, name, awaited)
        if step and asked.get(name) not in (step, WHOLE):
            requests.append(request(name, step))
            asked[name] = step
    new = [n for n in names if n not in known]
    return dg.SensorResult(
        run_requests=requests,
        skip_reason=None if requests else waiting(training, awaited),
        cursor=json.dumps(asked),
        dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest("dump", new)] if new else [],
    )


@dg.schedule(job_name="dump", cron_schedule="0 1 * * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def daily_dumps(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """Every night, run the dump job for every dump that has a card and no decisions yet; a card is
    registered at its first run. While models wait for dumps, only the tables before them are made.

    Beside the sensor it also takes up dumps whose run failed: until they have their decisions,
    every night asks for them again.
    """
    lake = Settings().open_lake()
    names = names_of_cards(context, lake, "cards/dumps")
    register(context.instance, "dump", names)
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    training, awaited = awaited_dumps(lake)
    steps = {n: next_step(lake, n, awaited) for n in names}
    found = [request(n, step, f"{n} {night}") for n, step in steps.items() if step]
    return found or dg.SkipReason(waiting(training, awaited))


@dg.schedule(job_name="release", cron_schedule="0 3 1 * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def monthly_release(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """On the first of a month, build every release that has a card and no token shards yet, with the
    vocabulary that its card names; a card is registered at its first run."""
    lake = Settings().open_lake()
    names = names_of_cards(context, lake, "cards/releases")
    register(context.instance, "release", names)
    missing = [n for n in names if not lake.exists(lake.pointer(SHARDED, n))]
    month = context.scheduled_execution_time.strftime("%Y-%m")
    requests = [dg.RunRequest(run_key=f"{n} {month}", partition_key=n) for n in missing]
    return requests or dg.SkipReason("every release card has been built")


def register(instance: dg.DagsterInstance, partitions: str, names: list[str]) -> None:
    """Add the names that are no partitions yet."""
    new = [n for n in names if not instance.has_dynamic_partition(partitions, n)]
    if new:
        instance.add_dynamic_partitions(partitions, new)


@dg.sensor(default_status=dg.DefaultSensorStatus.RUNNING, minimum_interval_seconds=30)
def readopt_lost_runs(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    """Mark runs as failed whose process has gone (killed, a dead host, all of Dagster killed), free
    their pools, and let their retry adopt the job.

    Such a run stays STARTED for ever by itself. The job on the cluster is not touched: it goes on,
    and the retry watches it.
    """
    now, known = time.time(), json.loads(context.cursor or "{}")
    seen, lost = {}, []
    for run in context.instance.get_runs(
        dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING])
    ):
        value = run.tags.get(lost_runs.TAG, "")
        if not value.startswith(run.run_id):  # no sign of life yet: the tag is that of the run it retries
            continue
        before, since = known.get(run.run_id, ("", now))
        since = since if before == value else now
        seen[run.run_id] = (value, since)
        if lost_runs.is_lost(value, now - since):
            lost.append(run.run_id)
            end_lost(
                context.instance,
                run,
                "The process of this run has gone."
                " A job that it has on the cluster goes on and is adopted by the retry.",
            )
    context.update_cursor(json.dumps(seen))
    return dg.SkipReason(
        f"lost runs: {', '.join(lost)}" if lost else f"{len(seen)} runs watch a job, none is lost"
    )


SENSORS = [new_dump_cards, readopt_lost_runs]
SCHEDULES = [daily_dumps, monthly_release]
