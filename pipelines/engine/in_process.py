"""Work over parts in this process.

Belongs here: the engine of unit tests, small releases and in-process benchmarks. Does not belong here:
Spark (spark.py).
"""

from __future__ import annotations

from collections.abc import Callable


class InProcess:
    """Parts one after the other in this process: unit tests and in-process benchmarks."""

    @property
    def session(self) -> None:
        return None

    def map_parts(self, count: int, work: Callable[[int], None]) -> None:
        for index in range(count):
            work(index)
