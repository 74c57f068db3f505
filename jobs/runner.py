"""Running the jobs in this process: what the demo and the command line share.

Belongs here: the Dagster instance, partitions, the order of jobs for a dump, a release, a run. Does
not belong here: what the assets do.
"""

from __future__ import annotations

import logging
import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path

import dagster as dg
from dagster_shared.error import SerializableErrorInfo

from jobs.failure import JobFailed
from jobs.progress import STAGES, console, moving, spark_work, training_work
from jobs.settings import ROOT, Settings
from pipelines.catalogue.tables import AFTER_MODELS, BEFORE_MODELS


def open_instance() -> dg.DagsterInstance:
    """The instance of DAGSTER_HOME (`.dagster/` of the checkout), with the checkout's
    dagster.yaml."""
    hear_signals()
    home = Path(os.environ.get("DAGSTER_HOME") or ROOT / ".dagster").expanduser().absolute()
    os.environ["DAGSTER_HOME"] = str(home)
    home.mkdir(parents=True, exist_ok=True)
    link = home / "dagster.yaml"
    if link.is_symlink() and not link.exists():  # the checkout was moved
        link.unlink()
    if not link.exists():
        link.symlink_to(ROOT / "dagster.yaml")
    logging.getLogger("dagster").setLevel(logging.WARNING)
    return dg.DagsterInstance.get()


def hear_signals() -> None:
    """Give SIGINT and SIGTERM their defaults where they are ignored, before Dagster or a child
    looks at them.

    A shell starts background commands with SIGINT ignored. Dagster copies its handler to SIGTERM,
    and children inherit what is ignored: nothing would end them but SIGKILL.
    """
    for number, default in ((signal.SIGINT, signal.default_int_handler), (signal.SIGTERM, signal.SIG_DFL)):
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, default)


OWN_ERROR = re.compile(r"^(?:pipelines|model|assets|jobs|reports)\.[\w.]+: ")
"""The class of an error of this project, which Dagster puts in front of a message that is a
sentence already."""


def sentence(error: SerializableErrorInfo | None) -> str:
    """The message of an error's first cause, without the class if it is one of ours."""
    while error and error.cause:
        error = error.cause
    return OWN_ERROR.sub("", error.message.strip()) if error else "no error was recorded"


def spoken(check: dg.AssetCheckEvaluation) -> str:
    """A failed check as a sentence: its name, its cause, its numbers."""
    numbers = ", ".join(f"{name} {value.value}" for name, value in check.metadata.items())
    name = f"{check.check_name} of {check.asset_key.to_user_string()}"
    return f"{name}: {check.description or 'failed'} ({numbers})"


def execute(
    instance: dg.DagsterInstance,
    job: str,
    partition: str | None,
    assets: Sequence[str] | None = None,
    config: dict[str, object] | None = None,
) -> None:
    """Run a job, or some of its assets, in this process. JobFailed carries the cause as a
    sentence."""
    from jobs.definitions import defs

    definition = defs.resolve_job_def(job)
    count = len(assets) if assets else len(set(definition.asset_layer.executable_asset_keys))
    look = training_work(Settings().run_folder(str(partition))) if job == "training_run" else spark_work
    STAGES.start()
    with moving(f"{job} {partition or ''}", count, look):
        result = definition.execute_in_process(
            instance=instance,
            partition_key=partition,
            asset_selection=[dg.AssetKey.from_user_string(a) for a in assets] if assets else None,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}, **(config or {})},
            raise_on_error=False,
        )
    failed = [check for check in result.get_asset_check_evaluations() if not check.passed]
    for check in failed:
        console.print(f"  [yellow]check {spoken(check)}[/yellow]")
    if result.success:
        return
    for event in result.all_events:
        if event.is_step_failure:
            console.print(f"[red]{event.step_key} failed[/red]")
            stops = [check for check in failed if check.blocking]
            cause = spoken(stops[0]) if stops else sentence(event.step_failure_data.error)
            raise JobFailed(f"{event.step_key}: {cause}")
    raise JobFailed(f"{job} failed: see the run in Dagster's web UI")


def run_dumps(instance: dg.DagsterInstance, names: list[str]) -> None:
    """All assets of the dumps: their tables, then the models, then scores and decisions."""
    instance.add_dynamic_partitions("dump", names)
    for name in names:
        execute(instance, "dump", name, BEFORE_MODELS)
    execute(instance, "models", None)
    for name in names:
        execute(instance, "dump", name, AFTER_MODELS)


def run_release(instance: dg.DagsterInstance, name: str) -> None:
    """All assets of a release."""
    instance.add_dynamic_partitions("release", [name])
    execute(instance, "release", name)


def run_training(instance: dg.DagsterInstance, name: str) -> None:
    """All assets of a training run."""
    instance.add_dynamic_partitions("training_run", [name])
    execute(instance, "training_run", name)
