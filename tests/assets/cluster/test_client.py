"""The cluster client against a stand-in for the trainer, started by real processes and watched by
real Dagster."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.cluster import client as client_module
from assets.cluster import lease
from assets.cluster.client import PipesDeepSpeedClient
from assets.cluster.launchers import LocalLauncher
from assets.cluster.mailbox import Mailbox
from pipelines.lake import Lake
from tests.support.fake_cluster import client, end, eventually, failure, materialize, pids, running
from tests.support.runs import run_file


def observations(instance: dg.DagsterInstance) -> list[tuple[str, int]]:
    """Kind and step of every observation of the asset, oldest first."""
    records = instance.fetch_observations(dg.AssetKey("checkpoint"), limit=1000).records
    found = [
        {k: v.value for k, v in r.asset_observation.metadata.items()} for r in records if r.asset_observation
    ]
    return [(str(f["event"]), int(f["step"])) for f in reversed(found)]  # type: ignore[arg-type]


def test_success_reports_what_the_job_reported(tmp_path: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = materialize(client(tmp_path, "ok"), tmp_path, instance)
    assert result.success, failure(result)
    [event] = result.asset_materializations_for_node("checkpoint")
    assert event.metadata["loss"].value == 2.0 and event.tags["dagster/data_version"] == "w1"
    assert [s for kind, s in observations(instance) if kind == "step"] == [0, 2]
    held = lease.current(Lake(tmp_path / "run"))
    assert held and held.epoch == 1 and (Path(held.job) / "rc").read_text() == "0\n"


def test_the_materialization_shows_losses_by_domain(tmp_path: Path) -> None:
    result = materialize(client(tmp_path, "ok"), tmp_path)
    [event] = result.asset_materializations_for_node("checkpoint")
    assert "| web-en | 6.0000 | 3.0000 | 3.0000 | 2.0000 | 3 |" in event.metadata["loss_by_domain"].value
    picture = event.metadata["loss_plot"].value
    data = base64.b64decode(picture.partition("base64,")[2].rstrip(")"))
    assert data.startswith(b"<svg") and b"web-en" in data
    assert Path(str(event.metadata["loss_plot_file"].value)).read_bytes() == data


def test_an_upload_that_fails_is_seen_and_fails_no_training(tmp_path: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = materialize(client(tmp_path, "upload"), tmp_path, instance)
    [event] = result.asset_materializations_for_node("checkpoint")
    assert event.metadata["checkpoint_uploads"].value == {"2": "done", "4": "failed"}
    assert [o for o in observations(instance) if o[0].startswith("upload")] == [
        ("upload retry", 2),
        ("upload done", 2),
        ("upload failed", 4),
    ]
    [failed] = [
        r.asset_observation.metadata
        for r in instance.fetch_observations(dg.AssetKey("checkpoint"), limit=100).records
        if r.asset_observation and r.asset_observation.metadata["event"].value == "upload failed"
    ]
    assert failed["error"].value == "NoSuchBucket" and failed["to"].value == "s3://b/run"


def test_a_retry_under_the_next_epoch_observes_each_step_once(tmp_path: Path) -> None:
    instance = dg.DagsterInstance.ephemeral()
    result = materialize(client(tmp_path, "once", observe_every=1, retries=2), tmp_path, instance)
    assert result.success and len(pids(tmp_path / "run")) == 2
    held = lease.current(Lake(tmp_path / "run"))
    assert held and held.epoch == 2
    assert sorted(observations(instance)) == sorted(
        [("step", s) for s in range(4)] + [("validation web-en", s) for s in range(4)]
    )


# Dagster in a process of its own, so that it can be signalled and killed.
WORKER = """
import sys, pathlib
import dagster as dg
from tests.support.fake_cluster import client, checkpoint_asset
from tests.support.runs import run_file
tmp, mode, settings = pathlib.Path(sys.argv[1]), sys.argv[2], eval(sys.argv[3])
instance = dg.DagsterInstance.from_ref(dg._core.instance.InstanceRef.from_dir(str(tmp / "home")))
asset = checkpoint_asset(client(tmp, mode, **settings), tmp / "run")
definitions = dg.Definitions(assets=[asset], jobs=[dg.define_asset_job("j", "*")])
job = definitions.resolve_job_def("j")
result = job.execute_in_process(instance=instance, raise_on_error=False)
print("SUCCESS" if result.success else "FAILURE", flush=True)
"""


def worker(tmp_path: Path, mode: str, **settings: Any) -> subprocess.Popen[str]:
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (tmp_path / "worker.py").write_text(WORKER)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).resolve().parents[3])}
    command = [sys.executable, str(tmp_path / "worker.py"), str(tmp_path), mode, repr(settings)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment
    )


@pytest.mark.parametrize("name", ["KILL", "TERM"])
def test_training_outlives_its_dagster_and_the_next_run_adopts_it(tmp_path: Path, name: str) -> None:
    """All of Dagster is killed, or told to end by a bare SIGTERM: the job goes on; a fresh
    Materialize starts no second writer."""
    run = tmp_path / "run"
    first = worker(tmp_path, "wait", observe_every=1, retries=3)
    try:
        [trainer] = eventually(lambda: pids(run))
        eventually(
            lambda: (
                list(run.glob("jobs/*/messages.jsonl"))
                and '"step": 3' in next(run.glob("jobs/*/messages.jsonl")).read_text()
            )
        )
        first.send_signal(getattr(signal, f"SIG{name}"))
        first.wait(120)
        assert running(trainer) and not (run / "saved").exists()
        second = worker(tmp_path, "wait", observe_every=1, retries=3)
        instance = dg.DagsterInstance.from_config(str(tmp_path / "home"))
        eventually(
            lambda: any(
                "adopted the job" in str(e.user_message)
                for r in instance.get_runs()
                for e in instance.all_logs(r.run_id)
            )
        )
        (run / "go").touch()
        out, _ = second.communicate(timeout=200)
        assert out.strip().endswith("SUCCESS")
    finally:
        for pid in [first.pid, *pids(run)]:
            end(pid)
    assert pids(run) == [trainer]
    held = lease.current(Lake(run))
    assert held and held.epoch == 1
    assert [s for kind, s in observations(instance) if kind == "step"] == [0, 1, 2, 3]


def test_materializing_at_the_same_time_starts_one_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Three at once on a new run, and three more beside the job that runs: one launches, all others
    adopt."""
    run, cluster, record = (
        tmp_path / "run",
        client(tmp_path, "wait", launching=60.0),
        client_module.record_launch,
    )
    watching: list[Path] = []
    results: list[Any] = []
    monkeypatch.setattr(
        client_module,
        "record_launch",
        lambda context, job, job_id: (record(context, job, job_id), watching.append(job)),
    )
    threads = [
        threading.Thread(target=lambda: results.append(materialize(cluster, tmp_path))) for _ in range(6)
    ]
    try:
        for thread in threads[:3]:
            thread.start()
        eventually(lambda: pids(run))
        for thread in threads[3:]:
            thread.start()
        eventually(lambda: len(watching) == 6)
        (run / "go").touch()
        for thread in threads:
            thread.join(120)
    finally:
        for pid in pids(run):
            end(pid)
    assert [r.success for r in results] == [True] * 6 and set(watching) == {run / "jobs" / "stage1-0001"}
    held = lease.current(Lake(run))
    assert len(pids(run)) == 1 and held and held.epoch == 1


def test_ctrl_c_stops_the_training(tmp_path: Path) -> None:
    run = tmp_path / "run"
    process = worker(tmp_path, "wait", grace=120.0, retries=3)
    try:
        [trainer] = eventually(lambda: pids(run))
        process.send_signal(signal.SIGINT)
        process.wait(200)
        assert (run / "saved").exists() and pids(run) == [trainer] and not running(trainer)  # no retry
    finally:
        for pid in [process.pid, *pids(run)]:
            end(pid)


def test_terminate_stops_the_training_on_a_bare_sigterm(tmp_path: Path) -> None:
    """The run's status says CANCELING, so the same SIGTERM that would detach is a stop."""
    run = tmp_path / "run"
    process = worker(tmp_path, "wait", grace=120.0, retries=3)
    try:
        [trainer] = eventually(lambda: pids(run))
        instance = dg.DagsterInstance.from_config(str(tmp_path / "home"))
        eventually(lambda: next(run.glob("jobs/*/id"), None))
        [dagster_run] = instance.get_runs()
        instance.report_run_canceling(dagster_run)
        process.send_signal(signal.SIGTERM)
        process.wait(200)
        assert (run / "saved").exists() and pids(run) == [trainer] and not running(trainer)
        assert instance.get_run_by_id(dagster_run.run_id).status == dg.DagsterRunStatus.CANCELED  # type: ignore[union-attr]
    finally:
        for pid in [process.pid, *pids(run)]:
            end(pid)


def test_a_dead_holder_is_taken_over_and_what_is_left_of_it_is_killed(tmp_path: Path) -> None:
    """The launcher of epoch 4 is gone, one of its ranks is not: it is found by its command line."""
    run = tmp_path / "run"
    lease.claim(Lake(run), lease.Lease(4, str(run / "jobs" / "stage1-0004"), "stage1", "r"))
    marker = ["--run-dir", str(run), "--stage", "stage1", "--epoch", "4"]
    rank = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *marker])
    other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", *marker[:-1], "44"])
    try:
        assert materialize(client(tmp_path, "ok"), tmp_path).success
        assert rank.wait(5) == -signal.SIGKILL and other.poll() is None
    finally:
        rank.kill()
        other.kill()
    held = lease.current(Lake(run))
    assert held and held.epoch == 5


def test_a_superseded_job_leaves_without_saving(tmp_path: Path) -> None:
    """Dagster has given a job up that is not dead: it sees the higher epoch and writes nothing
    more."""
    run = tmp_path / "run"
    process = worker(tmp_path, "deaf")
    try:
        [trainer] = eventually(lambda: pids(run))
        end(process.pid)
        assert lease.claim(Lake(run), lease.Lease(2, str(run / "jobs" / "stage1-0002"), "stage1", "r"))
        eventually(lambda: not running(trainer))
        assert (run / "superseded").exists() and not (run / "checkpoints").exists()
    finally:
        for pid in [process.pid, *pids(run)]:
            end(pid)


def test_another_stage_of_the_same_run_is_not_disturbed(tmp_path: Path) -> None:
    run = tmp_path / "run"
    cluster = client(tmp_path, "ok")
    launcher = cluster.make_launcher()
    lease.claim(Lake(run), lease.Lease(1, str(run / "jobs" / "stage2-0001"), "stage2", "r"))
    job_id = launcher.start(run / "jobs" / "stage2-0001", ["sleep", "60"], {})
    try:
        result = materialize(cluster, tmp_path)
        assert not result.success and "is being written by stage2" in failure(result)
    finally:
        launcher.signal(job_id, "KILL")


def test_evaluation_returns_the_report(tmp_path: Path) -> None:
    package = tmp_path / "root" / "model"
    (package / "evaluate").mkdir(parents=True)
    (package / "__init__.py").touch()
    body = "import sys, json, pathlib\na = sys.argv\nvalue = {'task': a[a.index('--task') + 1]}\n"
    body += "pathlib.Path(a[a.index('--output') + 1]).write_text(json.dumps(value))\n"
    (package / "evaluate" / "__main__.py").write_text(body)
    cluster = PipesDeepSpeedClient.using(LocalLauncher(root=tmp_path / "root"), poll=0.05)
    run, output = tmp_path / "run", tmp_path / "run" / "evaluation" / "validation.json"

    @dg.asset
    def report(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        value = cluster.run_evaluation(context, run_dir=run, task="validation", output=output)
        return dg.MaterializeResult(metadata={"task": value["task"]})

    assert dg.materialize([report], instance=dg.DagsterInstance.ephemeral()).success
    written = json.loads(output.read_text())
    assert written["task"] == "validation" and written["seconds"] > 0 and written["cpu_seconds"] > 0


def test_dagster_and_the_job_share_nothing_but_s3(s3: Any, tmp_path: Path) -> None:
    """Context, messages, leases and the stop request go through S3; the job's folder is seen
    through the launcher alone."""
    cluster = client(
        tmp_path,
        "ok",
        mailbox="s3://dump/boxes",
        secrets=["AWS_SECRET_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL_S3"],
    )
    result = materialize(cluster, tmp_path)
    assert result.success, failure(result)
    store = Lake("s3://dump/boxes/run")
    held = lease.current(store)
    assert held and held.epoch == 1 and not (tmp_path / "run" / "lease").exists()
    assert store.exists("jobs/stage1-0001/messages/00000001.jsonl")
    environment = tmp_path / "run" / "jobs" / "stage1-0001" / "environment"
    assert environment.with_name("rc").exists() and not environment.exists()  # secrets end with their job
    box = Mailbox(f"{store.root}/jobs/x")
    box.request_stop(tmp_path)
    assert box.store.exists("stop") and not (tmp_path / "stop").exists()


def test_keys_of_s3_go_to_jobs_that_read_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    run_file().write(tmp_path / "here")
    run_file(checkpoint_store="s3://bucket/runs/r").write(tmp_path / "there")
    local = PipesDeepSpeedClient()
    assert "AWS_SECRET_ACCESS_KEY" not in local.job_environment(tmp_path / "here")
    assert local.job_environment(tmp_path / "there")["AWS_SECRET_ACCESS_KEY"] == "key"
    # A head node is given what the cluster file names.
    assert "AWS_SECRET_ACCESS_KEY" not in PipesDeepSpeedClient(head="h").job_environment(tmp_path / "there")


def test_cluster_files_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "cluster.yaml"
    path.write_text("hostfile: /shared/hostfile\nsilence: {step: 30}\n")
    assert PipesDeepSpeedClient.from_file(str(path)).silence == {"step": 30.0}
    path.write_text("host_file: x\n")
    with pytest.raises(ValueError, match="unknown keys"):
        PipesDeepSpeedClient.from_file(str(path))
    with pytest.raises(dg.Failure, match="NOT_THERE are not set"):
        PipesDeepSpeedClient(secrets=["NOT_THERE"]).job_environment()
