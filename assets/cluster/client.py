"""The DeepSpeed cluster as a Dagster resource: launch a job or adopt one that runs, and return its
result.

Belongs here: the cluster's settings, which job a run launches or adopts, and retries. Does not
belong here: commands and processes (launchers.py), messages (mailbox.py), who may write (lease.py),
the wait for a job's end (waiting.py), what the end means (outcome.py), training (model/train.py).
"""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster import open_pipes_session
from pydantic import Field, PrivateAttr

from assets.cluster import lease, outcome
from assets.cluster.launch_records import find_launch, record_launch
from assets.cluster.launchers import (
    Launcher,
    LocalLauncher,
    State,
    Unreachable,
    forget_environment,
    over_ssh,
)
from assets.cluster.mailbox import Mailbox
from assets.cluster.progress import Progress
from assets.cluster.slurm import SlurmLauncher
from assets.cluster.waiting import Job, JobWait, Patience
from model.plan.run_file import RUN_FILE
from pipelines.lake import Lake


class PipesDeepSpeedClient(dg.ConfigurableResource):
    """Runs `model.train` and `model.evaluate` outside of Dagster's processes.

    A lost job is launched again up to `retries` times. This is not a RetryPolicy of the asset,
    because under one Dagster also restarts a step that was interrupted: Terminate would train on.
    Where no GPU is found, jobs get the CPU accelerator.
    """

    launcher: str = Field(
        default="local",
        description="local: DeepSpeed's launcher on this machine or on `head`; slurm: a batch job.",
    )
    head: str = Field(default="", description="Node on which jobs start over ssh; empty: this machine.")
    hostfile: str = Field(
        default="", description="DeepSpeed's hostfile on the head node; its pdsh launcher starts the ranks."
    )
    master_addr: str = Field(
        default="", description="Address of the ranks' rendezvous; empty: DeepSpeed's choice."
    )
    slurm_options: list[str] = Field(default=[], description="Options of sbatch, word by word.")
    environment: dict[str, str] = Field(default={}, description="Variables set for every job.")
    secrets: list[str] = Field(
        default=[],
        description="Names of variables of Dagster's own environment that a job gets too (S3 keys, say):"
        " their values go into a file that only its owner may read.",
    )
    mailbox: str = Field(
        default="", description="s3://bucket/prefix where Dagster and the cluster share no folder."
    )
    observe_every: int = Field(default=10, description="Every n-th step becomes an observation.")
    grace: float = Field(default=120.0, description="Seconds between a stop request and a signal.")
    poll: float = Field(default=0.5, description="Seconds between looks at the job.")
    heartbeat_every: float = Field(default=5.0, description="Seconds between looks at the ranks.")
    unreachable: float = Field(default=600.0, description="Seconds that the head node may be away.")
    launching: float = Field(default=60.0, description="Seconds that a lease may stand without a job.")
    silence: dict[str, float] = Field(
        default={},
        description="Longest silence of a rank by phase, in seconds; defaults: model/run/heartbeat.py.",
    )
    retries: int = Field(default=3, description="How often a lost job is launched again.")
    retry_seconds: float = Field(
        default=10.0, description="Seconds before the first retry; twice as long before each later one."
    )
    _launcher: Any = PrivateAttr(default=None)

    @classmethod
    def using(cls, launcher: Launcher, **settings: Any) -> PipesDeepSpeedClient:
        """A client with a launcher of the caller's own."""
        client = cls(**settings)
        client._launcher = launcher
        return client

    @classmethod
    def from_file(cls, path: str) -> PipesDeepSpeedClient:
        """The client that a YAML file describes (deploy/cluster.example.yaml); the local one
        without a file."""
        if not path:
            return cls()
        try:
            values = yaml.safe_load(Path(path).read_text()) or {}
        except (OSError, yaml.YAMLError) as error:
            raise ValueError(f"{path} is not a readable cluster file: {error}") from error
        if unknown := set(values) - set(cls.model_fields):
            raise ValueError(f"{path}: unknown keys {sorted(unknown)}; known are {sorted(cls.model_fields)}")
        return cls(**values)

    def make_launcher(self) -> Launcher:
        """The launcher that the settings name."""
        if self._launcher is not None:
            return self._launcher
        if self.launcher == "slurm":
            return SlurmLauncher(options=tuple(self.slurm_options))
        if self.launcher != "local":
            raise dg.Failure(f"launcher {self.launcher!r}: use local or slurm", allow_retries=False)
        shell = over_ssh(self.head) if self.head else ("bash", "-c")
        return LocalLauncher(shell=shell, hostfile=self.hostfile, master_addr=self.master_addr)

    def job_environment(self, run_dir: Path | None = None) -> dict[str, str]:
        """Variables of every job; where a job of this machine reads or writes S3 (its run file
        says so, or there is a mailbox) those of AWS are among them."""
        if missing := [name for name in self.secrets if name not in os.environ]:
            raise dg.Failure(
                f"secrets {', '.join(missing)} are not set in Dagster's environment", allow_retries=False
            )
        cpu = {} if Path("/dev/nvidiactl").exists() else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        own = {name: os.environ[name] for name in self.secrets}
        if not self.head and (self.mailbox or (run_dir is not None and on_s3(run_dir))):
            own |= {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
        return {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", **cpu, **self.environment, **own}

    def run(
        self, context: dg.AssetExecutionContext, run_dir: Path, stage: str, ranks: int
    ) -> dg.MaterializeResult:
        """Train one stage on `ranks` ranks; returns what the job reported. A job that still runs is
        adopted.

        Raises dg.RetryRequested for a job that was lost, dg.Failure with the job's error where a
        retry cannot help: its configuration is wrong, or it was asked to stop.
        """
        try:
            return self._run(context, run_dir, stage, ranks)
        except (dg.Failure, Unreachable, RuntimeError, OSError) as error:
            if (isinstance(error, dg.Failure) and not error.allow_retries) or not self.retries:
                raise
            raise dg.RetryRequested(self.retries, self.retry_seconds * 2**context.retry_number) from error

    def _run(
        self, context: dg.AssetExecutionContext, run_dir: Path, stage: str, ranks: int
    ) -> dg.MaterializeResult:
        """One attempt."""
        launcher = self.make_launcher()
        run_dir.mkdir(parents=True, exist_ok=True)
        store = Lake(f"{self.mailbox.rstrip('/')}/{run_dir.name}" if self.mailbox else run_dir)
        held, held_id = self._take(context, launcher, store, run_dir, stage)
        folder = Path(held.job)
        mailbox = Mailbox(f"{store.root}/jobs/{folder.name}" if self.mailbox else folder)
        marker = marker_of(run_dir, held)
        progress = Progress(context, stage, folder.name, self.observe_every)
        reader = mailbox.reader(progress.message, poll=min(self.poll, 0.25))
        with open_pipes_session(
            context=context,
            context_injector=mailbox.injector(),
            message_reader=reader,
            extras={"run_dir": str(run_dir), "stage": stage},
        ) as session:
            if held_id is None:
                job_id = self._launch(context, launcher, run_dir, folder, ranks, marker, mailbox, session)
                context.log.info(f"launched {stage} on {ranks} ranks in {folder}")
            else:
                job_id = held_id
                context.log.info(f"adopted the job that runs in {folder}")
            record_launch(context, folder, job_id)
            status = self._wait(context, launcher, run_dir, Job(folder, job_id, mailbox, marker))
        if status:
            launcher.sweep(job_id, marker)
            said, disk = reader.closed_with or {}, run_dir / "checkpoints"
            raise outcome.failure(launcher, stage, folder, status, said, disk)
        return outcome.result(session, launcher, reader, progress, run_dir, folder, stage)

    def _take(
        self, context: Any, launcher: Launcher, store: Lake, run_dir: Path, stage: str
    ) -> tuple[lease.Lease, str | None]:
        """The lease under which this run goes on, and the id of its job if that is to be adopted
        (None: to be launched).

        A job that runs is adopted, by whichever run it was launched, and so is this step's own
        launch if it has succeeded. Anything else is replaced under the next epoch, after its
        remaining processes were killed."""
        own = find_launch(context)
        while True:
            before = lease.current(store)
            if before:
                job_id = self._launched(launcher, Path(before.job))
                state = launcher.state(Path(before.job), job_id) if job_id else State(None, False)
                if job_id and state.alive and state.status is None:
                    if before.purpose != stage:
                        raise dg.Failure(
                            f"{run_dir} is being written by {before.purpose} ({before.job}):"
                            f" wait for it, or stop it with {run_dir}/stop"
                        )
                    return before, job_id
                if job_id and state.status == 0 and own and own[0] == Path(before.job):
                    return before, job_id
                unreached = launcher.sweep(job_id, marker_of(run_dir, before))
                forget_environment(launcher, Path(before.job))
                if unreached:
                    context.log.warning(
                        f"could not look for ranks of epoch {before.epoch} on {', '.join(unreached)};"
                        " they have lost the lease"
                    )
            epoch = before.epoch + 1 if before else 1
            claimed = lease.Lease(
                epoch, str(run_dir / "jobs" / f"{stage}-{epoch:04d}"), stage, context.run_id
            )
            if lease.claim(store, claimed):
                return claimed, None

    def _launched(self, launcher: Launcher, folder: Path) -> str | None:
        """The id of a lease's job. A lease without one is younger than its launch, or its launcher
        died: wait for a while."""
        deadline = time.monotonic() + self.launching
        while (job_id := launcher.job_id(folder)) is None and time.monotonic() < deadline:
            time.sleep(self.poll)
        return job_id

    def _launch(
        self,
        context: Any,
        launcher: Launcher,
        run_dir: Path,
        folder: Path,
        ranks: int,
        marker: str,
        mailbox: Mailbox,
        session: Any,
    ) -> str:
        """Start the ranks of a lease that has just been claimed; the job's id."""
        (run_dir / "stop").unlink(missing_ok=True)
        # Heartbeats of an earlier job would look silent.
        launcher.output(["rm", "-rf", str(run_dir / "heartbeats")])
        arguments = [*marker.split(), *mailbox.arguments]
        arguments += [part for pair in session.get_bootstrap_cli_arguments().items() for part in pair]
        try:
            command = launcher.training_command(folder, ranks, "model.train", arguments)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return launcher.start(folder, command, self.job_environment(run_dir), ranks)

    def _wait(self, context: Any, launcher: Launcher, run_dir: Path, job: Job) -> int:
        """The exit status of a job, once it has ended."""
        patience = Patience(
            grace=self.grace,
            poll=self.poll,
            heartbeat_every=self.heartbeat_every,
            unreachable=self.unreachable,
            silence=self.silence,
        )
        return JobWait(context, launcher, run_dir, job, patience).until_end()

    def run_evaluation(
        self,
        context: dg.AssetExecutionContext,
        run_dir: Path,
        task: str,
        output: Path,
        data: Path | None = None,
        export: Path | None = None,
        limit: int | None = None,
        before: Path | None = None,
    ) -> dict[str, Any]:
        """Run one task of `model.evaluate` in one process; returns the JSON it wrote to `output`.
        One that still runs is adopted."""
        launcher, started = self.make_launcher(), time.monotonic()
        folder = run_dir / "jobs" / f"evaluate-{task}-{context.run_id[:8]}-{context.retry_number}"
        own = find_launch(context)
        state = launcher.state(*own) if own else State(None, False)
        if own and (state.status == 0 or (state.status is None and state.alive)):
            folder, job_id = own
            context.log.info(f"adopted the evaluation that runs in {folder}")
        else:
            arguments = ["--run-dir", str(run_dir), "--task", task]
            arguments += ["--export", str(export or run_dir / "export/stage2")]
            arguments += ["--output", str(folder / "report.json"), *(["--data", str(data)] if data else [])]
            arguments += ["--limit", str(limit)] if limit is not None else []
            arguments += ["--before", str(before)] if before is not None else []
            job_id = launcher.start(
                folder,
                launcher.evaluation_command("model.evaluate", arguments),
                self.job_environment(run_dir),
            )
        record_launch(context, folder, job_id)
        status = self._wait(context, launcher, run_dir, Job(folder, job_id, Mailbox(folder)))
        if status:
            raise outcome.failure(launcher, f"evaluation {task}", folder, status, {})
        try:
            report: dict[str, Any] = json.loads(launcher.output(["cat", str(folder / "report.json")]))
        except (RuntimeError, ValueError) as error:
            raise dg.Failure(
                f"evaluation {task} ended with status 0 but left no report in {folder}: {error}"
            ) from error
        report |= {
            "seconds": round(time.monotonic() - started, 2),
            "cpu_seconds": outcome.cpu_seconds(launcher, folder),
        }
        Lake(output.parent).write_json(output.name, report)
        return report


def on_s3(run_dir: Path) -> bool:
    """Whether the run file of a folder names addresses on S3."""
    path = run_dir / RUN_FILE
    return path.exists() and "s3://" in path.read_text(encoding="utf-8")


def marker_of(run_dir: Path, held: lease.Lease) -> str:
    """The arguments that name one lease of one run: every rank has them on its command line, and
    nothing else has."""
    return f"--run-dir {run_dir} --stage {held.purpose} --epoch {held.epoch}"
