"""Whether work on foreign text grows with its length alone.

Belongs here: the comparison of the time at n and at 2n. Does not belong here: which texts are
hostile (they stand in the tests of what reads them).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

CHARS = 20_000
MAX_RATIO = 3.0  # linear is 2, quadratic 4; the rest is for a busy machine
MIN_SECONDS = 0.005  # below it a clock tells nothing about growth
MAX_SECONDS_A_CHAR = 20e-6  # of the longer text: 20 times the bound of 4 MB in 4 s, for a busy machine


def assert_linear(work: Callable[[Any], object], unit: Any, before: Any = None, after: Any = None) -> None:
    """`work` on `before`, repeated `unit`, `after` (all text or all bytes): at most MAX_RATIO times as
    long for twice the length.

    Processor time, the smallest of three. A text that takes no time is made longer first.
    """

    def seconds(size: int) -> float:
        text = (before or unit[:0]) + unit * (size // len(unit)) + (after or unit[:0])
        times = []
        for _ in range(3):
            began = time.process_time()
            work(text)
            times.append(time.process_time() - began)
        return min(times)

    size = CHARS
    while (short := seconds(size)) < MIN_SECONDS and size < 64 * CHARS:
        size *= 4
    long = seconds(2 * size)
    what = f"{unit!r} repeated to {size} and {2 * size} characters takes {short:.4f} and {long:.4f} s"
    assert long <= MAX_RATIO * max(short, MIN_SECONDS), f"{what}: not linear"
    assert long <= MAX_SECONDS_A_CHAR * 2 * size, f"{what}: linear, yet too slow"
