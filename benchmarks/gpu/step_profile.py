"""Where a training step's time on the device goes: products, attention, optimizer, head, gaps.

Belongs here: one profiled step as a table. Does not belong here: how long steps take unprofiled
(train_step.py).
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.gpu.common import GPU, wait
from model.training.engine import TrainingEngine

HEAD, OPTIMIZER = "range: head", "range: optimizer"
BY_NAME = {
    "attention": ("flash", "fmha", "sdpa", "attention", "cudnn_generated"),
    "products": ("gemm", "nvjet", "cutlass", "xmma", "cublas", "aten::mm", "aten::addmm"),
    "between ranks": ("nccl",),
    "copies": ("memcpy", "memset"),
    "fused pointwise": ("triton",),
}
"""Kinds of kernels by parts of their names, the first that fits; what is left is `other pointwise`:
sums and copies of gradients, mostly."""


@contextlib.contextmanager
def ranges(engine: TrainingEngine) -> Iterator[None]:
    """Name the head and the update, so that their kernels can be told from those of blocks."""
    from torch.profiler import record_function

    open_range: list[Any] = []

    def enter(*_: Any) -> None:
        open_range.append(record_function(HEAD))
        open_range[-1].__enter__()

    def leave(*_: Any) -> None:
        open_range.pop().__exit__(None, None, None)

    head = engine.inner.module.lm_head
    hooks = [head.register_forward_pre_hook(enter), head.register_forward_hook(leave)]
    step = engine.inner.step

    def named_step(*args: Any, **kwargs: Any) -> Any:
        with record_function(OPTIMIZER):
            return step(*args, **kwargs)

    engine.inner.step = named_step
    try:
        yield
    finally:
        engine.inner.step = step
        for hook in hooks:
            hook.remove()


def kind_of(name: str) -> str:
    """Kind of a kernel by its name."""
    lower = name.lower()
    return next((k for k, parts in BY_NAME.items() if any(p in lower for p in parts)), "other pointwise")


def profile_step(engine: TrainingEngine, step: Callable[[], None]) -> dict[str, float]:
    """Milliseconds of one step by kind, and the step's own; prints them as a table with the longest
    kernels.

    On a CPU the events of operators stand for kernels, so that the way is the same."""
    from torch.profiler import ProfilerActivity, profile

    activities = [ProfilerActivity.CPU] + ([ProfilerActivity.CUDA] if GPU else [])
    with ranges(engine), profile(activities=activities, acc_events=True) as profiled:
        step()
        wait()
    spans: list[tuple[float, float]] = []
    kinds: dict[str, float] = defaultdict(float)
    kernels: dict[str, float] = defaultdict(float)
    for event in profiled.events():
        if event.device_type.name == "CUDA" and not event.name.startswith("range: "):
            spans.append((event.time_range.start, event.time_range.end))
        if event.device_type.name != "CPU":
            continue
        found = (
            [(k.name, float(k.duration)) for k in event.kernels]
            if GPU
            else [(event.name, event.self_cpu_time_total)]
        )
        if not found:
            continue
        names = ancestors(event)
        for name, microseconds in found:
            kind = "head" if HEAD in names else "optimizer" if OPTIMIZER in names else kind_of(name)
            kinds[kind] += microseconds / 1e3
            kernels[f"{kind}: {name[:60]}"] += microseconds / 1e3
    spans = spans or [(0.0, 1e3 * sum(kinds.values()))]
    whole, busy = (max(e for _, e in spans) - min(s for s, _ in spans)) / 1e3, union(spans) / 1e3
    kinds["gaps"] = whole - busy
    print(f"{'kind':<20}{'ms':>10}{'share':>8}")
    for kind, ms in sorted(kinds.items(), key=lambda kv: -kv[1]):
        print(f"{kind:<20}{ms:>10.2f}{ms / whole:>8.1%}")
    for name, ms in sorted(kernels.items(), key=lambda kv: -kv[1])[:25]:
        print(f"    {name:<84}{ms:>10.2f}")
    return {"step_ms": whole, "busy_ms": busy} | {
        f"{k.replace(' ', '_')}_ms": v for k, v in sorted(kinds.items())
    }


def ancestors(event: Any) -> set[str]:
    """Names of the ranges around an event."""
    names = {event.name}
    while event.cpu_parent is not None:
        event = event.cpu_parent
        names.add(event.name)
    return names


def union(spans: list[tuple[float, float]]) -> float:
    """Length covered by intervals that may overlap."""
    covered, until = 0.0, float("-inf")
    for start, end in sorted(spans):
        covered += max(0.0, end - max(start, until))
        until = max(until, end)
    return covered
