"""The DeepSpeed cluster as a Dagster resource: launch, watch, adopt, stop.

Belongs here: what makes a run of the cluster a success, a failure or a stop. Does not belong here:
commands and processes (launchers.py), messages (mailbox.py), who may write (lease.py), training
(model/train.py).

Success is exit status 0, and Pipes closed without an exception, and a materialization reported, and
the checkpoint's manifest verified: DeepSpeed's launcher exits 0 when its child was killed by a
signal, so the status alone proves nothing.
"""

from __future__ import annotations

import json
import os
import re
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster import open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field, PrivateAttr

from assets.cluster import handles, lease, orphans
from assets.cluster.launchers import (
    Launcher,
    LocalLauncher,
    SlurmLauncher,
    State,
    Unreachable,
    free_bytes,
    over_ssh,
    tail,
)
from assets.cluster.mailbox import Mailbox, Messages
from assets.cluster.progress import Progress
from assets.cluster.watch import Silence, noted_signals, parse_heartbeats
from pipelines.lake import Lake

BAD_CONFIGURATION = os.EX_CONFIG  # the job says that a retry cannot help
# What the library raises for input that a person has to mend; all ranks would meet it again.
REFUSALS = frozenset(
    {
        "LakeError",
        "PlanError",
        "ShardError",
        "CheckpointError",
        "ConfigError",
        "StrategyError",
        "MissingDataset",
        "PreflightError",
    }
)
FULL_BYTES = 1 << 20
STOPPING = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)
ERROR_LINE = re.compile(
    r"^(?:\S+: )?(?:\[rank\d+\]:\s*)?(?:[\w.]+\.)?([A-Z]\w*(?:Error|Exception|Superseded|Dataset|Interrupt)): (.*)$",
    re.M,
)


@dataclass(frozen=True)
class Job:
    """A launched job: its folder on the cluster, the launcher's id, its mailbox, the marker on its
    ranks' command lines."""

    folder: Path
    id: str
    mailbox: Mailbox
    marker: str = ""


class PipesDeepSpeedClient(dg.ConfigurableResource):
    """Runs `model.train` and `model.evaluate` outside of Dagster's processes.

    `launcher` is local or slurm. Local: on this machine, or over ssh on the node `head`; with
    `hostfile`, DeepSpeed's pdsh launcher takes it from there. `environment` is set for every job;
    `secrets` names variables of Dagster's own environment that a job gets too (S3 keys, say): their
    values go into a file that only its owner may read. `mailbox` is `s3://bucket/prefix` where
    Dagster and the cluster share no folder. Without a GPU jobs get the CPU accelerator.

    Seconds: `grace` between a stop request and a signal, `poll` between looks at the job,
    `heartbeat_every` between looks at the ranks, `unreachable` that the head node may be away,
    `launching` that a lease may stand without a job. `silence` sets the longest silence of a phase
    (model/run/heartbeat.py has the defaults).

    A lost job is launched again up to `retries` times, the first after `retry_seconds`, each later
    one after twice as long. This is not a RetryPolicy of the asset, because under one Dagster also
    restarts a step that was interrupted: Terminate would train on.
    """

    launcher: str = "local"
    head: str = ""
    hostfile: str = ""
    master_addr: str = ""
    slurm_options: list[str] = Field(default=[])
    environment: dict[str, str] = Field(default={})
    secrets: list[str] = Field(default=[])
    mailbox: str = ""
    observe_every: int = 10
    grace: float = 120.0
    poll: float = 0.5
    heartbeat_every: float = 5.0
    unreachable: float = 600.0
    launching: float = 60.0
    silence: dict[str, float] = Field(default={})
    retries: int = 3
    retry_seconds: float = 10.0
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

    def job_environment(self) -> dict[str, str]:
        """Variables of every job."""
        if missing := [name for name in self.secrets if name not in os.environ]:
            raise dg.Failure(
                f"secrets {', '.join(missing)} are not set in Dagster's environment", allow_retries=False
            )
        cpu = {} if Path("/dev/nvidiactl").exists() else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        own = {name: os.environ[name] for name in self.secrets}
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
            handles.record(context, folder, job_id)
            job = Job(folder, job_id, mailbox, marker)
            status = self._wait(context, launcher, run_dir, job)
        if status:
            launcher.sweep(job_id, marker)
            raise self._failure(
                launcher, stage, job, status, reader.closed_with or {}, run_dir / "checkpoints"
            )
        return self._result(session, launcher, reader, progress, run_dir, job, stage)

    def _take(
        self, context: Any, launcher: Launcher, store: Lake, run_dir: Path, stage: str
    ) -> tuple[lease.Lease, str | None]:
        """The lease under which this run goes on, and the id of its job if that is to be adopted
        (None: to be launched).

        Adopted is what runs, whoever launched it, and this step's own launch if it has succeeded.
        Anything else is taken over with the next epoch, after what may be left of it was killed.
        """
        own = handles.find(context)
        while True:
            before = lease.current(store)
            if before:
                job_id = self._launched(launcher, Path(before.job))
                state = launcher.state(Path(before.job), job_id) if job_id else State(None, False)
                if job_id and state.alive and state.status is None:
                    if before.purpose != stage:
                        raise dg.Failure(
                            f"{run_dir} is being written by {before.purpose} ({before.job}): wait for it, or stop it with {run_dir}/stop"
                        )
                    return before, job_id
                if job_id and state.status == 0 and own and own[0] == Path(before.job):
                    return before, job_id
                unreached = launcher.sweep(job_id, marker_of(run_dir, before))
                if unreached:
                    context.log.warning(
                        f"could not look for ranks of epoch {before.epoch} on {', '.join(unreached)}; they have lost the lease"
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
        launcher.output(
            ["rm", "-rf", str(run_dir / "heartbeats")]
        )  # those of an earlier job would look silent
        arguments = [*marker.split(), *mailbox.arguments]
        arguments += [part for pair in session.get_bootstrap_cli_arguments().items() for part in pair]
        try:
            command = launcher.training_command(folder, ranks, "model.train", arguments)
        except ValueError as error:
            raise dg.Failure(str(error), allow_retries=False) from error
        return launcher.start(folder, command, self.job_environment(), ranks)

    def _wait(self, context: Any, launcher: Launcher, run_dir: Path, job: Job) -> int:
        """Poll until the job has ended; its exit status. On an interrupt: stop the job or leave it
        running."""
        silence, looked, beats, beaten, heard = (
            Silence(self.silence),
            0.0,
            0,
            -orphans.BEAT_SECONDS,
            time.monotonic(),
        )
        try:
            with noted_signals() as received:
                while True:
                    now = time.monotonic()
                    if now - beaten >= orphans.BEAT_SECONDS:
                        context.instance.add_run_tags(
                            context.run_id, {orphans.TAG: orphans.sign_of_life(context.run_id, beats)}
                        )
                        beaten, beats = now, beats + 1
                    try:
                        state = launcher.state(job.folder, job.id)
                        if job.marker and now - looked >= self.heartbeat_every:
                            looked = now
                            if late := silence.silent(self._heartbeats(launcher, run_dir)):
                                return self._give_up(launcher, job, late)
                        heard = now
                    except Unreachable as error:
                        if now - heard > self.unreachable:
                            raise dg.Failure(
                                f"the head node has not answered for {now - heard:.0f} s ({error}); {job.folder} may go on"
                            ) from error
                        time.sleep(self.poll)
                        continue
                    if state.status is not None:
                        return state.status
                    if not state.alive:
                        return self._vanished(launcher, job)
                    time.sleep(self.poll)
        except (DagsterExecutionInterruptedError, KeyboardInterrupt):
            run = context.instance.get_run_by_id(context.run_id)
            asked = run is None or run.status in STOPPING
            if not asked and received[-1:] == [
                signal.SIGTERM
            ]:  # a redeploy or a killed worker: the retry adopts the job
                context.log.info(f"detached from the job in {job.folder}, which goes on")
                raise
            self._stop(context, launcher, run_dir, job)
            raise

    def _vanished(self, launcher: Launcher, job: Job) -> int:
        """The exit status of a job without processes; dg.Failure if it never wrote one."""
        time.sleep(3 * self.poll)  # the file may be a moment behind the process
        state = launcher.state(job.folder, job.id)
        if state.status is not None:
            return state.status
        launcher.sweep(job.id, job.marker) if job.marker else None
        epitaph = launcher.epitaph(job.id)
        what = f"ended as {epitaph}" if epitaph else "vanished without an exit status"
        raise dg.Failure(f"the job in {job.folder} {what}:\n{tail(launcher, job.folder / 'stderr')}")

    def _give_up(self, launcher: Launcher, job: Job, late: list[str]) -> int:
        """End a job whose ranks have fallen silent, on every host that answers."""
        launcher.signal(job.id, "KILL")
        unreached = launcher.sweep(job.id, job.marker)
        away = f"; {', '.join(unreached)} cannot be reached" if unreached else ""
        raise dg.Failure(f"the job in {job.folder} hangs and was ended: {'; '.join(late[:4])}{away}")

    def _heartbeats(self, launcher: Launcher, run_dir: Path) -> list[dict[str, Any]]:
        folder = run_dir / "heartbeats"
        if folder.is_dir():
            return parse_heartbeats("\n".join(p.read_text() for p in sorted(folder.glob("rank-*.json"))))
        return parse_heartbeats(
            launcher.output(
                ["bash", "-c", 'for f in "$0"/rank-*.json; do cat "$f" 2>/dev/null; echo; done', str(folder)]
            )
        )

    def _stop(self, context: Any, launcher: Launcher, run_dir: Path, job: Job) -> None:
        """Ask for a checkpoint, wait for the end; signal only after the grace period. The job is
        gone when this returns."""
        context.log.info(
            f"asked the job in {job.folder} to save and stop; signals follow after {self.grace:.0f} s"
        )
        job.mailbox.request_stop(run_dir)
        for name, seconds in (
            ("", self.grace),
            ("TERM", 35.0),
            ("KILL", 5.0),
        ):  # DeepSpeed's launcher waits 30 s for its ranks
            if name:
                launcher.signal(job.id, name)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                state = launcher.state(job.folder, job.id)
                if state.status is not None or not state.alive:
                    return
                time.sleep(self.poll)
        launcher.sweep(job.id, job.marker) if job.marker else None

    def _failure(
        self,
        launcher: Launcher,
        what: str,
        job: Job,
        status: int,
        exception: dict[str, Any],
        disk: Path | None = None,
    ) -> dg.Failure:
        """The job's error as a sentence: what rank 0 said, or the last error on any rank's stderr;
        and that `disk` is full, if it is.

        torch says of a full disk only "unexpected pos".
        """
        text = tail(launcher, job.folder / "stderr", 20_000) or tail(launcher, job.folder / "stdout")
        errors = ERROR_LINE.findall(text)
        name = exception.get("name") or (errors[-1][0] if errors else "")
        refused = status == BAD_CONFIGURATION or name in REFUSALS or any(n in REFUSALS for n, _ in errors)
        said = str(exception.get("message", "")).strip() or "\n".join(
            f"{n}: {m}" for n, m in dict.fromkeys(errors[-4:])
        )
        free = free_bytes(launcher, disk) if disk else None
        full = f"\n{disk} has {free} bytes free: make room" if free is not None and free < FULL_BYTES else ""
        return dg.Failure(
            f"{what} ended with status {status} in {job.folder}:\n{said or text[-2000:]}{full}",
            allow_retries=not refused,
        )

    def _result(
        self,
        session: Any,
        launcher: Launcher,
        reader: Messages,
        progress: Progress,
        run_dir: Path,
        job: Job,
        stage: str,
    ) -> dg.MaterializeResult:
        """What the job reported, once everything that a success needs has been found true."""
        handler = session.message_handler
        reported = [
            r
            for r in session.get_results(implicit_materializations=False)
            if isinstance(r, dg.MaterializeResult)
        ]
        if (
            handler.received_closed_message
            and not reader.closed_with
            and not reported
            and progress.stopped_at is not None
        ):
            limit = self._exists(launcher, job.folder / "time-limit")
            why = "its time limit came near" if limit else "it was asked to: materialize it again to go on"
            raise dg.Failure(
                f"{stage} saved and stopped at step {progress.stopped_at}; {why}", allow_retries=limit
            )
        if not handler.received_closed_message or reader.closed_with or not reported:
            what = (
                "did not close its messages"
                if not handler.received_closed_message
                else f"closed with an exception: {reader.closed_with.get('message')}"
                if reader.closed_with
                else "reported no materialization"
            )
            end = tail(launcher, job.folder / "stderr")
            raise dg.Failure(
                f"{stage} ended with status 0 but {what}; a rank may have been killed. See {job.folder}:\n{end}"
            )
        record = self._verified(launcher, run_dir, stage)
        version = reported[-1].data_version
        if version is None or record["weights_hash"] != version.value:
            raise dg.Failure(
                f"{stage} reported weights {version and version.value}, its record names {record['weights_hash']}"
            )
        values = {
            **(reported[-1].metadata or {}),
            **progress.metadata(run_dir),
            "cpu_seconds": self._cpu_seconds(launcher, job.folder),
        }
        return reported[-1]._replace(
            metadata={**values, "job": dg.MetadataValue.path(str(job.folder)), "recomputed": True}
        )

    @staticmethod
    def _exists(launcher: Launcher, path: Path) -> bool:
        return launcher.output(["bash", "-c", '[ -e "$0" ] && echo yes || true', str(path)]) == "yes"

    @staticmethod
    def _cpu_seconds(launcher: Launcher, job: Path) -> float:
        """Of an ended job's processes on the host that launched it."""
        return round(
            float(launcher.output(["bash", "-c", 'cat "$0" 2>/dev/null || echo 0', str(job / "times")])), 2
        )

    @staticmethod
    def _verified(launcher: Launcher, run_dir: Path, stage: str) -> dict[str, Any]:
        """The stage's record after its checkpoint's files were compared with their manifest, where
        the files are."""
        try:
            return dict(
                json.loads(
                    launcher.output(
                        [
                            launcher.python(),
                            "-m",
                            "model.checkpoints.verify",
                            "--run-dir",
                            str(run_dir),
                            "--stage",
                            stage,
                        ]
                    )
                )
            )
        except RuntimeError as error:
            raise dg.Failure(
                f"{stage} reported its end, but what it left does not verify: {error}"
            ) from error

    def run_evaluation(
        self,
        context: dg.AssetExecutionContext,
        run_dir: Path,
        task: str,
        output: Path,
        data: Path | None = None,
        export: Path | None = None,
    ) -> dict[str, Any]:
        """Run one task of `model.evaluate` in one process; returns the JSON it wrote to `output`.
        One that still runs is adopted."""
        launcher, started = self.make_launcher(), time.monotonic()
        folder = run_dir / "jobs" / f"evaluate-{task}-{context.run_id[:8]}-{context.retry_number}"
        own = handles.find(context)
        state = launcher.state(*own) if own else State(None, False)
        if own and (state.status == 0 or (state.status is None and state.alive)):
            folder, job_id = own
            context.log.info(f"adopted the evaluation that runs in {folder}")
        else:
            arguments = [
                "--run-dir",
                str(run_dir),
                "--export",
                str(export or run_dir / "export/stage2"),
                "--task",
                task,
            ]
            arguments += ["--output", str(folder / "report.json"), *(["--data", str(data)] if data else [])]
            job_id = launcher.start(
                folder, launcher.evaluation_command("model.evaluate", arguments), self.job_environment()
            )
        handles.record(context, folder, job_id)
        job = Job(folder, job_id, Mailbox(folder))
        status = self._wait(context, launcher, run_dir, job)
        if status:
            raise self._failure(launcher, f"evaluation {task}", job, status, {})
        try:
            report: dict[str, Any] = json.loads(launcher.output(["cat", str(folder / "report.json")]))
        except (RuntimeError, ValueError) as error:
            raise dg.Failure(
                f"evaluation {task} ended with status 0 but left no report in {folder}: {error}"
            ) from error
        report |= {
            "seconds": round(time.monotonic() - started, 2),
            "cpu_seconds": self._cpu_seconds(launcher, folder),
        }
        Lake(output.parent).write_json(output.name, report)
        return report


def marker_of(run_dir: Path, held: lease.Lease) -> str:
    """The arguments that name one lease of one run: every rank has them on its command line, and
    nothing else has."""
    return f"--run-dir {run_dir} --stage {held.purpose} --epoch {held.epoch}"
