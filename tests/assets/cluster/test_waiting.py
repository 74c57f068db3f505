from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets.cluster.launchers import Launcher, LocalLauncher, State, Unreachable
from assets.cluster.mailbox import Mailbox
from assets.cluster.waiting import Job, JobWait, Patience
from tests.support.fake_cluster import client, eventually, failure, materialize, pids, running


def wait(launcher: Launcher, job: Job, grace: float) -> JobWait:
    """A wait for a job of the run folder two levels up."""
    patience = Patience(grace=grace, poll=0.05, heartbeat_every=0.1, unreachable=600.0, silence={})
    return JobWait(dg.build_asset_context(), launcher, job.folder.parent.parent, job, patience)


def test_a_hanging_job_is_ended_and_the_silent_rank_named(tmp_path: Path) -> None:
    result = materialize(client(tmp_path, "hang", silence={"step": 0.8}), tmp_path)
    assert not result.success
    assert "rank 0 on here has been silent" in failure(result) and "phase step of step 3" in failure(result)
    assert not any(running(p) for p in pids(tmp_path / "run"))


def test_a_vanished_job_is_a_failure(tmp_path: Path) -> None:
    """The whole process group is killed: no exit status is ever written."""
    launcher, job = LocalLauncher(), tmp_path / "run" / "jobs" / "job"
    job_id = launcher.start(job, ["sleep", "30"], {})
    assert launcher.state(job, job_id) == State(None, True)
    launcher.signal(job_id, "KILL")
    eventually(lambda: not launcher.state(job, job_id).alive)
    with pytest.raises(dg.Failure, match="vanished"):
        wait(launcher, Job(job, job_id, Mailbox(job)), grace=1.0)._vanished()


def test_a_head_node_that_does_not_answer_says_nothing_about_the_job(tmp_path: Path) -> None:
    """Looks fail for a while: the run goes on. They fail for too long: the run fails and the job is
    left alone."""
    away = [0]

    class Flaky(LocalLauncher):
        def state(self, job: Path, job_id: str) -> State:
            away[0] += 1
            if away[0] % 3:
                raise Unreachable("no route to host")
            return super().state(job, job_id)

    cluster = client(tmp_path, "ok")
    script = cluster.make_launcher().script  # type: ignore[attr-defined]
    command = cluster.make_launcher().training_command

    class Both(Flaky):
        def training_command(self, job: Path, ranks: int, module: str, arguments: Any) -> list[str]:
            return command(job, ranks, module, arguments)

    assert script
    cluster._launcher = Both()
    result = materialize(cluster, tmp_path)
    assert result.success and away[0] >= 3


def test_stop_asks_first_and_signals_after_the_grace_period(tmp_path: Path) -> None:
    run = tmp_path / "run"
    launcher, willing = LocalLauncher(), run / "jobs" / "willing"
    waits = textwrap.dedent(f"""
        import pathlib, time
        while not pathlib.Path({str(run / "stop")!r}).exists(): time.sleep(0.02)
        """)
    job_id = launcher.start(willing, [sys.executable, "-c", waits], {})
    wait(launcher, Job(willing, job_id, Mailbox(willing)), grace=60.0).stop()
    assert launcher.state(willing, job_id).status == 0
    deaf = run / "jobs" / "deaf"
    job_id = launcher.start(deaf, ["bash", "-c", "echo up; exec sleep 300"], {})
    eventually(lambda: (deaf / "stdout").exists() and "up" in (deaf / "stdout").read_text())
    wait(launcher, Job(deaf, job_id, Mailbox(deaf)), grace=0.2).stop()
    assert launcher.state(deaf, job_id).status == 143
    eventually(lambda: not launcher.state(deaf, job_id).alive)
