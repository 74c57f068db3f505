"""`python -m benchmarks.gpu.compiling`: one block through torch.compile, forward and backward.

Belongs here: whether the compiler works on this machine, and how. Does not belong here: whether what
it makes is right (checks.py) or fast (blocks.py). It runs first: a machine on which compiling hangs or
fails would otherwise lose every part that compiles.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import Any

import torch

from benchmarks.gpu.common import GPU, line
from model.network.architecture import Block
from model.network.attention import Rotary
from model.network.config import PRESETS
from model.training import distributed

SECONDS = 60
"""Time limit of one try. A block takes 10 to 20 s where it compiles, more where torch is read from a
cold disk."""
NOT_AT_ALL = "not at all"
WAYS: dict[str, dict[str, str]] = {
    "as it is": {},
    "in one process": {"TORCHINDUCTOR_COMPILE_THREADS": "1"},
    NOT_AT_ALL: {"TORCH_COMPILE_DISABLE": "1"},
}
"""Settings under which a block is tried, the fastest first: kernels are compiled by a pool of
processes, which a small machine may not be able to start."""


def settings(seconds: float = SECONDS) -> tuple[str, dict[str, str]]:
    """(Name, environment) of the first of `WAYS` under which a block compiles within `seconds`."""
    for name, environment in WAYS.items():
        command = [sys.executable, "-X", "faulthandler", "-m", "benchmarks.gpu.compiling"]
        told = os.environ | environment | {"WAY": name, "SECONDS": str(seconds)}
        try:
            # The block's own clock begins once torch is imported; this one is for what never ends.
            code = subprocess.run(
                command, env=told, timeout=seconds + 60, stdin=subprocess.DEVNULL
            ).returncode
        except subprocess.TimeoutExpired:
            code = -9
        if code == 0:
            return name, environment
        print(f"== compiling {name} ended with {code}", flush=True)
    return name, environment


def main() -> None:
    """Compile and run one block; the first pass is the compiler's time."""
    import faulthandler

    faulthandler.dump_traceback_later(float(os.environ.get("SECONDS", SECONDS)), exit=True)
    config = PRESETS["1b" if GPU else "debug"]
    with distributed.device():
        block = Block(config, Rotary(config)).to(torch.bfloat16)
        x = torch.randn(1, 256, config.hidden, dtype=torch.bfloat16, requires_grad=True)
    block.compile(backend="inductor" if GPU else "aot_eager")
    metrics: dict[str, Any] = {"way": os.environ.get("WAY", "as it is")}
    for name in ("first_pass_seconds", "second_pass_seconds"):
        started = time.monotonic()
        block(x).sum().backward()
        metrics[name] = time.monotonic() - started
    line("compiling", metrics)


if __name__ == "__main__":
    main()
