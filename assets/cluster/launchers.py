"""How a job is started on the cluster and found again: local, over ssh on a head node, through Slurm.

Belongs here: commands and process groups. Does not belong here: messages (mailbox.py), what a run means
(client.py).

A job is a folder on a file system that all hosts share, with `run.sh`, `stdout`, `stderr` and, when it has
ended, `rc`. The exit status is a file because it then outlives the ssh channel, the run worker and Dagster.
"""

from __future__ import annotations

import shlex
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).resolve().parents[2]


class Launcher(Protocol):
    """What the client needs of a way to start jobs."""

    def training_command(self, ranks: int, module: str, arguments: Sequence[str]) -> list[str]: ...
    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str]) -> str: ...
    def alive(self, job_id: str) -> bool: ...
    def signal(self, job_id: str, name: str) -> None: ...


def exit_status(job: Path) -> int | None:
    """The exit status of an ended job."""
    path = job / "rc"
    return int(path.read_text()) if path.exists() else None


def free_port() -> int:
    """A port nobody listens on now, for the ranks' rendezvous."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def write_script(
    job: Path, command: Sequence[str], environment: Mapping[str, str], root: Path = ROOT, python: str = sys.executable
) -> Path:
    """`run.sh`: the command in the checkout, its output to files, its exit status to `rc` at the very end."""
    q = {n: shlex.quote(str(job / n)) for n in ("stdout", "stderr", "rc", "rc.tmp")}
    exports = " ".join(shlex.quote(f"{k}={v}") for k, v in sorted(environment.items()))
    lines = [
        "#!/bin/bash",
        "trap : TERM INT  # a signal to the group must not keep the exit status from being written",
        f"cd {shlex.quote(str(root))}",
        f'export PATH={shlex.quote(str(Path(python).parent))}:"$PATH"  # tools of the environment, such as ninja',
        f"env {exports} {shlex.join(command)} >{q['stdout']} 2>{q['stderr']}",
        f"echo $? >{q['rc.tmp']} && mv {q['rc.tmp']} {q['rc']}",
    ]
    script = job / "run.sh"
    script.write_text("\n".join(lines) + "\n")
    return script


@dataclass(frozen=True)
class LocalLauncher:
    """DeepSpeed's own launcher on this machine, or on the hosts of `hostfile`. `shell` runs one command line.

    With shell = ("ssh", "-o", "BatchMode=yes", HEAD) the same code starts the job on a head node.
    """

    shell: tuple[str, ...] = ("bash", "-c")
    python: str = sys.executable
    hostfile: str = ""
    root: Path = field(default=ROOT)
    attempts: int = 5

    def _sh(self, line: str) -> str:
        """Run one line. An ssh that fails (255) is tried again: a lost connection says nothing about the job."""
        argument = shlex.quote(line) if self.shell[0] == "ssh" else line
        for attempt in range(self.attempts):
            done = subprocess.run([*self.shell, argument], capture_output=True, text=True)
            if done.returncode != 255 or self.shell[0] != "ssh":
                break
            time.sleep(2**attempt)
        if done.returncode:
            raise RuntimeError(f"{shlex.join(self.shell)} failed with {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()

    def training_command(self, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        """`deepspeed --module MODULE ...`. --module, since a script path would put its folder first on sys.path."""
        hosts = ["--hostfile", self.hostfile] if self.hostfile else ["--num_accelerators", str(ranks)]
        deepspeed = str(Path(self.python).with_name("deepspeed"))
        return [deepspeed, *hosts, "--master_port", str(free_port()), "--module", module, *arguments]

    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str]) -> str:
        """Start the job in a session of its own; returns its process group."""
        script = write_script(job, command, environment, self.root, self.python)
        return self._sh(f"setsid nohup bash {shlex.quote(str(script))} </dev/null >/dev/null 2>&1 & echo $!")

    def alive(self, job_id: str) -> bool:
        """Whether any process of the group runs. Zombies do not count: a container's init may never reap them."""
        return bool(self._sh(f"ps -eo pgid=,stat= | awk '$1 == {int(job_id)} && $2 !~ /^Z/' | head -n 1"))

    def signal(self, job_id: str, name: str) -> None:
        self._sh(f"kill -{name} -- -{int(job_id)} 2>/dev/null || true")


@dataclass(frozen=True)
class SlurmLauncher:
    """A batch job whose ranks are started by srun, one task a rank. `options` go to sbatch."""

    options: tuple[str, ...] = ()
    python: str = sys.executable
    root: Path = field(default=ROOT)

    def training_command(self, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        """One process per rank; DeepSpeed takes rank and world size from what srun sets."""
        # SLURM_PROCID and SLURM_LOCALID are known only inside the task.
        inner = 'export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS; exec "$@"'
        return ["srun", f"--ntasks={ranks}", "bash", "-c", inner, "rank", self.python, "-m", module, *arguments]

    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str]) -> str:
        script = write_script(job, command, {"MASTER_PORT": str(free_port()), **environment}, self.root, self.python)
        # The first host of the allocation is where rank 0 listens.
        text = script.read_text().replace("\nenv ", "\nexport MASTER_ADDR=${SLURM_LAUNCH_NODE_IPADDR:-$(hostname)}\nenv ", 1)
        script.write_text(text)
        done = subprocess.run(["sbatch", "--parsable", *self.options, str(script)], capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"sbatch failed with {done.returncode}: {done.stderr.strip()[-500:]}")
        return done.stdout.strip().partition(";")[0]

    def alive(self, job_id: str) -> bool:
        done = subprocess.run(["squeue", "--noheader", "--jobs", job_id, "--format", "%T"], capture_output=True, text=True)
        return done.returncode == 0 and bool(done.stdout.strip())

    def signal(self, job_id: str, name: str) -> None:
        subprocess.run(["scancel", "--full", f"--signal={name}", job_id], capture_output=True)
