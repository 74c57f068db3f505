"""Beside every run, in its own process: a sign of life, and what happens while a step waits for a pool.

Belongs here: who holds the pool that a run waits for, freeing it where the holder's process has gone,
and stopping a run that waits. Does not belong here: telling whether a process has gone
(assets/cluster/lost_runs.py), runs that nobody waits for (jobs/schedules.py).

A step holds its pool until it ends or its run is known to have ended. A process that was killed says
neither, and without a daemon nobody looks. While Dagster waits for a pool it also hears no signal: it
keeps SIGINT and SIGTERM (Terminate in the UI) for the step that has not begun.
"""

from __future__ import annotations

import contextlib
import ctypes
import logging
import threading
import time
from collections.abc import Callable, Iterator

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._utils.interrupts import pop_captured_interrupt

from assets.cluster.lost_runs import BEAT_SECONDS, TAG, is_lost, sign_of_life

LOOK_SECONDS = 1.0
log = logging.getLogger("skypile")


def end_lost(instance: dg.DagsterInstance, run: dg.DagsterRun, why: str) -> None:
    """Record that a run whose process has gone has ended, and free what it holds of pools."""
    if run.status == dg.DagsterRunStatus.CANCELING:
        instance.report_run_canceled(run, why)
    elif not run.is_finished:
        instance.report_run_failed(run, why)
    instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def free_lost(instance: dg.DagsterInstance) -> list[str]:
    """End the runs that hold a pool, or a place before it, and whose process on this host has gone;
    returns their ids. A run without a sign of life of its own is left alone."""
    holding = list(instance.event_log_storage.get_concurrency_run_ids())
    ended = []
    for run in instance.get_runs(dg.RunsFilter(run_ids=holding)) if holding else ():
        value = run.tags.get(TAG, "")
        if value.startswith(run.run_id) and is_lost(value, 0.0):
            end_lost(instance, run, "The process of this run has gone; its pools are free again.")
            ended.append(run.run_id)
    return ended


def waits_for(instance: dg.DagsterInstance, run_id: str) -> str:
    """Which pool a run waits for and who holds it, as a sentence; empty where it waits for none."""
    storage = instance.event_log_storage
    for pool in sorted(storage.get_concurrency_keys()):
        info = storage.get_concurrency_info(pool)
        claimed = {(slot.run_id, slot.step_key) for slot in info.claimed_slots}
        pending = {(step.run_id, step.step_key) for step in info.pending_steps} - claimed
        steps = sorted(step for run, step in pending if run == run_id)
        if not steps:
            continue
        holders = [_holder(instance, run, step) for run, step in sorted(claimed)]
        held = f"held by {', '.join(holders)}" if holders else "which is free: its turn comes within seconds"
        return f"{steps[0]} waits for the pool {pool}, {held}"
    return ""


def _holder(instance: dg.DagsterInstance, run_id: str, step: str) -> str:
    run = instance.get_run_by_id(run_id)
    if run is None:
        return f"{step} of run {run_id[:8]}, which is not recorded"
    partition = run.tags.get("dagster/partition", "")
    words = run.tags.get(TAG, "").split()
    where = (
        f"process {words[3]} on {words[1]}" if len(words) > 3 and words[0] == run_id else "process unknown"
    )
    return f"{step} of {run.job_name} {partition} (run {run_id[:8]}, {where})".replace("  ", " ")


class RunWatch:
    """What is looked at for one run; `thread` is the one that executes it."""

    def __init__(
        self, instance: dg.DagsterInstance, run: dg.DagsterRun, say: Callable[[str], None], thread: int
    ) -> None:
        self.instance, self.run, self.say, self.thread = instance, run, say, thread
        self.said, self.beats, self.beat_at = "", 0, 0.0

    def look(self) -> None:
        """One look: give a sign of life where one is due, free lost pools and tell of a wait."""
        if (now := time.monotonic()) >= self.beat_at:
            self.instance.add_run_tags(self.run.run_id, {TAG: sign_of_life(self.run.run_id, self.beats)})
            self.beats, self.beat_at = self.beats + 1, now + BEAT_SECONDS
        wait = waits_for(self.instance, self.run.run_id)
        if wait and free_lost(self.instance):
            wait = waits_for(self.instance, self.run.run_id)
        if wait and wait != self.said:
            self.instance.report_engine_event(wait, self.run)
            self.say(wait)
        self.said = wait
        if wait and pop_captured_interrupt():
            self.stop()

    def stop(self) -> None:
        """Raise Dagster's interrupt in the thread that waits: the run ends, as canceled if somebody has
        terminated it."""
        error = ctypes.py_object(DagsterExecutionInterruptedError)
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.thread), error)


@contextlib.contextmanager
def watching(
    instance: dg.DagsterInstance | None, run: dg.DagsterRun | None, say: Callable[[str], None]
) -> Iterator[None]:
    """Watch the run that this thread executes, while the block lasts. Nothing is watched without an
    instance that others share."""
    if instance is None or run is None or instance.is_ephemeral:
        yield
        return
    watch, ended = RunWatch(instance, run, say, threading.get_ident()), threading.Event()

    def looking() -> None:
        while True:
            try:
                watch.look()
            except Exception as error:  # a busy database must not end the work
                log.debug("the run could not be looked at: %s", error)
            if ended.wait(LOOK_SECONDS):
                return

    thread = threading.Thread(target=looking, daemon=True, name="run-watch")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
