"""The DeepSpeed cluster as a Dagster resource: launch, watch, reattach, stop.

Belongs here: what makes a run of the cluster a success, a failure or a stop. Does not belong here: commands
and processes (launchers.py), messages (mailbox.py), training (model/train.py).

Success is exit status 0, and Pipes closed without an exception, and a materialization reported: DeepSpeed's
launcher exits 0 when a rank was killed by a signal, so the status alone proves nothing.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from dagster import open_pipes_session
from dagster._core.errors import DagsterExecutionInterruptedError
from pydantic import Field, PrivateAttr

from assets.cluster import handles, lease
from assets.cluster.launchers import Launcher, LocalLauncher, SlurmLauncher, exit_status
from assets.cluster.mailbox import AppendOnlyMessages, KeptFileContext, tail

BAD_CONFIGURATION = 78  # EX_CONFIG of sysexits.h: the job says that a retry cannot help
# What the library raises for input that a person has to mend; all ranks would meet it again.
REFUSALS = frozenset({"LakeError", "PlanError", "ShardError", "CheckpointError", "ConfigError", "StrategyError", "MissingDataset"})
STOPPING = (dg.DagsterRunStatus.CANCELING, dg.DagsterRunStatus.CANCELED)


class DeepSpeedCluster(dg.ConfigurableResource):
    """Runs `model.train` and `model.evaluate` outside of Dagster's processes.

    `launcher`: local (with `hostfile`: DeepSpeed's pdsh launcher over its hosts; with `head`: started there
    over ssh) or slurm. `environment` is set for every job; without a GPU it should name the CPU accelerator,
    which is the default where no NVIDIA device is present. Seconds: `grace` between a stop request and a signal,
    `poll` between looks at the job.
    """

    launcher: str = "local"
    head: str = ""
    hostfile: str = ""
    slurm_options: list[str] = Field(default=[])
    environment: dict[str, str] = Field(default={})
    observe_every: int = 10
    grace: float = 120.0
    poll: float = 0.5
    _launcher: Any = PrivateAttr(default=None)

    @staticmethod
    def using(launcher: Launcher, **settings: Any) -> DeepSpeedCluster:
        """A cluster with a launcher of the caller's own."""
        cluster = DeepSpeedCluster(**settings)
        cluster._launcher = launcher
        return cluster

    def make_launcher(self) -> Launcher:
        """The launcher that the settings name."""
        if self._launcher is not None:
            return self._launcher
        if self.launcher == "slurm":
            return SlurmLauncher(options=tuple(self.slurm_options))
        if self.launcher != "local":
            raise dg.Failure(f"launcher {self.launcher!r}: use local or slurm", allow_retries=False)
        shell = ("ssh", "-o", "BatchMode=yes", self.head) if self.head else ("bash", "-c")
        return LocalLauncher(shell=shell, hostfile=self.hostfile)

    def job_environment(self) -> dict[str, str]:
        """Variables of every job."""
        cpu = {} if Path("/dev/nvidiactl").exists() else {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": "1"}
        return {"PYTHONUNBUFFERED": "1", "TOKENIZERS_PARALLELISM": "false", **cpu, **self.environment}

    def run(self, context: dg.AssetExecutionContext, run_dir: Path, stage: str, ranks: int) -> dg.MaterializeResult:
        """Train one stage on `ranks` ranks; returns what the job reported. A job that still runs is adopted.

        Raises dg.Failure with the end of the job's stderr; retries are not allowed where the job says that
        its configuration is wrong.
        """
        launcher = self.make_launcher()
        arguments = ["--run-dir", str(run_dir), "--stage", stage]
        progress = Progress(context, stage, self.observe_every)
        with lease.locked(run_dir):
            held = self._living(context, launcher, run_dir, stage)
            job = held[0] if held else self._new_job(context, run_dir, stage)
            reader = AppendOnlyMessages(job / "messages.jsonl", progress.message, poll=min(self.poll, 0.25))
            session_manager = open_pipes_session(
                context=context,
                context_injector=KeptFileContext(job / "context.json"),
                message_reader=reader,
                extras={"run_dir": str(run_dir), "stage": stage},
            )
            session = session_manager.__enter__()
            try:
                if held:
                    job_id = held[1]
                    context.log.info(f"adopted the job that runs in {job}")
                else:
                    (run_dir / "stop").unlink(missing_ok=True)
                    bootstrap = [part for pair in session.get_bootstrap_cli_arguments().items() for part in pair]
                    command = launcher.training_command(ranks, "model.train", [*arguments, *bootstrap])
                    job_id = launcher.start(job, command, self.job_environment())
                    context.log.info(f"launched {stage} on {ranks} ranks in {job}")
                handles.record(context, job, job_id)
                before = lease.read(run_dir)
                epoch = (before.epoch if before else 0) + (0 if held and before else 1)
                lease.write(run_dir, lease.Lease(epoch, str(job), job_id, stage))
            except BaseException as error:
                session_manager.__exit__(type(error), error, error.__traceback__)
                raise
        with _closing(session_manager):
            status = self._wait(context, launcher, run_dir, job, job_id)
        if status:
            exception = reader.closed_with or {}
            refused = status == BAD_CONFIGURATION or exception.get("name") in REFUSALS
            cause = str(exception.get("message", "")).strip() or tail(job / "stderr") or tail(job / "stdout")
            raise dg.Failure(f"{stage} ended with status {status} in {job}:\n{cause}", allow_retries=not refused)
        return self._result(session, reader, job, stage)

    def _living(self, context: Any, launcher: Launcher, run_dir: Path, stage: str) -> tuple[Path, str] | None:
        """A job to adopt: this step's own launch if it runs or has succeeded, or whoever holds the lease and runs."""
        own = handles.find(context)
        if own and (exit_status(own[0]) == 0 or (exit_status(own[0]) is None and launcher.alive(own[1]))):
            return own
        holder = lease.read(run_dir)
        if holder and exit_status(Path(holder.job)) is None and launcher.alive(holder.job_id):
            if holder.purpose != stage:
                raise dg.Failure(
                    f"{run_dir} is being written by {holder.purpose} ({holder.job}): wait for it, or stop it with {run_dir}/stop"
                )
            return Path(holder.job), holder.job_id
        return None

    @staticmethod
    def _new_job(context: Any, run_dir: Path, stage: str) -> Path:
        folder = run_dir / "jobs"
        attempt = 1 + len(list(folder.glob(f"{stage}-*"))) if folder.exists() else 1
        job = folder / f"{stage}-{attempt:03d}-{context.run_id[:8]}"
        job.mkdir(parents=True)
        return job

    def _wait(self, context: Any, launcher: Launcher, run_dir: Path, job: Path, job_id: str) -> int:
        """Poll until the job has ended; its exit status. On an interrupt: stop the job or leave it running."""
        try:
            while (status := exit_status(job)) is None:
                if not launcher.alive(job_id):
                    time.sleep(3 * self.poll)  # the status file may be a moment behind the process
                    if (status := exit_status(job)) is None:
                        raise dg.Failure(f"the job in {job} vanished without an exit status:\n{tail(job / 'stderr')}")
                    break
                time.sleep(self.poll)
            return status
        except (DagsterExecutionInterruptedError, KeyboardInterrupt):
            run = context.instance.get_run_by_id(context.run_id)
            interactive = run is None or run.status in STOPPING or os.isatty(0)
            if not interactive:  # a redeploy or a killed worker: the retry adopts the job
                context.log.info(f"detached from the job in {job}, which goes on")
                raise
            self._stop(context, launcher, run_dir, job, job_id)
            raise

    def _stop(self, context: Any, launcher: Launcher, run_dir: Path, job: Path, job_id: str) -> None:
        """Ask for a checkpoint, wait for the end; signal only after the grace period."""
        context.log.info(f"asked the job in {job} to save and stop; signals follow after {self.grace:.0f} s")
        (run_dir / "stop").touch()
        for name, seconds in (("", self.grace), ("TERM", 10.0), ("KILL", 5.0)):
            if name:
                launcher.signal(job_id, name)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline:
                if exit_status(job) is not None or not launcher.alive(job_id):
                    return
                time.sleep(self.poll)

    @staticmethod
    def _result(session: Any, reader: AppendOnlyMessages, job: Path, stage: str) -> dg.MaterializeResult:
        handler = session.message_handler
        reported = [r for r in session.get_results(implicit_materializations=False) if isinstance(r, dg.MaterializeResult)]
        if not handler.received_closed_message or reader.closed_with or not reported:
            what = (
                "did not close its messages"
                if not handler.received_closed_message
                else f"closed with an exception: {reader.closed_with.get('message')}"
                if reader.closed_with
                else "reported no materialization (was it stopped?)"
            )
            raise dg.Failure(f"{stage} ended with status 0 but {what}; a rank may have been killed. See {job}:\n{tail(job / 'stderr')}")
        metadata = {**reported[-1].metadata, "job": dg.MetadataValue.path(str(job)), "recomputed": True}
        return reported[-1]._replace(metadata=metadata)

    def run_evaluation(
        self,
        context: dg.AssetExecutionContext,
        run_dir: Path,
        task: str,
        output: Path,
        data: Path | None = None,
        export: Path | None = None,
    ) -> dict[str, Any]:
        """Run one task of `model.evaluate` in one process; returns the JSON it wrote to `output`."""
        launcher = self.make_launcher()
        job = self._new_job(context, run_dir, f"evaluate-{task}")
        output.parent.mkdir(parents=True, exist_ok=True)
        temporary = job / "report.json"
        python = getattr(launcher, "python", "python")
        command: Sequence[str] = [
            python,
            "-m",
            "model.evaluate",
            "--run-dir",
            str(run_dir),
            "--export",
            str(export or run_dir / "export/stage2"),
        ]
        command = [*command, "--task", task, "--output", str(temporary), *(["--data", str(data)] if data else [])]
        job_id = launcher.start(job, command, self.job_environment())
        status = self._wait(context, launcher, run_dir, job, job_id)
        if status or not temporary.exists():
            raise dg.Failure(
                f"evaluation {task} ended with status {status} in {job}:\n{tail(job / 'stderr') or tail(job / 'stdout')}",
                allow_retries=status != BAD_CONFIGURATION,
            )
        report: dict[str, Any] = json.loads(temporary.read_text())
        temporary.replace(output)
        return report


class _closing:
    """A session that was entered under the lease and is left after the wait."""

    def __init__(self, manager: Any) -> None:
        self.manager = manager

    def __enter__(self) -> None: ...

    def __exit__(self, *error: Any) -> None:
        self.manager.__exit__(*error)


class Progress:
    """Turns the job's custom messages into log lines and observations, each step once over all runs and replays."""

    def __init__(self, context: Any, stage: str, every: int) -> None:
        self.context, self.stage, self.every = context, stage, every
        self.seen = self._last_observed()

    def _last_observed(self) -> int:
        """The last step that an earlier Dagster run of the same asset and job recorded, by parent runs."""
        run = self.context.run
        parent = run.parent_run_id
        last = -1
        while parent:
            for record in self.context.instance.all_logs(parent, of_type=dg.DagsterEventType.ASSET_OBSERVATION):
                observation = record.dagster_event.asset_observation_data.asset_observation
                if observation.asset_key == self.context.asset_key and "step" in observation.metadata:
                    last = max(last, int(observation.metadata["step"].value))
            before = self.context.instance.get_run_by_id(parent)
            parent = before.parent_run_id if before else None
        return last

    def message(self, payload: Any) -> None:
        """One custom message. Steps other than every n-th go to the trainer's own log only."""
        if not isinstance(payload, dict):
            return
        if payload.get("event") != "step":
            self.context.log.info(f"{self.stage}: {json.dumps(payload, ensure_ascii=False)[:500]}")
            return
        step = int(payload["step"])
        if step <= self.seen or (step % self.every and self.seen >= 0):
            return
        self.seen = step
        numbers = {k: v for k, v in payload.items() if isinstance(v, int | float) and not isinstance(v, bool)}
        self.context.log.info(f"{self.stage} step {step}: loss {payload.get('loss', float('nan')):.4f}")
        partition = self.context.partition_key if self.context.has_partition_key else None
        self.context.log_event(dg.AssetObservation(self.context.asset_key, partition=partition, metadata=numbers))
