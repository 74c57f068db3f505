from __future__ import annotations

import subprocess
import sys

from assets.cluster import lost_runs


def test_a_living_process_on_this_host_is_not_lost_however_long_it_is_silent() -> None:
    assert not lost_runs.is_lost(lost_runs.sign_of_life("r", 3), unchanged_seconds=1e9)


def test_a_dead_process_on_this_host_is_lost_at_once() -> None:
    code = "from assets.cluster import lost_runs; print(lost_runs.sign_of_life('r', 0))"
    value = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    assert lost_runs.is_lost(value, unchanged_seconds=0.0)


def test_a_recycled_process_number_is_not_taken_for_the_run() -> None:
    run, host, boot, pid, start, count = lost_runs.sign_of_life("r", 0).split()
    assert lost_runs.is_lost(f"{run} {host} {boot} {pid} {int(start) - 1} {count}", unchanged_seconds=0.0)


def test_a_run_on_another_host_is_lost_by_silence_alone() -> None:
    run, _, boot, pid, start, count = lost_runs.sign_of_life("r", 0).split()
    value = f"{run} elsewhere {boot} {pid} {start} {count}"
    assert not lost_runs.is_lost(value, lost_runs.LOST_SECONDS - 1) and lost_runs.is_lost(
        value, lost_runs.LOST_SECONDS
    )


def test_a_run_on_another_host_is_found_within_two_minutes() -> None:
    from jobs.schedules import readopt_lost_runs

    look = readopt_lost_runs.minimum_interval_seconds or 0
    looks_of_silence = -(-lost_runs.LOST_SECONDS // look)
    # The last beat is seen by the next look at the latest.
    assert look + looks_of_silence * look <= 120
    assert lost_runs.LOST_SECONDS >= 5 * lost_runs.BEAT_SECONDS
