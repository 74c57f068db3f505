"""Training over two hosts by `deepspeed --hostfile`, started by Dagster, against everything that
can happen to a host.

`make test-cluster`: needs root for network namespaces; skipped with the reason elsewhere.
"""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import dagster as dg
import psutil
import pytest

from assets.cluster.client import PipesDeepSpeedClient
from assets.cluster.launchers import LocalLauncher
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.phases import Phase, Schedule
from tests.support.hosts import Hosts, missing
from tests.support.runs import run_file
from tests.support.training_runs import MODEL, write_learnable_shards

pytestmark = [pytest.mark.full, pytest.mark.skipif(bool(missing()), reason=missing() or "hosts can be made")]
STEPS, EVERY = 300, 60
WITHIN_SECONDS = 60.0
"""From a fault to the failure that Dagster shows."""


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hosts]:
    disk = tmp_path_factory.mktemp("disk")
    # Before the hosts: a host keeps the mounts that were there when it was booted.
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32m", "skypile-test", str(disk)], check=True)
    made = Hosts(tmp_path_factory.mktemp("hosts") / "h", disk)
    try:
        yield made
    finally:
        made.remove()
        subprocess.run(["umount", str(disk)], check=False)


@pytest.fixture(scope="module")
def make_run(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Writes a run of one stage, long enough to be hit while it trains."""
    root = tmp_path_factory.mktemp("runs")
    sources = {
        "main": {"en-webpages": 60_000, "zh-webpages": 60_000},
        "stem": {"en-stem": 4_000},
        "validation": {"web-en": 700},
    }
    listings = {
        name: write_learnable_shards(root / name, tokens, seed)
        for seed, (name, tokens) in enumerate(sources.items())
    }
    phase = Phase(
        name="a",
        stage="stage1",
        tokens=STEPS * 256,
        schedule=Schedule(kind="cosine", peak=1e-2, final=1e-3, warmup_tokens=2560),
    )
    card = RunCard(
        name="test", release="r", sequence_length=32, global_batch=8, micro_batch=2, phases=(phase,)
    )
    run = run_file(
        build_plan(card, {n: listings[n] for n in ("main", "stem")}),
        {n: root / n for n in sources},
        model=MODEL,
        micro_batch=2,
        checkpoint_every=EVERY,
        validate_every=STEPS,
    )

    def make(name: str) -> Path:
        folder = root / name
        (folder / "checkpoints").mkdir(parents=True)
        run.write(folder)
        return folder

    return make


def client(hosts: Hosts) -> PipesDeepSpeedClient:
    launcher = LocalLauncher(shell=hosts.shell, hostfile=str(hosts.hostfile), master_addr="10.77.0.1")
    environment = {"GLOO_SOCKET_IFNAME": "eth0"}
    return PipesDeepSpeedClient.using(
        launcher,
        environment=environment,
        silence={"step": 30.0, "save": 30.0},
        heartbeat_every=1.0,
        observe_every=50,
        retries=6,
        retry_seconds=1.0,
        launching=5.0,
        grace=5.0,
    )


def train(hosts: Hosts, run: Path, instance: dg.DagsterInstance) -> Any:
    @dg.asset
    def checkpoint(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return client(hosts).run(context, run_dir=run, stage="stage1", ranks=2)

    return dg.materialize([checkpoint], instance=instance, raise_on_error=False)


def losses(run: Path) -> list[float]:
    return [json.loads(line)["loss"] for line in (run / "logs" / "steps.jsonl").read_text().splitlines()]


def weights(run: Path) -> str:
    return str(json.loads((run / "export" / "stage1" / "stage.json").read_text())["weights_hash"])


def ranks_of(run: Path) -> dict[int, int]:
    """Process number of every rank, by its heartbeat."""
    beats = [json.loads(p.read_text()) for p in (run / "heartbeats").glob("rank-*.json")]
    return {b["rank"]: b["pid"] for b in beats}


Fault = tuple[str, int, Callable[[], Any], Callable[[], Any]]


class Faults(Thread):
    """Does one thing after another to a running job: each when training has come to its step, then
    waits for Dagster's failure."""

    def __init__(self, run: Path, instance: dg.DagsterInstance, plan: list[Fault]) -> None:
        super().__init__(daemon=True)
        self.run_dir, self.instance, self.plan = run, instance, plan
        self.seconds: dict[str, float] = {}
        self.messages: dict[str, str] = {}
        self.errors: list[BaseException] = []

    def failures(self) -> list[Any]:
        kinds = {dg.DagsterEventType.STEP_UP_FOR_RETRY, dg.DagsterEventType.STEP_FAILURE}
        return [
            r for run in self.instance.get_runs() for r in self.instance.all_logs(run.run_id, of_type=kinds)
        ]

    def run(self) -> None:
        try:
            for name, step, fault, mend in self.plan:
                before = len(self.failures())
                self.wait(lambda s=step: self.last_step() >= s, 400, f"step {step}")
                fault()
                started = time.time()
                self.wait(lambda b=before: len(self.failures()) > b, 240, f"Dagster's failure after {name}")
                event = self.failures()[before]
                self.seconds[name] = event.timestamp - started
                data = event.dagster_event.event_specific_data
                self.messages[name] = str(data.error.cause or data.error)
                mend()
        except BaseException as error:
            self.errors.append(error)

    def last_step(self) -> int:
        path = self.run_dir / "logs" / "steps.jsonl"
        lines = path.read_text().splitlines() if path.exists() else []
        with_step = [line for line in lines if line.endswith("}")]
        # Lines that a lost job wrote stand until the next one starts: only those of the living job
        # count.
        return int(json.loads(with_step[-1])["step"]) if with_step and self.alive() else 0

    def alive(self) -> bool:
        return any(psutil.pid_exists(pid) for pid in ranks_of(self.run_dir).values())

    @staticmethod
    def wait(condition: Callable[[], bool], seconds: float, what: str) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"waited {seconds} s for {what}")
            time.sleep(0.05)


@pytest.fixture(scope="module")
def whole(hosts: Hosts, make_run: Callable[[str], Path]) -> Path:
    """A run that nothing happens to."""
    run = make_run("whole")
    result = train(hosts, run, dg.DagsterInstance.ephemeral())
    assert result.success, explain(run)
    return run


def explain(run: Path) -> str:
    return "\n".join(p.read_text()[-3000:] for p in sorted(run.glob("jobs/*/stderr")))


def test_two_hosts_train_and_the_preflight_names_both(whole: Path, hosts: Hosts) -> None:
    assert len(losses(whole)) == STEPS and losses(whole)[-1] < losses(whole)[0] - 0.5
    beats = [json.loads(p.read_text()) for p in (whole / "heartbeats").glob("rank-*.json")]
    assert sorted(b["host"] for b in beats) == sorted(hosts.names)
    messages = "".join(p.read_text() for p in whole.glob("jobs/*/messages.jsonl"))
    assert '"event": "preflight"' in messages and all(n in messages for n in hosts.names)


def test_every_fault_is_an_honest_failure_and_the_losses_are_those_of_an_uninterrupted_run(
    whole: Path, hosts: Hosts, make_run: Callable[[str], Path], tmp_path: Path
) -> None:
    """A remote rank killed, a whole host killed, its link down during a step, the disk full at a
    checkpoint: one after the other."""
    run, instance = make_run("faulty"), dg.DagsterInstance.ephemeral()
    _head, other = hosts.names
    (run / "checkpoints").rmdir()
    (run / "checkpoints").symlink_to(hosts.disk)
    ballast = hosts.disk / "ballast"

    def fill() -> None:
        with open(ballast, "wb", buffering=0) as stream:
            try:
                while True:
                    stream.write(bytes(1 << 16))
            except OSError:
                pass

    plan = [
        ("a remote rank killed", 20, lambda: os.kill(ranks_of(run)[1], signal.SIGKILL), lambda: None),
        ("a host killed", EVERY + 20, lambda: hosts.kill(other), lambda: hosts.boot(other)),
        ("link down", 2 * EVERY + 20, lambda: hosts.link(other, "down"), lambda: hosts.link(other, "up")),
        ("disk full", 3 * EVERY + 20, fill, ballast.unlink),
    ]
    faults = Faults(run, instance, plan)
    faults.start()
    result = train(hosts, run, instance)
    faults.join(5)
    print(
        json.dumps(
            {"seconds": faults.seconds, "messages": {k: v[:400] for k, v in faults.messages.items()}},
            indent=1,
        )
    )
    assert not faults.errors, f"{faults.errors} {explain(run)}"
    assert result.success, explain(run)
    assert set(faults.seconds) == {name for name, *_ in plan}
    assert all(seconds < WITHIN_SECONDS for seconds in faults.seconds.values()), faults.seconds
    assert "silent" in faults.messages["link down"]
    assert "bytes free: make room" in faults.messages["disk full"]
    assert len(list((run / "jobs").iterdir())) == len(plan) + 1
    assert losses(run) == losses(whole) and weights(run) == weights(whole)
