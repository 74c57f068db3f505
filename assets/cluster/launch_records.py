"""Launch records: which job a step has started, kept in Dagster's event log.

Belongs here: recording a launch and finding it after a crash; the one place that uses
`dagster._core.pipes.reattach`. That module is not public, so Dagster is pinned to 1.13 and a test
covers this one. Does not belong here: who may write to a run's folder (lease.py).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

CLIENT = "skypile-deepspeed"
"""The name under which launches are recorded."""


def find_launch(context: Any) -> tuple[Path, str] | None:
    """Job folder and id of the latest launch of this step, by this run or by a run that it
    retries; None before the first."""
    from dagster._core.pipes.reattach import find_latest_launch_handle

    handle = find_latest_launch_handle(context, client_name=CLIENT)
    return (Path(str(handle.extras["job"])), handle.external_run_id) if handle else None


def record_launch(context: Any, job: Path, job_id: str) -> None:
    """Write a launch, or the adoption of one, to the run's event log."""
    from dagster._core.pipes.reattach import record_external_launch

    record_external_launch(context, client_name=CLIENT, external_run_id=job_id, extras={"job": str(job)})
