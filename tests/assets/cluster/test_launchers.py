"""Launchers start real processes: by bash, and through a stand-in for ssh."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from assets.cluster.launchers import (
    LocalLauncher,
    State,
    Unreachable,
    forget_environment,
    over_ssh,
)
from tests.support.fake_cluster import ended, eventually, executable


def test_a_job_keeps_status_output_and_environment_in_files(tmp_path: Path) -> None:
    job = tmp_path / "a run" / "jobs" / "a job"
    launcher = LocalLauncher(root=tmp_path)
    job_id = launcher.start(job, ["bash", "-c", "echo $A; exit 3"], {"A": "x y 'z'"})
    assert ended(launcher, job, job_id) == 3
    assert (job / "stdout").read_text() == "x y 'z'\n" and launcher.job_id(job) == job_id


def test_a_job_inherits_what_it_needs_and_no_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DAGSTER_PG_PASSWORD", "GITHUB_TOKEN", "AWS_SECRET_ACCESS_KEY", "BASH_ENV"):
        monkeypatch.setenv(name, "hush-hush")
    monkeypatch.setenv("NCCL_DEBUG", "WARN")
    job, launcher = tmp_path / "run" / "jobs" / "job", LocalLauncher(root=tmp_path)
    show = "import json, os; print(json.dumps(dict(os.environ)))"
    assert ended(launcher, job, launcher.start(job, [sys.executable, "-c", show], {"A": "given"})) == 0
    found = json.loads((job / "stdout").read_text())
    assert "hush-hush" not in found.values()
    assert found["A"] == "given" and found["NCCL_DEBUG"] == "WARN"
    assert found["HOME"] == os.environ["HOME"] and os.environ["PATH"] in found["PATH"]


def test_a_job_tells_its_cpu_seconds(tmp_path: Path) -> None:
    job, launcher = tmp_path / "run" / "jobs" / "job", LocalLauncher(root=tmp_path)
    spin = "import time\nwhile time.process_time() < 0.3: pass"
    assert ended(launcher, job, launcher.start(job, [sys.executable, "-c", spin], {})) == 0
    assert 0.29 <= float((job / "times").read_text()) < 60


def test_no_value_of_the_environment_is_on_a_command_line_or_readable_by_others(tmp_path: Path) -> None:
    job = tmp_path / "run" / "jobs" / "job"
    launcher = LocalLauncher()
    job_id = launcher.start(job, ["sleep", "30"], {"AWS_SECRET_ACCESS_KEY": "hush-hush"})
    try:
        eventually(lambda: (job / "stdout").exists())
        assert (
            "hush-hush"
            not in subprocess.run(["ps", "-ww", "-eo", "args"], capture_output=True, text=True).stdout
        )
        assert (job / "environment").stat().st_mode & 0o077 == 0
        assert "hush-hush" not in (job / "run.sh").read_text()
    finally:
        launcher.signal(job_id, "KILL")


def test_the_secrets_of_a_job_that_was_killed_are_forgotten(tmp_path: Path) -> None:
    job, launcher = tmp_path / "a run" / "jobs" / "job", LocalLauncher(root=tmp_path)
    job_id = launcher.start(job, ["sleep", "30"], {"TOKEN": "hush"})
    eventually(lambda: (job / "stdout").exists())
    launcher.signal(job_id, "KILL")
    eventually(lambda: not launcher.state(job, job_id).alive)
    assert (job / "environment").exists()  # nobody of the job was left to delete it
    forget_environment(launcher, job)
    assert not (job / "environment").exists()


def test_a_run_folder_with_spaces_reaches_every_rank_whole(tmp_path: Path) -> None:
    """By DeepSpeed's own launcher, whose command line goes through another process."""
    (tmp_path / "told.py").write_text(
        "import json, os, sys\n"
        "with open(os.path.join(sys.argv[sys.argv.index('--run-dir') + 1], os.environ['RANK']), 'w') as f:\n"
        "    json.dump([a for a in sys.argv[1:] if not a.startswith('--local_rank')], f)\n"
    )
    job, run = tmp_path / "jobs" / "job", tmp_path / "a lake" / "it's (a) run $HOME"
    run.mkdir(parents=True)
    arguments = ["--run-dir", str(run), "--stage", "stage1"]
    launcher = LocalLauncher(root=tmp_path)
    command = launcher.training_command(job, 2, "told", arguments)
    environment = {"DS_ACCELERATOR": "cpu", "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "1"}
    job_id = launcher.start(job, command, environment, 2)
    assert ended(launcher, job, job_id) == 0, (job / "stderr").read_text()[-2000:]
    assert [json.loads((run / rank).read_text()) for rank in ("0", "1")] == [arguments] * 2


def test_a_job_of_a_background_service_hears_term(tmp_path: Path) -> None:
    """A shell starts background jobs with SIGINT ignored, and Dagster copies its handler to
    SIGTERM: the job must not inherit that."""
    code = f"""
import signal, sys, pathlib
from assets.cluster.launchers import LocalLauncher
signal.signal(signal.SIGINT, signal.SIG_IGN); signal.signal(signal.SIGTERM, signal.SIG_IGN)
job = pathlib.Path({str(tmp_path)!r}) / "run" / "jobs" / "job"
print(LocalLauncher().start(job, ["bash", "-c", "echo up; exec sleep 60"], {{}}))
"""
    job_id = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    job, launcher = tmp_path / "run" / "jobs" / "job", LocalLauncher()
    eventually(lambda: (job / "stdout").exists() and (job / "stdout").read_text())
    launcher.signal(job_id, "TERM")
    assert ended(launcher, job, job_id) == 143


def test_a_signal_right_after_the_start_finds_the_job(tmp_path: Path) -> None:
    launcher = LocalLauncher()
    for number in range(5):
        job = tmp_path / "run" / "jobs" / str(number)
        job_id = launcher.start(job, ["sleep", "60"], {})
        launcher.signal(job_id, "KILL")
        eventually(lambda j=job, i=job_id: not launcher.state(j, i).alive)


def test_a_group_of_another_boot_is_not_the_job(tmp_path: Path) -> None:
    process = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        assert LocalLauncher().state(tmp_path, f"{process.pid}@00000000") == State(None, False)
        LocalLauncher().signal(f"{process.pid}@00000000", "KILL")
        assert process.poll() is None
    finally:
        process.kill()


def test_slurms_warning_becomes_a_stop_request(tmp_path: Path) -> None:
    run = tmp_path / "run"
    job, launcher = run / "jobs" / "job", LocalLauncher()
    waits = f"while [ ! -e {run / 'stop'} ]; do sleep 0.01; done; exit 0"
    job_id = launcher.start(job, ["bash", "-c", waits], {})
    eventually(lambda: (job / "stdout").exists())
    os.kill(int(job_id.partition("@")[0]), signal.SIGUSR1)
    assert ended(launcher, job, job_id) == 0 and (job / "time-limit").exists()


FAKE_SSH = """#!{python}
import os, pathlib, subprocess, sys
log = pathlib.Path(os.environ["SSH_LOG"])
words = sys.argv[1:]
while words and words[0] == "-o":
    words = words[2:]
host, line = words[0], " ".join(words[1:])  # as ssh does: the rest is one line for the remote shell
count = log.read_text().count("\\n") if log.exists() else 0
log.open("a").write(host + " " + repr(line) + "\\n")
if (pathlib.Path(os.environ["SSH_LOG"] + ".down")).exists():
    sys.stderr.write("ssh: connect to host: No route to host\\n"); sys.exit(255)
if count == 0:
    sys.stderr.write("Connection reset by peer\\n"); sys.exit(255)
sys.exit(subprocess.run(["sh", "-c", line]).returncode)
"""


@pytest.fixture
def ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for ssh: joins its words into one line and gives it to a shell; fails at its first
    call."""
    executable(tmp_path / "bin" / "ssh", FAKE_SSH.replace("{python}", sys.executable))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    monkeypatch.setenv("SSH_LOG", str(tmp_path / "ssh.log"))
    return tmp_path / "ssh.log"


def test_a_head_node_runs_what_a_local_shell_would(ssh: Path, tmp_path: Path) -> None:
    """The real argv goes through two shells; the first connection fails and is tried again."""
    job = tmp_path / "a run" / "jobs" / "it's a job"
    waits: list[float] = []
    launcher = LocalLauncher(shell=over_ssh("head"), sleep=waits.append)
    job_id = launcher.start(job, ["bash", "-c", 'echo "$A $0"; exit 4', "it's"], {"A": 'quo"ted $HOME'})
    assert ended(launcher, job, job_id) == 4
    assert (job / "stdout").read_text() == "quo\"ted $HOME it's\n"
    assert all(line.startswith("head ") for line in ssh.read_text().splitlines())
    assert "quo" not in ssh.read_text()  # the environment went over stdin
    assert waits == [1]


def test_a_head_node_that_is_away_is_unreachable_not_dead(ssh: Path, tmp_path: Path) -> None:
    waits: list[float] = []
    launcher = LocalLauncher(shell=over_ssh("head"), attempts=4, sleep=waits.append)
    Path(f"{ssh}.down").touch()
    with pytest.raises(Unreachable, match="No route to host"):
        launcher.state(tmp_path, "1@x")
    assert waits == []  # who asks for a state asks again by itself
    with pytest.raises(Unreachable, match="No route to host"):
        launcher.output(["true"])
    assert waits == [1, 2, 4]


def test_the_sweep_looks_on_every_host_and_names_those_it_cannot_reach(ssh: Path, tmp_path: Path) -> None:
    hosts = tmp_path / "hostfile"
    hosts.write_text("node1 slots=2\nnode2 slots=2  # the second\n\n")
    launcher = LocalLauncher(hostfile=str(hosts))
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", "--run-dir", str(tmp_path), "--epoch", "1"]
    )
    try:
        assert launcher.hosts() == {"node1": 2, "node2": 2}
        assert launcher.sweep(None, f"--run-dir {tmp_path} --epoch 1") == [
            "node1"
        ]  # the stand-in's first call fails
        assert process.wait(5) == -signal.SIGKILL
        assert ssh.read_text().splitlines()[1].startswith("node2 ")
    finally:
        process.kill()


def test_hostfile_and_card_must_agree(tmp_path: Path) -> None:
    hosts = tmp_path / "hostfile"
    hosts.write_text("node1 slots=8\nnode2 slots=8\n")
    launcher = LocalLauncher(hostfile=str(hosts), interpreter="/venv/bin/python")
    with pytest.raises(ValueError, match="16 slots, the run's card asks for 2 ranks"):
        launcher.training_command(tmp_path, 2, "model.train", [])
    command = launcher.training_command(tmp_path, 16, "model.train", ["--epoch", "1"])
    assert command[:3] == ["/venv/bin/deepspeed", "--hostfile", str(hosts)]
    assert (
        command[-4:] == ["--module", "model.train", "--epoch", "1"]
        and str(tmp_path / "environment") in command
    )
