"""Schedules and sensors. What starts new work ships stopped.

Belongs here: when something runs. Does not belong here: what runs. Training is never started from here.
"""

from pathlib import Path

import dagster as dg

from jobs.settings import Settings


@dg.sensor(job_name="dump", default_status=dg.DefaultSensorStatus.STOPPED, minimum_interval_seconds=300)
def new_dump_cards(context: dg.SensorEvaluationContext) -> dg.SensorResult:
    """Register every dump card of the lake as a partition, and run the dump job for the new ones."""
    lake = Settings.from_environment().open_lake()
    names = [Path(p).stem for p in lake.files("cards/dumps")]
    known = set(context.instance.get_dynamic_partitions("dump"))
    new = [n for n in names if n not in known]
    return dg.SensorResult(
        run_requests=[dg.RunRequest(run_key=n, partition_key=n) for n in new],
        dynamic_partitions_requests=[dg.AddDynamicPartitionsRequest("dump", new)] if new else [],
    )


@dg.schedule(job_name="release", cron_schedule="0 3 1 * *", default_status=dg.DefaultScheduleStatus.STOPPED)
def monthly_release(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
    """On the first of a month, build every release that has a card and no skypile_main yet."""
    lake = Settings.from_environment().open_lake()
    names = [Path(p).stem for p in lake.files("cards/releases") if p.endswith(".yaml")]
    missing = [n for n in names if not lake.exists(lake.pointer("skypile_main", n))]
    known = set(context.instance.get_dynamic_partitions("release"))
    ready = [n for n in missing if n in known]
    return [dg.RunRequest(run_key=n, partition_key=n) for n in ready] or dg.SkipReason("every release card has been built")


SENSORS = [new_dump_cards]
SCHEDULES = [monthly_release]
