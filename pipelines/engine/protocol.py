"""What every engine can do.

Belongs here: the protocol that stages are written against. Does not belong here: an engine.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol


class Engine(Protocol):
    """Runs a function once for each part number."""

    @property
    def session(self) -> Any:
        """The SparkSession, which starts at its first use; None where work runs in this process."""

    def map_parts(self, count: int, work: Callable[[int], None]) -> None:
        """Run `work(i)` for each i in range(count); `work` writes its own output."""
