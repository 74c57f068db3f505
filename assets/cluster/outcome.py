"""What the end of a job means: a result, a failure that a retry can mend, or one that it cannot.

Belongs here: exit status, messages and files of an ended job, judged. Does not belong here: waiting
for the end (waiting.py).

Success is exit status 0, and Pipes closed without an exception, and a materialization reported, and
the checkpoint's manifest verified: DeepSpeed's launcher exits 0 when its child was killed by a
signal, so the status alone proves nothing.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import dagster as dg

from assets.cluster.launchers import Launcher, free_bytes, tail
from assets.cluster.mailbox import Messages
from assets.cluster.progress import Progress

BAD_CONFIGURATION = os.EX_CONFIG
"""Exit status by which a job says that a retry cannot help."""
REFUSALS = frozenset(
    {
        "LakeError",
        "PlanError",
        "ShardError",
        "CheckpointError",
        "ConfigError",
        "StrategyError",
        "MissingDataset",
        "PreflightError",
        "RendezvousError",
        "CardError",
        "ValidationError",
        "DeepSpeedConfigError",
    }
)
"""What the library raises for input that a person has to mend; all ranks would meet it again."""
FULL_BYTES = 1 << 20
"""A disk with less is named as full."""
ERROR_LINE = re.compile(
    r"^(?:\S+: )?(?:\[rank\d+\]:\s*)?(?:[\w.]+\.)?"
    r"([A-Z]\w*(?:Error|Exception|Superseded|Dataset|Interrupt)): (.*)$",
    re.M,
)
"""The last line of a traceback, behind what pdsh and torch put before it: name and message."""


def failure(
    launcher: Launcher,
    what: str,
    folder: Path,
    status: int,
    exception: dict[str, Any],
    disk: Path | None = None,
) -> dg.Failure:
    """The error of the job in `folder` as a sentence: `exception`, which rank 0 reported, or the
    last errors on any rank's stderr; and that `disk` is full, if it is.

    torch says of a full disk only "unexpected pos".
    """
    text = tail(launcher, folder / "stderr", 20_000) or tail(launcher, folder / "stdout")
    errors = ERROR_LINE.findall(text)
    name = exception.get("name") or (errors[-1][0] if errors else "")
    refused = status == BAD_CONFIGURATION or name in REFUSALS or any(n in REFUSALS for n, _ in errors)
    last = "\n".join(f"{n}: {m}" for n, m in dict.fromkeys(errors[-4:]))
    said = str(exception.get("message", "")).strip() or last
    free = free_bytes(launcher, disk) if disk else None
    full = f"\n{disk} has {free} bytes free: make room" if free is not None and free < FULL_BYTES else ""
    return dg.Failure(
        f"{what} ended with status {status} in {folder}:\n{said or text[-2000:]}{full}",
        allow_retries=not refused,
    )


def result(
    session: Any,
    launcher: Launcher,
    reader: Messages,
    progress: Progress,
    run_dir: Path,
    folder: Path,
    stage: str,
) -> dg.MaterializeResult:
    """What a job that ended with status 0 has reported, once everything that a success needs has
    been found true; dg.Failure says what is not."""
    results = session.get_results(implicit_materializations=False)
    reported = [r for r in results if isinstance(r, dg.MaterializeResult)]
    closed, exception = session.message_handler.received_closed_message, reader.closed_with
    if closed and not exception and not reported and progress.stopped_at is not None:
        limit = _exists(launcher, folder / "time-limit")
        why = "its time limit came near" if limit else "it was asked to: materialize it again to go on"
        raise dg.Failure(
            f"{stage} saved and stopped at step {progress.stopped_at}; {why}", allow_retries=limit
        )
    if not closed or exception or not reported:
        if not closed:
            what = "did not close its messages"
        elif exception:
            what = f"closed with an exception: {exception.get('message')}"
        else:
            what = "reported no materialization"
        end = tail(launcher, folder / "stderr")
        raise dg.Failure(
            f"{stage} ended with status 0 but {what}; a rank may have been killed. See {folder}:\n{end}"
        )
    record = _verified(launcher, run_dir, stage)
    version = reported[-1].data_version
    if version is None or record["weights_hash"] != version.value:
        raise dg.Failure(
            f"{stage} reported weights {version and version.value}, its record names {record['weights_hash']}"
        )
    values = {
        **(reported[-1].metadata or {}),
        **progress.metadata(run_dir),
        "cpu_seconds": cpu_seconds(launcher, folder),
    }
    return reported[-1]._replace(
        metadata={**values, "job": dg.MetadataValue.path(str(folder)), "recomputed": True}
    )


def cpu_seconds(launcher: Launcher, folder: Path) -> float:
    """Of an ended job's processes on the host that launched it; 0 where the job left no `times`."""
    script = 'cat "$0" 2>/dev/null || echo 0'
    return round(float(launcher.output(["bash", "-c", script, str(folder / "times")])), 2)


def _exists(launcher: Launcher, path: Path) -> bool:
    return launcher.output(["bash", "-c", '[ -e "$0" ] && echo yes || true', str(path)]) == "yes"


def _verified(launcher: Launcher, run_dir: Path, stage: str) -> dict[str, Any]:
    """The stage's record after its checkpoint's files were compared with their manifest, where the
    files are."""
    verify = [launcher.python(), "-m", "model.checkpoints.verify"]
    try:
        return dict(json.loads(launcher.output([*verify, "--run-dir", str(run_dir), "--stage", stage])))
    except RuntimeError as error:
        raise dg.Failure(f"{stage} reported its end, but what it left does not verify: {error}") from error
