"""What assets are given: the lake, Spark, the training cluster.

Belongs here: thin wrappers that Dagster configures. Does not belong here: any computation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg

from model.checkpoints.store import run_folder
from pipelines.engine import Spark
from pipelines.lake import Lake, safe_name


class LakeResource(dg.ConfigurableResource):
    """The lake, and where training runs work."""

    root: str
    cache: str = ""
    runs: str = ""

    @property
    def lake(self) -> Lake:
        return Lake(self.root, cache=self.cache or None)

    def run_dir(self, run: str) -> Path:
        """The folder of a training run, on storage that all hosts share."""
        return run_folder(self.lake, self.runs, run)

    def run_places(self, run: str) -> list[str]:
        """Where JSON of a run is written: the folder where the run works and, if that is elsewhere,
        the lake, for garbage collection and reports."""
        elsewhere = [f"{self.lake.root}/runs/{safe_name(run)}"] if self.runs or self.lake.is_s3 else []
        return [str(self.run_dir(run)), *elsewhere]

    def write_run_json(self, run: str, name: str, value: Any) -> None:
        """A JSON file of a run, in each of its places."""
        for place in self.run_places(run):
            Lake(place).write_json(name, value)


class SparkResource(dg.ConfigurableResource):
    """One Spark session for the process, started when a stage first needs it."""

    master: str = "local[*]"

    @property
    def engine(self) -> Spark:
        return shared_engine(self.master)


_engines: dict[str, Spark] = {}


def shared_engine(master: str) -> Spark:
    """The process's engine for a master; sessions are shared because a JVM's settings are fixed at
    its start."""
    return _engines.setdefault(master, Spark(master))


def running_engines() -> list[Spark]:
    """The engines whose session has been started."""
    return [e for e in _engines.values() if e.started]


class FilesResource(dg.ConfigurableResource):
    """Folders outside the lake: benchmark files and peer tokenizers. Empty where there are none."""

    benchmarks: str = ""
    peers: str = ""

    def benchmark_folder(self) -> Path | None:
        return Path(self.benchmarks) if self.benchmarks else None

    def peers_folder(self) -> Path | None:
        return Path(self.peers) if self.peers else None
