"""The cluster client against a stand-in for the trainer, started by real processes and watched by real Dagster."""

import json
import os
import signal
import sys
import textwrap
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Timer

import dagster as dg
import pytest

from assets.cluster import lease
from assets.cluster.client import DeepSpeedCluster
from assets.cluster.launchers import LocalLauncher, exit_status, write_script

CHILD = """
import sys, time, os, json, pathlib
from dagster_pipes import open_dagster_pipes, PipesCliArgsParamsLoader
mode = os.environ["MODE"]
if mode == "config":
    sys.stderr.write("global batch 7 is not divided"); sys.exit(78)
with open_dagster_pipes(params_loader=PipesCliArgsParamsLoader()) as pipes:
    run = pathlib.Path(sys.argv[sys.argv.index("--run-dir") + 1])
    (run / "pids").open("a").write(f"{os.getpid()}\\n")
    for step in range(4):
        pipes.report_custom_message({"event": "step", "step": step, "loss": 5.0 - step})
        if mode == "die" and step == 2:
            os._exit(9)
    deadline = time.time() + 20
    while mode == "wait" and not (run / "go").exists() and time.time() < deadline:
        time.sleep(0.02)
    if mode == "refuse":
        class PlanError(Exception): pass
        raise PlanError("global batch 8 is not divided")
    if mode == "raise":
        raise ValueError("loss is NaN")
    if mode != "silent":
        pipes.report_asset_materialization(metadata={"loss": 2.0}, data_version="w1")
"""


@dataclass(frozen=True)
class Fake(LocalLauncher):
    """Starts the stand-in instead of DeepSpeed. `hide` says that it exits 0 whatever happens, as DeepSpeed may."""

    script: str = ""
    hide: bool = False

    def training_command(self, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        command = [self.python, self.script, *arguments]
        return ["bash", "-c", '"$@"; exit 0', "hide", *command] if self.hide else command


def cluster(tmp_path: Path, mode: str, hide: bool = False, grace: float = 1.0) -> DeepSpeedCluster:
    script = tmp_path / "child.py"
    script.write_text(CHILD)
    settings = {"environment": {"MODE": mode}, "observe_every": 2, "poll": 0.05, "grace": grace}
    return DeepSpeedCluster.using(Fake(script=str(script), hide=hide), **settings)


def materialize(client: DeepSpeedCluster, tmp_path: Path, instance: dg.DagsterInstance | None = None) -> dg.ExecuteInProcessResult:
    @dg.asset
    def checkpoint(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return client.run(context, run_dir=tmp_path / "run", stage="stage1", ranks=2)

    instance = instance or dg.DagsterInstance.ephemeral()
    return dg.materialize([checkpoint], instance=instance, raise_on_error=False)


def failure(result: dg.ExecuteInProcessResult) -> str:
    [event] = [e for e in result.all_events if e.is_step_failure]
    return str(event.step_failure_data.error)


def test_success_reports_what_the_job_reported(tmp_path: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = materialize(cluster(tmp_path, "ok"), tmp_path, instance)
    assert result.success, failure(result)
    [event] = result.asset_materializations_for_node("checkpoint")
    assert event.metadata["loss"].value == 2.0 and event.tags["dagster/data_version"] == "w1"
    steps = [
        e.asset_observation_data.asset_observation.metadata["step"].value
        for e in result.all_events
        if e.event_type_value == "ASSET_OBSERVATION"
    ]
    assert steps == [0, 2]
    held = lease.read(tmp_path / "run")
    assert held and held.epoch == 1 and exit_status(Path(held.job)) == 0


@pytest.mark.parametrize(
    ("mode", "hide", "message"),
    [
        ("die", False, "status 9"),
        ("die", True, "did not close its messages"),
        ("raise", True, "loss is NaN"),
        ("silent", False, "reported no materialization"),
        ("config", False, "global batch 7"),
    ],
)
def test_failures_are_failures(tmp_path: Path, mode: str, hide: bool, message: str) -> None:
    result = materialize(cluster(tmp_path, mode, hide), tmp_path)
    assert not result.success and message in failure(result)
    assert not result.asset_materializations_for_node("checkpoint")


@pytest.mark.parametrize(("mode", "attempts"), [("config", 1), ("refuse", 1), ("die", 3)])
def test_only_what_a_retry_can_mend_is_retried(tmp_path: Path, mode: str, attempts: int) -> None:
    client = cluster(tmp_path, mode)

    @dg.asset(retry_policy=dg.RetryPolicy(max_retries=2))
    def checkpoint(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return client.run(context, run_dir=tmp_path / "run", stage="stage1", ranks=2)

    result = dg.materialize([checkpoint], instance=dg.DagsterInstance.ephemeral(), raise_on_error=False)
    assert not result.success and len(list((tmp_path / "run" / "jobs").iterdir())) == attempts


def test_a_fresh_materialize_adopts_the_orphan(tmp_path: Path) -> None:
    """Dagster died, the job goes on: the next Materialize adopts it, replays its messages, and starts no second writer."""
    client, run = cluster(tmp_path, "wait"), tmp_path / "run"
    launcher = client.make_launcher()
    job = run / "jobs" / "orphan"
    job.mkdir(parents=True)
    # What a launch leaves behind: the job's folder with context and messages, and the lease.
    from dagster_pipes import encode_param

    context = {"asset_keys": ["checkpoint"], "code_version_by_asset_key": {}, "provenance_by_asset_key": {}, "partition_key": None}
    context |= {
        "partition_key_range": None,
        "partition_time_window": None,
        "run_id": "r",
        "job_name": None,
        "retry_number": 0,
        "extras": {},
    }
    (job / "context.json").write_text(json.dumps(context))
    bootstrap = ["--dagster-pipes-context", encode_param({"path": str(job / "context.json")})]
    bootstrap += ["--dagster-pipes-messages", encode_param({"path": str(job / "messages.jsonl")})]
    command = launcher.training_command(1, "model.train", ["--run-dir", str(run), "--stage", "stage1", *bootstrap])
    job_id = launcher.start(job, command, client.job_environment())
    lease.write(run, lease.Lease(3, str(job), job_id, "stage1"))
    deadline = time.time() + 10
    while not (run / "pids").exists() and time.time() < deadline:
        time.sleep(0.02)
    Timer(0.6, (run / "go").touch).start()
    result = materialize(client, tmp_path)
    assert result.success, failure(result)
    assert len((run / "pids").read_text().split()) == 1
    held = lease.read(run)
    assert held and held.epoch == 3 and held.job == str(job)


def test_a_dead_holder_is_taken_over_with_a_higher_epoch(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    lease.write(run, lease.Lease(4, str(run / "jobs" / "gone"), "999999", "stage1"))
    assert materialize(cluster(tmp_path, "ok"), tmp_path).success
    held = lease.read(run)
    assert held and held.epoch == 5


def test_a_vanished_job_is_a_failure(tmp_path: Path) -> None:
    """The whole process group is killed: no exit status is ever written."""
    client = cluster(tmp_path, "wait")
    job = tmp_path / "job"
    job.mkdir()
    launcher = client.make_launcher()
    job_id = launcher.start(job, ["sleep", "30"], {})
    assert launcher.alive(job_id)
    os.killpg(int(job_id), signal.SIGKILL)
    deadline = time.time() + 5
    while launcher.alive(job_id) and time.time() < deadline:
        time.sleep(0.02)
    with pytest.raises(dg.Failure, match="vanished"):
        client._wait(None, launcher, tmp_path, job, job_id)


def test_stop_asks_first_and_signals_after_the_grace_period(tmp_path: Path) -> None:
    patient, hasty, job = cluster(tmp_path, "ok", grace=60.0), cluster(tmp_path, "ok", grace=0.2), tmp_path / "job"
    job.mkdir()
    launcher = patient.make_launcher()
    waits = textwrap.dedent(f"""
        import pathlib, time
        while not pathlib.Path({str(tmp_path / "stop")!r}).exists(): time.sleep(0.02)
        """)
    job_id = launcher.start(job, [sys.executable, "-c", waits], {})
    patient._stop(dg.build_asset_context(), launcher, tmp_path, job, job_id)
    assert exit_status(job) == 0
    (tmp_path / "stop").unlink()
    deaf = tmp_path / "deaf"
    deaf.mkdir()
    job_id = launcher.start(deaf, ["bash", "-c", "echo up; exec sleep 300"], {})
    while not (deaf / "stdout").exists() or "up" not in (deaf / "stdout").read_text():
        time.sleep(0.02)  # a signal before the script has set its trap would leave no exit status
    hasty._stop(dg.build_asset_context(), launcher, tmp_path, deaf, job_id)
    assert not launcher.alive(job_id) and exit_status(deaf) != 0


def test_evaluation_returns_the_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "root" / "model"
    (package / "evaluate").mkdir(parents=True)
    (package / "__init__.py").touch()
    body = "import sys, json, pathlib\na = sys.argv\nvalue = {'task': a[a.index('--task') + 1]}\n"
    body += "pathlib.Path(a[a.index('--output') + 1]).write_text(json.dumps(value))\n"
    (package / "evaluate" / "__main__.py").write_text(body)
    client = DeepSpeedCluster.using(LocalLauncher(root=tmp_path / "root"), poll=0.05)
    run, output = tmp_path / "run", tmp_path / "run" / "evaluation" / "validation.json"
    run.mkdir()

    @dg.asset
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        value = client.run_evaluation(context, run_dir=run, task="validation", output=output)
        return dg.MaterializeResult(metadata={"task": value["task"]})

    assert dg.materialize([report], instance=dg.DagsterInstance.ephemeral()).success
    assert json.loads(output.read_text()) == {"task": "validation"}


def test_the_script_keeps_status_and_output(tmp_path: Path) -> None:
    job = tmp_path / "a job"
    job.mkdir()
    launcher = LocalLauncher(root=tmp_path)
    job_id = launcher.start(job, ["bash", "-c", "echo $A; exit 3"], {"A": "x y"})
    deadline = time.time() + 5
    while exit_status(job) is None and time.time() < deadline:
        time.sleep(0.02)
    assert exit_status(job) == 3 and (job / "stdout").read_text() == "x y\n" and int(job_id) > 1
    assert "trap : TERM INT" in write_script(job, ["true"], {}).read_text()
