"""A killed step's pool is found and freed; a run that waits says for whom, and stops at a signal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import dagster as dg
import pytest
from dagster._core.test_utils import create_run_for_test

from assets.cluster import lost_runs
from jobs.run_watch import RunWatch, watching

HELD = "documents"


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance whose pools have one slot each."""
    with dg.instance_for_test(overrides={"concurrency": {"pools": {"default_limit": 1}}}) as made:
        yield made


def holder(instance: dg.DagsterInstance, alive: bool) -> str:
    """A run that holds the pool `spark`, of this process or of one that has ended."""
    run = create_run_for_test(
        instance, "dump", status=dg.DagsterRunStatus.STARTED, tags={"dagster/partition": "a"}
    )
    code = f"from assets.cluster import lost_runs; print(lost_runs.sign_of_life({run.run_id!r}, 0))"
    command = [sys.executable, "-c", code]
    value = lost_runs.sign_of_life(run.run_id, 0)
    if not alive:
        value = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    instance.add_run_tags(run.run_id, {lost_runs.TAG: value})
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("spark")
    assert storage.claim_concurrency_slot("spark", run.run_id, HELD).is_claimed
    return run.run_id


@pytest.mark.parametrize("alive", [True, False])
def test_the_pool_of_a_process_that_has_gone_is_freed_by_the_run_that_waits(
    instance: dg.DagsterInstance, alive: bool
) -> None:
    held, said = holder(instance, alive), list[str]()
    run = create_run_for_test(instance, "dump", status=dg.DagsterRunStatus.STARTED)
    storage = instance.event_log_storage
    assert not storage.claim_concurrency_slot("spark", run.run_id, "edits").is_claimed
    watch = RunWatch(instance, run, said.append, threading.get_ident())
    watch.look()
    watch.look()
    status = instance.get_run_by_id(held).status  # type: ignore[union-attr]
    assert storage.claim_concurrency_slot("spark", run.run_id, "edits").is_claimed is not alive
    if alive:
        assert status == dg.DagsterRunStatus.STARTED
        assert said == [
            f"edits waits for the pool spark, held by documents of dump a (run {held[:8]},"
            f" process {os.getpid()} on {os.uname().nodename})"
        ]
    else:
        assert status == dg.DagsterRunStatus.FAILURE
        tag = instance.get_run_by_id(run.run_id).tags[lost_runs.TAG]  # type: ignore[union-attr]
        assert tag.split()[3] == str(os.getpid())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("terminated", [True, False])
def test_a_run_that_waits_for_a_pool_stops_at_a_signal(
    instance: dg.DagsterInstance, number: int, terminated: bool
) -> None:
    """Dagster calls a run canceled that somebody has terminated, else failed."""
    held, before = holder(instance, alive=True), signal.getsignal(signal.SIGTERM)

    def lake(context: dg.InitResourceContext) -> Iterator[int]:
        def say(_: str) -> None:
            if terminated and context.run:
                instance.report_run_canceling(context.run)
            os.kill(os.getpid(), number)

        with watching(context.instance, context.run, say):
            yield 1

    @dg.op(pool="spark", required_resource_keys={"lake"})
    def never() -> None:
        raise AssertionError("the pool is held")

    @dg.job(executor_def=dg.in_process_executor, resource_defs={"lake": dg.ResourceDefinition(lake)})
    def waits() -> None:
        never()

    try:
        run_id = waits.execute_in_process(instance=instance, raise_on_error=False).run_id
    finally:
        signal.signal(signal.SIGTERM, before)
    run = instance.get_run_by_id(run_id)
    ended = dg.DagsterRunStatus.CANCELED if terminated else dg.DagsterRunStatus.FAILURE
    assert run and run.status == ended
    assert instance.event_log_storage.get_concurrency_run_ids() == {held}
