"""A stand-in for the trainer, started by real processes and watched by real Dagster: the client's
tests need no torch.

`MODE` says what it does. It keeps the contract of model.train: arguments, messages, stop file,
stage.json with a verified checkpoint.
"""

import os
import signal
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil

from assets.cluster.client import PipesDeepSpeedClient
from assets.cluster.launchers import Launcher, LocalLauncher

CHILD = """
import argparse, hashlib, json, os, pathlib, sys, time
from model.run.control import STOP, SUPERSEDED, Control
from model.run.messages import reporter
from pipelines.lake import NoSpace
parser = argparse.ArgumentParser()
parser.add_argument("--run-dir", type=pathlib.Path); parser.add_argument("--stage")
parser.add_argument("--epoch", type=int, default=0); parser.add_argument("--mailbox", default="")
a, _ = parser.parse_known_args()
run, mode = a.run_dir, os.environ["MODE"]
(run / "pids").open("a").write(f"{os.getpid()}\\n")
def beat(step, phase="step", limit=600):
    (run / "heartbeats").mkdir(exist_ok=True)
    value = {"rank": 0, "host": "here", "phase": phase, "step": step, "time": time.time()}
    value["limit_seconds"] = limit
    (run / "heartbeats" / "rank-00000.json").write_text(json.dumps(value))
class PlanError(Exception): pass
def finish(report):
    tag = run / "checkpoints" / "step-00000004"
    tag.mkdir(parents=True, exist_ok=True)
    (tag / "state").write_bytes(b"weights")
    files = {"state": {"bytes": 7, "sha256": hashlib.sha256(b"weights").hexdigest()}}
    manifest = {"step": 4, "stage": a.stage, "stage_end": True, "files": files}
    (tag / "checkpoint.json").write_text(json.dumps(manifest))
    if mode == "damage":
        (tag / "state").write_bytes(b"Weights")
    folder = run / "export" / a.stage
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stage.json").write_text(json.dumps({"step": 4, "checkpoint": str(tag), "weights_hash": "w1"}))
    if mode != "silent":
        report.materialized({"loss": 2.0}, "w1")
if mode == "config":
    sys.stderr.write("global batch 7 is not divided"); sys.exit(78)
if mode == "other_rank":
    sys.stderr.write("dsh2: model.training.preflight.PreflightError: preflight refused the run: "
                     "rank 1 on dsh2: torch is 3\\n")
    sys.exit(1)
with reporter(0, interval=0.1) as report:
    control = Control(run, a.epoch, a.mailbox, interval=0.05)
    for step in range(4):
        beat(step)
        report.event("step", step=step, loss=5.0 - step)
        report.event("validation", step=step, domain="web-en", loss=6.0 - step, bits_per_byte=2.0)
        if mode == "die" and step == 2:
            os._exit(9)
        if mode == "once" and not (run / "died").exists() and step == 2:
            (run / "died").touch(); os._exit(9)
    if mode == "upload":
        failed = {"attempt": 1, "again_seconds": 5.0, "to": "s3://b/run", "error": "SlowDown"}
        report.event("upload", step=2, state="retry", **failed)
        report.event("upload", step=2, state="done", seconds=1.0, bytes=7, to="s3://b/run")
        report.event("upload", step=4, state="failed", attempt=6, to="s3://b/run", error="NoSuchBucket")
    deadline = time.time() + 600
    while mode in ("wait", "deaf") and not (run / "go").exists() and time.time() < deadline:
        order = control.read()
        if mode == "wait" and order == STOP:
            (run / "saved").touch(); (run / "stop").unlink(missing_ok=True)
            report.event("stopped", step=4)
            mode = "stopped"
        if order == SUPERSEDED:
            (run / "superseded").touch(); sys.exit(1)
        time.sleep(0.02)
    while mode == "hang":
        time.sleep(0.1)
    if mode == "refuse":
        raise PlanError("global batch 8 is not divided")
    if mode == "full":
        raise NoSpace("no space is left for step-00000006.partial")
    if mode == "raise":
        raise ValueError("loss is NaN")
    if mode != "stopped":
        finish(report)
"""


@dataclass(frozen=True)
class Fake(LocalLauncher):
    """Starts the stand-in instead of DeepSpeed. `hide` says that it exits 0 whatever happens, as
    DeepSpeed may."""

    script: str = ""
    hide: bool = False

    def training_command(self, job: Path, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        command = [self.interpreter, self.script, *arguments]
        return ["bash", "-c", '"$@"; exit 0', "hide", *command] if self.hide else command


def client(tmp_path: Path, mode: str, hide: bool = False, **settings: Any) -> PipesDeepSpeedClient:
    """A client whose jobs run the stand-in in `mode`."""
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    root = str(Path(__file__).resolve().parents[2])
    environment = {"MODE": mode, "PYTHONPATH": root} | settings.pop("environment", {})
    values = {
        "observe_every": 2,
        "poll": 0.05,
        "grace": 1.0,
        "heartbeat_every": 0.1,
        "launching": 1.0,
        "retries": 0,
        "retry_seconds": 0.0,
    } | settings
    return PipesDeepSpeedClient.using(Fake(script=str(script), hide=hide), environment=environment, **values)


def checkpoint_asset(cluster: PipesDeepSpeedClient, run: Path) -> dg.AssetsDefinition:
    """An asset that trains stage1 into `run`."""

    @dg.asset
    def checkpoint(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return cluster.run(context, run_dir=run, stage="stage1", ranks=2)

    return checkpoint


def materialize(
    cluster: PipesDeepSpeedClient, tmp_path: Path, instance: dg.DagsterInstance | None = None
) -> Any:
    """One Materialize in this process."""
    instance = instance or dg.DagsterInstance.ephemeral()
    return dg.materialize(
        [checkpoint_asset(cluster, tmp_path / "run")], instance=instance, raise_on_error=False
    )


def failure(result: Any) -> str:
    """The error of the one step that failed."""
    [event] = [e for e in result.all_events if e.is_step_failure]
    return str(event.step_failure_data.error)


def eventually(condition: Callable[[], Any], seconds: float = 120.0) -> Any:
    """Wait for a condition; fails the test if it never holds."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain"
        time.sleep(0.02)
    return value


def pids(run: Path) -> list[int]:
    """Every trainer that was ever started on a run."""
    return [int(p) for p in (run / "pids").read_text().split()] if (run / "pids").exists() else []


def running(pid: int) -> bool:
    """Whether a process runs and is no zombie."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def end(pid: int) -> None:
    """Kill a process that this test has started."""
    if running(pid):
        os.kill(pid, signal.SIGKILL)


def executable(path: Path, text: str) -> Path:
    """A program at `path`, for PATH."""
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def ended(launcher: Launcher, job: Path, job_id: str) -> int:
    """The exit status of a job, when it has one."""
    return int(eventually(lambda: (s := launcher.state(job, job_id)).status is not None and [s.status])[0])
