"""Slurm's launcher, with stand-ins for Slurm's commands on PATH that start real processes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from assets.cluster.launchers import State, Unreachable
from assets.cluster.slurm import SlurmLauncher
from tests.support.fake_cluster import ended, eventually, executable, running

# Slurm's commands as far as the launcher uses them: a job is a process in its own session, numbered
# from 71.
SBATCH = """#!{python}
import json, os, pathlib, subprocess, sys
state = pathlib.Path(os.environ["SLURM_FAKE"]); options, script = sys.argv[1:-1], sys.argv[-1]
number = 71 + len(list(state.glob("job-*")))
name = next(o.split("=", 1)[1] for o in options if o.startswith("--job-name="))
output = next(o.split("=", 1)[1] for o in options if o.startswith("--output="))
environment = os.environ | {"SLURM_JOB_ID": str(number)}
streams = {"stdout": open(output, "w"), "stderr": subprocess.STDOUT}
process = subprocess.Popen(["bash", script], env=environment, start_new_session=True, **streams)
(state / f"job-{number}").write_text(json.dumps({"pid": process.pid, "name": name, "argv": sys.argv[1:]}))
print(f"{number};cluster")
"""
SRUN = """#!{python}
import json, os, pathlib, subprocess, sys
state = pathlib.Path(os.environ["SLURM_FAKE"])
(state / "srun-argv").write_text(json.dumps(sys.argv[1:]))
words = sys.argv[1:]; options = {}
while words[0].startswith("--"):
    key, _, value = words.pop(0).partition("="); options[key] = value
count = int(options["--ntasks"])
base = os.environ | {"SLURM_NTASKS": str(count), "SLURM_LAUNCH_NODE_IPADDR": "127.0.0.1"}
own = [base | {"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)} for i in range(count)]
tasks = [subprocess.Popen(words, env=environment) for environment in own]
sys.exit(max(t.wait() for t in tasks))
"""
SQUEUE = """#!{python}
import json, os, pathlib, psutil, sys
state = pathlib.Path(os.environ["SLURM_FAKE"])
options = dict(a.lstrip("-").partition("=")[::2] for a in sys.argv[1:])
if (state / "down").exists():
    sys.stderr.write("slurm_load_jobs error: Unable to contact slurm controller\\n"); sys.exit(1)
def runs(job):
    try: return psutil.Process(job["pid"]).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess: return False
jobs = {p.name[4:]: json.loads(p.read_text()) for p in state.glob("job-*")}
if "jobs" in options:
    if options["jobs"] not in jobs:
        sys.stderr.write("slurm_load_jobs error: Invalid job id specified\\n"); sys.exit(1)
    if runs(jobs[options["jobs"]]): print("RUNNING")
else:
    for number, job in jobs.items():
        if job["name"] == options["name"] and runs(job): print(number)
"""
SCANCEL = """#!{python}
import json, os, pathlib, signal, sys
job = json.loads((pathlib.Path(os.environ["SLURM_FAKE"]) / f"job-{sys.argv[-1]}").read_text())
name = next((a.split("=")[1] for a in sys.argv if a.startswith("--signal=")), "KILL")
try: os.killpg(job["pid"], getattr(signal, f"SIG{name}"))
except ProcessLookupError: pass
"""
SACCT = """#!/bin/sh
echo NODE_FAIL
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand-ins for Slurm's commands on PATH; returns their state folder."""
    for name, text in {
        "sbatch": SBATCH,
        "srun": SRUN,
        "squeue": SQUEUE,
        "scancel": SCANCEL,
        "sacct": SACCT,
    }.items():
        executable(tmp_path / "bin" / name, text.replace("{python}", sys.executable))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    state = tmp_path / "slurm"
    state.mkdir()
    monkeypatch.setenv("SLURM_FAKE", str(state))
    return state


def test_slurm_starts_one_task_a_rank_with_what_deepspeed_reads(slurm: Path, tmp_path: Path) -> None:
    """The real argv of sbatch and srun, run by the stand-ins: every rank sees its number, the world
    and one rendezvous."""
    package = tmp_path / "code"
    package.mkdir()
    names = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_SIZE", "MASTER_ADDR", "MASTER_PORT", "A")
    body = f"import os, sys\nprint(*[os.environ[n] for n in {names}], *sys.argv[1:], flush=True)\n"
    (package / "job.py").write_text(body)
    job = tmp_path / "run7" / "jobs" / "stage1-0001"
    launcher = SlurmLauncher(options=("--partition=gpu", "--gres=gpu:8"), root=package)
    command = launcher.training_command(job, 3, "job", ["--epoch", "1"])
    job_id = launcher.start(job, command, {"A": "secret"}, 3)
    assert job_id == "71" and ended(launcher, job, job_id) == 0
    lines = sorted((job / "stdout").read_text().splitlines())
    assert lines == [f"{r} {r} 3 3 127.0.0.1 20071 secret --epoch 1" for r in range(3)]
    argv = (slurm / "job-71").read_text()
    for part in (
        "--ntasks=3",
        "--no-requeue",
        "--partition=gpu",
        "--gres=gpu:8",
        "--job-name=run7-stage1-0001",
        "--signal=B:USR1@300",
    ):
        assert part in argv
    assert "secret" not in argv + (slurm / "srun-argv").read_text() + (job / "run.sh").read_text()
    assert "--kill-on-bad-exit=1" in (slurm / "srun-argv").read_text()


def test_a_queued_job_is_found_by_its_name_and_a_lost_one_by_accounting(slurm: Path, tmp_path: Path) -> None:
    launcher = SlurmLauncher(root=tmp_path)
    job = tmp_path / "run" / "jobs" / "stage1-0001"
    job_id = launcher.start(job, ["sleep", "60"], {}, 1)
    (job / "id").unlink(missing_ok=True)
    assert launcher.job_id(job) == job_id and launcher.state(job, job_id) == State(None, True)
    assert launcher.job_id(tmp_path / "run" / "jobs" / "stage1-0002") is None
    launcher.sweep(job_id, "")
    eventually(lambda: not launcher.state(job, job_id).alive)
    assert launcher.end_state(job_id) == "NODE_FAIL"


def test_a_controller_that_is_away_is_not_a_dead_job(slurm: Path, tmp_path: Path) -> None:
    launcher = SlurmLauncher()
    assert launcher.state(tmp_path, "99") == State(None, False)  # an id that Slurm has forgotten
    (slurm / "down").touch()
    with pytest.raises(Unreachable, match="Unable to contact"):
        launcher.state(tmp_path, "99")


def test_cancelling_ends_the_ranks(slurm: Path, tmp_path: Path) -> None:
    launcher, job = SlurmLauncher(root=tmp_path), tmp_path / "run" / "jobs" / "stage1-0001"
    command = launcher.training_command(job, 2, "http.server", ["0", "--bind", "127.0.0.1"])
    job_id = launcher.start(job, command, {}, 2)
    eventually(lambda: (slurm / "srun-argv").exists() and (job / "id").exists())
    pid = int(json.loads((slurm / f"job-{job_id}").read_text())["pid"])
    launcher.signal(job_id, "KILL")
    eventually(lambda: not running(pid))
