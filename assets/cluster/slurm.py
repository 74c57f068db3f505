"""Jobs through Slurm: found again by number or name, ended with every process by Slurm itself.

Belongs here: sbatch, srun, squeue, scancel and sacct. Does not belong here: a job's files
(launchers.py).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from assets.cluster.launchers import ROOT, SUPERVISE, State, Unreachable, environment_file, run_script


@dataclass(frozen=True)
class SlurmLauncher:
    """A batch job whose ranks are started by srun, one task a rank. `options` go to sbatch. A job's
    id is Slurm's."""

    options: tuple[str, ...] = ()
    interpreter: str = sys.executable
    root: Path = field(default=ROOT)

    def python(self) -> str:
        return self.interpreter

    def training_command(self, job: Path, ranks: int, module: str, arguments: Sequence[str]) -> list[str]:
        """One process per rank; DeepSpeed takes rank and world size from what srun sets.

        The rendezvous is where srun runs, the first host of the allocation, at a port that the
        job's number gives.
        """
        inner = (
            "export RANK=$SLURM_PROCID LOCAL_RANK=$SLURM_LOCALID WORLD_SIZE=$SLURM_NTASKS"
            " MASTER_ADDR=$SLURM_LAUNCH_NODE_IPADDR MASTER_PORT=$((20000 + SLURM_JOB_ID % 20000));"
            " export LOCAL_SIZE=${SLURM_NTASKS_PER_NODE:-$((SLURM_NTASKS / ${SLURM_NNODES:-1}))};"
            ' exec "$@"'
        )
        srun = ["srun", f"--ntasks={ranks}", "--kill-on-bad-exit=1"]
        return [*srun, "bash", "-c", inner, "rank", self.interpreter, "-u", "-m", module, *arguments]

    def evaluation_command(self, module: str, arguments: Sequence[str]) -> list[str]:
        return ["srun", "--ntasks=1", self.interpreter, "-m", module, *arguments]

    def start(self, job: Path, command: Sequence[str], environment: Mapping[str, str], ranks: int = 1) -> str:
        """Submit the job. Slurm never requeues it: a second start needs a new lease (lease.py)."""
        job.mkdir(parents=True, exist_ok=True)
        (job / "environment").touch(mode=0o600)
        (job / "environment").write_text(environment_file(environment))
        (job / "supervise.py").write_text(SUPERVISE.read_text())
        (job / "run.sh").write_text(run_script(job, command, self.root, self.interpreter, "$SLURM_JOB_ID"))
        sbatch = [
            "sbatch",
            "--parsable",
            "--no-requeue",
            f"--ntasks={ranks}",
            f"--job-name={job.parent.parent.name}-{job.name}",
        ]
        sbatch += [f"--output={job / 'slurm.out'}", "--signal=B:USR1@300", *self.options, str(job / "run.sh")]
        return self._call(sbatch).partition(";")[0]

    def _call(self, command: Sequence[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout.strip()

    def job_id(self, job: Path) -> str | None:
        """By the file that the job writes when it begins, or by its name while it waits in the
        queue."""
        if (job / "id").exists():
            return (job / "id").read_text().strip()
        name = f"{job.parent.parent.name}-{job.name}"
        return (
            self._call(["squeue", "--noheader", "--me", f"--name={name}", "--format=%A"]).partition("\n")[0]
            or None
        )

    def state(self, job: Path, job_id: str) -> State:
        done = subprocess.run(
            ["squeue", "--noheader", f"--jobs={job_id}", "--format=%T"], capture_output=True, text=True
        )
        if done.returncode and "Invalid job id" not in done.stderr:
            raise Unreachable(f"squeue: {done.stderr.strip()[-500:]}")
        rc = job / "rc"
        return State(
            int(rc.read_text()) if rc.exists() else None, done.returncode == 0 and bool(done.stdout.strip())
        )

    def signal(self, job_id: str, name: str) -> None:
        subprocess.run(["scancel", "--full", f"--signal={name}", job_id], capture_output=True)

    def sweep(self, job_id: str | None, marker: str) -> list[str]:
        """Slurm ends a job's processes on every host by itself."""
        if job_id:
            subprocess.run(["scancel", job_id], capture_output=True)
        return []

    def output(self, command: Sequence[str]) -> str:
        done = subprocess.run(command, capture_output=True, text=True, cwd=self.root)
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed with {done.returncode}: {done.stderr.strip()[-2000:]}")
        return done.stdout.strip()

    def end_state(self, job_id: str) -> str:
        """What Slurm's accounting says of an ended job (TIMEOUT, NODE_FAIL, OUT_OF_MEMORY); empty
        where there is none."""
        try:
            done = subprocess.run(
                ["sacct", "--noheader", "--allocations", "--parsable2", f"--jobs={job_id}", "--format=State"],
                capture_output=True,
                text=True,
            )
        except FileNotFoundError:
            return ""
        return done.stdout.strip()
