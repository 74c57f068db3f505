"""How a job is started on the cluster and found again: on this machine, or over ssh on a head node.

Belongs here: what every launcher does, a job's files, process groups. Does not belong here: Slurm
(slurm.py), messages (mailbox.py), what a run means (client.py).

A job is a folder on storage that the cluster's hosts share, with `run.sh`, `supervise.py`,
`environment`, `stdout`, `stderr`, `id` and, when it has ended, `times` and `rc`. Id and exit status
are files because they then outlive the ssh channel, the run worker and Dagster. Values of the
environment may be secrets: they are in a file that its owner alone may read, never on a command
line.
"""

from __future__ import annotations

import contextlib
import json
import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import tenacity

ROOT = Path(__file__).resolve().parents[2]
SUPERVISE = Path(__file__).with_name("supervise.py")
BOOT = "$(cut -c1-8 /proc/sys/kernel/random/boot_id)"
# A service that was started in the background hands ignored signals down: SIGINT by its shell, and
# SIGTERM by Dagster, which copies SIGINT's handler to SIGTERM: the ranks would be deaf to TERM.
# They stay blocked until supervise.py hears them, so that none is lost or ends the job without an
# exit status.
SIGNALS = "env --default-signal=INT,TERM,QUIT,USR1 --block-signal=INT,TERM,USR1"


INHERITED = (
    "PATH HOME USER LOGNAME SHELL PWD HOSTNAME TERM TZ TMPDIR LANG LANGUAGE LC_* XDG_* SSH_* PDSH_*"
    " LD_* PYTHON* VIRTUAL_ENV CONDA_* SSL_CERT_* SKYPILE_CACHE"
    " CUDA_* CUBLAS_* NVIDIA_* NCCL_* GLOO_* UCX_* FI_* RDMAV_* TORCH* PYTORCH_* TRITON_*"
    " OMP_* MKL_* KMP_* OPENBLAS_* NUMBA_* TOKENIZERS_* DS_* DEEPSPEED_* SLURM* SBATCH_* SRUN_* PMI*"
)
"""Variables that a job keeps of the environment it is started in, as patterns of bash: where things
are, and what tunes libraries. Everything else, such as passwords that Dagster was given, has to be
named in the cluster's settings (`environment`, `secrets`)."""


class Unreachable(Exception):
    """The head node or the batch system did not answer. It says nothing about the job."""


@dataclass(frozen=True)
class State:
    """A job as its launcher sees it: exit status once it has ended, and whether any process of it
    runs."""

    status: int | None
    alive: bool


class Launcher(Protocol):
    """A way to start jobs and to find them again. Paths are paths on the cluster.

    Raises Unreachable where the head node or the batch system does not answer, RuntimeError with
    the command's stderr where a command fails.
    """

    def training_command(self, job: Path, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        """The command that runs `python -m MODULE ARGUMENTS` on `ranks` ranks. ValueError where the
        cluster has another number."""

    def evaluation_command(self, module: str, arguments: Sequence[str]) -> list[str]:
        """The command that runs a module in one process."""

    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str], ranks: int = 1) -> str:
        """Start a command as the job of folder `job`, which outlives this process; its id."""

    def job_id(self, job: Path) -> str | None:
        """The id of the job of a folder; None where none was started there."""

    def state(self, job: Path, job_id: str) -> State:
        """One look at a job."""

    def signal(self, job_id: str, name: str) -> None:
        """Send a signal (`TERM`, `KILL`) to every process of a job; none where it has ended."""

    def sweep(self, job_id: str | None, marker: str) -> list[str]:
        """Kill what is left of a job's ranks, on every host; the hosts that could not be reached.
        `marker` is on the command line of each rank."""

    def output(self, command: Sequence[str]) -> str:
        """What a command prints, run in the checkout where the jobs run."""

    def python(self) -> str:
        """The interpreter of the jobs."""

    def end_state(self, job_id: str) -> str:
        """What the batch system says of an ended job; empty where it keeps no account."""


def free_port() -> int:
    """A port nobody listens on now, for the ranks' rendezvous."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def environment_file(environment: Mapping[str, str]) -> str:
    """Lines that a shell sources: what DeepSpeed's remote shells (`--venv_script`) and run.sh
    read."""
    return "".join(f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()))


def forget_environment(launcher: Launcher, job: Path) -> None:
    """Delete the environment's file of a job that ended without doing so itself (kill -9, power)."""
    with contextlib.suppress(Unreachable, RuntimeError):  # the job's end matters more
        launcher.output(["rm", "-f", str(job / "environment")])


def run_script(job: Path, command: Sequence[str], root: Path, python: str, identity: str) -> str:
    """`run.sh`: the job's id to `id`, then the command in the checkout under supervise.py, which
    keeps the process and its number. It keeps INHERITED of its environment."""
    q = {n: shlex.quote(str(job / n)) for n in ("id", "id.tmp", "environment", "supervise.py", "")}
    kept = INHERITED.replace(" ", "|")
    lines = [
        "#!/bin/bash",
        f'for n in $(compgen -e); do case "$n" in {kept}) ;; *) unset -v "$n" 2>/dev/null ;; esac; done',
        f"echo {identity} >{q['id.tmp']} && mv {q['id.tmp']} {q['id']}",
        f"cd {shlex.quote(str(root))}",
        "# Tools of the environment, such as ninja.",
        f'export PATH={shlex.quote(str(Path(python).parent))}:"$PATH"',
        f". {q['environment']}",
        f"exec {shlex.quote(python)} -I -S {q['supervise.py']} {q['']} <<'END'",
        json.dumps(list(command)),
        "END",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class LocalLauncher:
    """DeepSpeed's own launcher on this machine, or on the hosts of `hostfile`. `shell` runs one
    command line.

    With an ssh command as `shell` (see `over_ssh`) the job starts on a head node;
    `hostfile`, `root` and `interpreter` are then paths there. A job's id is `<process
    group>@<boot>`.
    """

    shell: tuple[str, ...] = ("bash", "-c")
    interpreter: str = sys.executable
    hostfile: str = ""
    master_addr: str = ""
    root: Path = field(default=ROOT)
    remote_options: tuple[str, ...] = ()  # of the ssh from the head node to the hosts
    attempts: int = 5
    sleep: Callable[[float], None] = time.sleep  # between attempts

    def python(self) -> str:
        return self.interpreter

    def _sh(self, line: str, stdin: str = "", attempts: int | None = None) -> str:
        """Run one line. An ssh that fails (255) is tried again: a lost connection says nothing
        about the job."""
        ssh = "ssh" in self.shell
        argument = f"bash -c {shlex.quote(line)}" if ssh else line
        retrying = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(attempts or self.attempts),
            wait=tenacity.wait_exponential(),  # 1, 2, 4, 8 s
            retry=tenacity.retry_if_result(lambda done: ssh and done.returncode == 255),
            retry_error_callback=lambda state: state.outcome and state.outcome.result(),
            sleep=self.sleep,
        )
        done = retrying(subprocess.run, [*self.shell, argument], input=stdin, capture_output=True, text=True)
        if ssh and done.returncode == 255:
            raise Unreachable(f"{shlex.join(self.shell)}: {done.stderr.strip()[-500:]}")
        if done.returncode:
            raise RuntimeError(
                f"{line.split()[0]} failed with {done.returncode}: {done.stderr.strip()[-2000:]}"
            )
        return done.stdout.strip()

    def hosts(self) -> dict[str, int]:
        """Slots of every host of the hostfile; empty without one."""
        if not self.hostfile:
            return {}
        rows = [
            line.split("#")[0].split() for line in self._sh(f"cat {shlex.quote(self.hostfile)}").splitlines()
        ]
        return {r[0]: int(r[1].removeprefix("slots=")) for r in rows if r}

    def training_command(self, job: Path, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        """`deepspeed --module MODULE ...`. --module, since a script path would put its folder first
        on sys.path."""
        where = ["--num_accelerators", str(ranks)]
        if self.hostfile:
            if (slots := sum(self.hosts().values())) != ranks:
                raise ValueError(
                    f"{self.hostfile} has {slots} slots, the run's card asks for {ranks} ranks:"
                    " make them equal"
                )
            # Remote shells get their environment from the file: DeepSpeed's own way would put it on
            # pdsh's command line.
            where = ["--hostfile", self.hostfile, "--venv_script", str(job / "environment")]
            where += ["--master_addr", self.master_addr] if self.master_addr else []
        deepspeed = str(Path(self.interpreter).with_name("deepspeed"))
        return [deepspeed, *where, "--master_port", str(free_port()), "--module", module, *arguments]

    def evaluation_command(self, module: str, arguments: Sequence[str]) -> list[str]:
        return [self.interpreter, "-m", module, *arguments]

    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str], ranks: int = 1) -> str:
        """Start the job in a session of its own; returns its id."""
        if self.hostfile:
            # A host that has gone ends its ssh, and with it pdsh, instead of waiting for ever.
            alive = "-o ServerAliveInterval=5 -o ServerAliveCountMax=3 -o ConnectTimeout=10"
            environment = {"PDSH_SSH_ARGS_APPEND": " ".join([alive, *self.remote_options]), **environment}
        script = run_script(job, command, self.root, self.interpreter, f"$$@{BOOT}")
        q = {n: shlex.quote(str(job / n)) for n in ("", "environment", "supervise.py", "run.sh")}
        self._sh(f"mkdir -p {q['']} && umask 077 && cat >{q['environment']}", environment_file(environment))
        self._sh(f"cat >{q['supervise.py']}", SUPERVISE.read_text())
        self._sh(f"cat >{q['run.sh']}", script)
        # The id is printed by the new session's own shell: before its setsid the group would not
        # exist yet.
        begin = f'echo "$$@{BOOT}"; exec bash "$0" >/dev/null 2>&1'
        return self._sh(
            f"setsid {SIGNALS} nohup bash -c {shlex.quote(begin)} {q['run.sh']} </dev/null 2>/dev/null &"
        )

    def job_id(self, job: Path) -> str | None:
        return self._sh(f"cat {shlex.quote(str(job / 'id'))} 2>/dev/null || true", attempts=1) or None

    def state(self, job: Path, job_id: str) -> State:
        """One look: whether any process of the group runs (zombies do not: a container's init may
        never reap them), then `rc`."""
        group, _, boot = job_id.partition("@")
        running = f"ps -eo pgid=,stat= | awk '$1 == {int(group)} && $2 !~ /^Z/' | head -n 1"
        line = f'[ -n "$({running})" ] && [ "{BOOT}" = {shlex.quote(boot)} ] && echo alive || echo dead'
        answer = self._sh(
            f"{line}; cat {shlex.quote(str(job / 'rc'))} 2>/dev/null || true", attempts=1
        ).split()
        return State(int(answer[1]) if len(answer) > 1 else None, answer[0] == "alive")

    def signal(self, job_id: str, name: str) -> None:
        group, _, boot = job_id.partition("@")
        self._sh(f'[ "{BOOT}" = {shlex.quote(boot)} ] && kill -{name} -- -{int(group)} 2>/dev/null || true')

    def sweep(self, job_id: str | None, marker: str) -> list[str]:
        """Kill every process whose command line holds `marker`, on every host. Returns the hosts
        that could not be reached.

        The marker names one lease of one run. It travels over stdin, so that no shell of the sweep
        has it on its command line.
        """
        find = 'ps -ww -eo pid=,args= | awk \'index($0 " ", ENVIRON["MARKER"]) {print $1}\''
        kill = f"{find} | xargs -r kill -KILL 2>/dev/null; true"
        script = f"export MARKER={shlex.quote(marker + ' ')}\n{kill}\n"
        ssh = shlex.join(
            ["timeout", "20", "ssh", "-o", "BatchMode=yes", "-o", "ConnectTimeout=5", *self.remote_options]
        )
        lines = [f"script={shlex.quote(script)}", 'eval "$script"']
        lines += [
            f'printf %s "$script" | {ssh} {shlex.quote(host)} bash -s || echo UNREACHED {shlex.quote(host)}'
            for host in self.hosts()
        ]
        answer = self._sh("bash -s", "\n".join(lines) + "\n")
        return [line.split()[1] for line in answer.splitlines() if line.startswith("UNREACHED ")]

    def output(self, command: Sequence[str]) -> str:
        return self._sh(f"cd {shlex.quote(str(self.root))} && {shlex.join(command)}")

    def end_state(self, job_id: str) -> str:
        return ""


def over_ssh(head: str, control: str = "~/.ssh/skypile-%C") -> tuple[str, ...]:
    """The `shell` of a head node: never asks for a password, keeps one connection for the many
    looks, notices a dead link."""
    options = {
        "BatchMode": "yes",
        "ConnectTimeout": "10",
        "ServerAliveInterval": "10",
        "ServerAliveCountMax": "3",
        "ControlMaster": "auto",
        "ControlPath": control,
        "ControlPersist": "60",
    }
    return ("ssh", *[part for k, v in options.items() for part in ("-o", f"{k}={v}")], head)


def free_bytes(launcher: Launcher, folder: Path) -> int | None:
    """Free space where a folder is, as the cluster sees it; None where it is not there."""
    answer = launcher.output(
        ["bash", "-c", 'df --output=avail -B1 "$0" 2>/dev/null | tail -n 1 || true', str(folder)]
    )
    return int(answer) if answer.strip().isdigit() else None


def tail(launcher: Launcher, path: Path, characters: int = 2000) -> str:
    """The end of a text file of a job, or nothing where there is none."""
    return launcher.output(["bash", "-c", f'tail -c {4 * characters} "$0" 2>/dev/null || true', str(path)])[
        -characters:
    ].strip()
