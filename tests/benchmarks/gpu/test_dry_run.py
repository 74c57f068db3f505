"""The GPU kit at toy size on a CPU: every part runs, and tells what it would tell on a GPU."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from benchmarks.gpu.__main__ import PARTS, SECONDS, Part, run
from benchmarks.gpu.compiling import NOT_AT_ALL, settings
from benchmarks.gpu.shares import SHAPE
from model.network.config import PRESETS, ModelConfig

CHECKS = (
    "bf16_step",
    "compiled_blocks",
    "loss_head",
    "causal_attention",
    "document_attention",
    "resume",
    "strategies",
    "export_and_scorer",
)


@pytest.mark.skipif(torch.cuda.is_available(), reason="a dry run is what happens without a GPU")
def test_a_dry_run_tells_every_part_and_ends_with_zero() -> None:
    done = subprocess.run([sys.executable, "-m", "benchmarks.gpu"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3_000:] + done.stderr[-3_000:]
    assert done.stdout.startswith("No GPU is visible to torch: this is a dry run")
    lines = [json.loads(x) for x in done.stdout.splitlines() if x.startswith('{"part"')]
    found: dict[str, dict[str, Any]] = {x["part"]: x["metrics"] for x in lines}
    assert not [name for name, metrics in found.items() if "error" in metrics]
    assert found["compiling"]["way"] == "as it is" and found["compiling"]["first_pass_seconds"] > 0
    assert {f"checks/{name}" for name in CHECKS} < set(found) and found["checks"]["failed"] == 0
    step = found["train_step/ours"]
    shares = {f"mfu_{count}_of_{of}" for count in ("paper", "exact") for of in ("matmul", "peak")}
    assert shares | {"tokens_per_second", "peak_over_estimate"} <= set(step)
    assert found["train_step/beside"]["ratio_huggingface_compiled"] > 0
    assert {f"train_step/huggingface_compiled_{of}" for of in ("layers", "whole")} < set(found)
    assert {"products_ms", "attention_ms", "optimizer_ms", "head_ms", "gaps_ms"} <= set(found["profile"])
    assert {"blocks/7b", "blocks/13b", "blocks/attention"} < set(found)
    assert set(found["shares"]["share-000"]) == {"stem", "web-en", "web-zh"}


def test_the_experiment_on_a_gpu_trains_a_shape_that_exists() -> None:
    shape = ModelConfig.from_json(PRESETS[SHAPE["preset"]].to_json() | SHAPE["model"] | {"vocab_size": 8_192})
    assert 15e6 < shape.num_parameters < 25e6


def test_all_parts_together_stay_under_nine_minutes() -> None:
    # The last part takes what the others leave, and they end long before their limits.
    assert sum(part.seconds for part in PARTS[:-1]) + 30 < SECONDS < 540


def test_what_a_part_started_ends_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fifo = tmp_path / "alive"
    os.mkfifo(fifo)
    reader = os.open(fifo, os.O_RDONLY | os.O_NONBLOCK)
    child = (
        f"import time; f = open({str(fifo)!r}, 'wb', 0); f.write(b'x'); print(flush=True); time.sleep(600)"
    )
    start = f"""
import subprocess, sys
subprocess.Popen([sys.executable, "-c", {child!r}], stdout=subprocess.PIPE).stdout.read(1)
sys.exit(3)
"""
    monkeypatch.setattr("benchmarks.gpu.__main__.WATCH", start)
    assert run(Part("checks", 60), 60) == 3
    assert os.read(reader, 1) == b"x"
    # A killed process takes a moment to go; with it goes the file's last writer.
    assert select.select([reader], [], [], 30)[0], "what the part started is still there"
    assert os.read(reader, 1) == b""
    os.close(reader)


def test_a_part_at_its_limit_says_where_it_stands(capfd: pytest.CaptureFixture[str]) -> None:
    # Not always 1: a thread that is ending can crash the watch while it prints where threads stand.
    code = run(Part("checks", 1), 1)
    out = capfd.readouterr()
    assert code and f"checks ended with {code}" in out.out and "Timeout" in out.err


def test_where_compiling_does_not_end_the_next_way_is_tried(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    tried = []

    def answer(command: list[str], env: dict[str, str], **_: Any) -> subprocess.CompletedProcess[bytes]:
        tried.append(env["WAY"])
        if env["WAY"] == "as it is":
            raise subprocess.TimeoutExpired(command, 1)
        return subprocess.CompletedProcess(command, int(env["WAY"] == "in one process"))

    monkeypatch.setattr(subprocess, "run", answer)
    assert settings(1) == (NOT_AT_ALL, {"TORCH_COMPILE_DISABLE": "1"})
    assert tried == ["as it is", "in one process", NOT_AT_ALL]
    assert "compiling as it is ended with -9" in capfd.readouterr().out


def test_a_block_that_does_not_end_compiling_says_where_it_stands(capfd: pytest.CaptureFixture[str]) -> None:
    settings(0.01)
    assert "Timeout" in capfd.readouterr().err
