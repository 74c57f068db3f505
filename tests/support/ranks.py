"""Ranks for tests: a process that has imported torch and DeepSpeed once and forks ranks on request.

`python -m tests.support.ranks` reads one JSON request a line: {"main": "module:function", "world":
2, "arguments": [...], "fault": {...}, "log": folder, "timeout": seconds} and answers with the
ranks' exit codes. A `fault`
names a rank, a function and the call at which that rank is killed with SIGKILL, or another harm of
`break_at` is done.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import time
import traceback
from pathlib import Path
from typing import Any

ALL = -1
"""A fault on every rank."""


class Ranks:
    """The client: starts the process, sends requests."""

    def __init__(self) -> None:
        environment = os.environ | {
            "DS_ACCELERATOR": "cpu",
            "OMP_NUM_THREADS": "1",
            "TOKENIZERS_PARALLELISM": "false",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.support.ranks"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def train(
        self,
        folder: Path,
        stage: str,
        world: int,
        fault: dict[str, Any] | None = None,
        timeout: float = 900.0,
    ) -> list[int]:
        """Exit codes of `model.train` by rank; a killed rank has a negative code. Ranks have the
        AWS_* variables of this moment."""
        arguments = ["--run-dir", str(folder), "--stage", stage]
        return self.run("model.train:main", arguments, folder, world, fault, timeout)

    def run(
        self,
        main: str,
        arguments: list[str],
        folder: Path,
        world: int,
        fault: dict[str, Any] | None = None,
        timeout: float = 900.0,
    ) -> list[int]:
        """Exit codes of `module:function` by rank, which is called with the arguments; what it
        prints goes to `folder`."""
        request = {
            "main": main,
            "world": world,
            "arguments": arguments,
            "fault": fault,
            "log": str(folder),
            "timeout": timeout,
        }
        request["environment"] = {k: v for k, v in os.environ.items() if k.startswith("AWS_")}
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return list(json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(timeout=20)


def break_at(
    function: str,
    call: int,
    touch: str | None = None,
    seconds: float = 0.0,
    times: int = 1,
    factor: float | None = None,
    before: bool = False,
) -> None:
    """Replace `module:name` or `module:Class.name`. At its n-th call (from 1) this process dies,
    before or after the call; or with `touch` writes that file and takes `seconds` longer; or with
    `factor` multiplies what the call and the `times` - 1 after it return."""
    module, _, path = function.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, name = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    original, count = getattr(owner, name), [0]

    def wrapped(*args: Any, **kwargs: Any) -> Any:
        count[0] += 1
        if before and count[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if factor is not None:
            return result * factor if call <= count[0] < call + times else result
        if count[0] == call and touch:
            Path(touch).touch()
            time.sleep(seconds)
        elif count[0] == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


def run_rank(rank: int, port: int, request: dict[str, Any]) -> None:
    """In the child: become rank `rank` and never return."""
    os.environ.update(
        RANK=str(rank),
        LOCAL_RANK=str(rank),
        WORLD_SIZE=str(request["world"]),
        LOCAL_SIZE=str(request["world"]),
        MASTER_ADDR="127.0.0.1",
        MASTER_PORT=str(port),
        **request["environment"],
    )
    log = os.open(f"{request['log']}/rank{rank}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(log, 1)
    os.dup2(log, 2)
    code = 1
    try:
        module, _, name = request["main"].partition(":")
        main = getattr(importlib.import_module(module), name)
        fault = request["fault"]
        if fault and fault["rank"] in (rank, ALL):
            break_at(**{k: v for k, v in fault.items() if k != "rank"})
        code = main(request["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def run(request: dict[str, Any]) -> list[int]:
    """Fork the ranks; when one fails the others get two seconds, as DeepSpeed's launcher does."""
    from model.training.distributed import free_port

    port, pids = free_port(), []
    for rank in range(request["world"]):
        pid = os.fork()
        if pid == 0:
            run_rank(rank, port, request)
        pids.append(pid)
    codes: dict[int, int] = {}
    deadline = time.monotonic() + request["timeout"]
    while len(codes) < len(pids):
        for pid in pids:
            if pid not in codes:
                found, status = os.waitpid(pid, os.WNOHANG)
                if found:
                    codes[pid] = os.waitstatus_to_exitcode(status)
                    if codes[pid]:
                        deadline = min(deadline, time.monotonic() + 2.0)
        if time.monotonic() > deadline:
            for pid in pids:
                if pid not in codes:
                    os.kill(pid, signal.SIGKILL)
        time.sleep(0.02)
    return [codes[p] for p in pids]


if __name__ == "__main__":
    # Only the answers may go to the pipe.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    import deepspeed
    import deepspeed.ops  # noqa: F401
    import torch
    import torch.utils.tensorboard

    import model.checkpoints.export
    import model.network.architecture
    import model.train  # noqa: F401

    torch.set_num_threads(1)
    for line in sys.stdin:
        answers.write(json.dumps(run(json.loads(line))) + "\n")
        answers.flush()
