"""Settings from the environment, and the cards of a lake.

Belongs here: where the lake is, which Spark master, how many ranks; how a card is found by name.
Does not belong here: anything about one dump, release or run: that is on its card.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from model.checkpoints.store import run_folder
from pipelines.lake import Lake

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Settings:
    """Every setting has a default that works on a laptop."""

    lake: str = str(ROOT / "lake")  # SKYPILE_LAKE: a folder or s3://bucket/prefix
    spark_master: str = "local[*]"  # SKYPILE_SPARK_MASTER
    ranks: int = 2  # SKYPILE_RANKS: training processes of the local launcher
    benchmarks: str = ""  # SKYPILE_BENCHMARKS: folder of benchmark files; what is missing is reported by name
    peers: str = ""  # SKYPILE_TOKENIZERS: folder of peer tokenizers
    # SKYPILE_CLUSTER: YAML file of the training cluster (deploy/cluster.example.yaml); none: this
    # machine
    cluster: str = ""
    # SKYPILE_RUNS: folder of training runs, which all ranks share; none: runs/ of a lake that is a
    # folder
    runs: str = ""
    cache: str = str(ROOT / ".cache")  # SKYPILE_CACHE: downloads

    @staticmethod
    def from_environment() -> Settings:
        """SKYPILE_* variables over the defaults."""
        default, env = Settings(), os.environ
        return Settings(
            lake=env.get("SKYPILE_LAKE", default.lake),
            spark_master=env.get("SKYPILE_SPARK_MASTER", default.spark_master),
            ranks=int(env.get("SKYPILE_RANKS", default.ranks)),
            benchmarks=env.get("SKYPILE_BENCHMARKS", default.benchmarks),
            peers=env.get("SKYPILE_TOKENIZERS", default.peers),
            cluster=env.get("SKYPILE_CLUSTER", default.cluster),
            runs=env.get("SKYPILE_RUNS", default.runs),
            cache=env.get("SKYPILE_CACHE", default.cache),
        )

    def open_lake(self) -> Lake:
        return Lake(self.lake, cache=Path(self.cache, "objects"))

    def run_folder(self, name: str) -> Path:
        """Where a training run's work and checkpoints are."""
        return run_folder(self.open_lake(), self.runs, name)
