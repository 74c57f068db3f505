"""Settings of this installation, from SKYPILE_* variables of the environment.

Belongs here: where the lake is, which Spark master, which cluster. Does not belong here: anything
about one dump, release or run: that is on its card.
"""

from __future__ import annotations

import functools
import logging
import os
from pathlib import Path

from pydantic import field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from model.checkpoints.store import run_folder
from pipelines.lake import Lake

ROOT = Path(__file__).resolve().parents[1]
PREFIX = "SKYPILE_"


class Settings(BaseSettings):
    """Every setting has a default that works on a laptop. The variable of a field is its name in
    capitals behind SKYPILE_; an empty one counts as not set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
        use_attribute_docstrings=True,
    )

    lake: str = str(ROOT / "lake")
    """The lake: a folder or s3://bucket/prefix."""
    spark_master: str = "local[*]"
    """Spark's master: local[*], spark://host:port, yarn or k8s://..."""
    benchmarks: str = ""
    """Folder of benchmark files; what is missing, in it or without it, is reported by name."""
    tokenizers: str = ""
    """Folder of other vocabularies, which the tokenizer report compares ours with."""
    cluster: str = ""
    """YAML file of the training cluster (deploy/cluster.example.yaml). None: this machine."""
    runs: str = ""
    """Folder of training runs, on storage that all ranks share. None: runs/ of a lake that is a
    folder."""
    cache: str = str(ROOT / ".cache")
    """Folder of downloads and of copies of objects on S3."""
    kenlm_bin: str = ""
    """Folder of KenLM's programs lmplz and build_binary (read where the models are built). None:
    .cache/kenlm/bin of the checkout, then PATH."""
    ui_hosts: str = ""
    """Names of the web UI's server beside localhost, with commas between: requests under other names are
    refused."""
    ui_token: str = ""
    """Token that the web UI asks for. None: a new one at each start where it listens beyond loopback or
    several people have accounts on the machine, else no token."""

    @field_validator("lake", "runs", "cache", "benchmarks", "tokenizers", "cluster", "kenlm_bin")
    @classmethod
    def _absolute(cls, value: str) -> str:
        """Folders and files as absolute paths: jobs elsewhere have another working directory and home."""
        if not value or "://" in value:
            return value
        return str(Path(value).expanduser().absolute())

    @model_validator(mode="after")
    def _warn_of_unknown(self) -> Settings:
        for name in sorted(n for n in os.environ if n.startswith(PREFIX)):
            if name.removeprefix(PREFIX).lower() not in type(self).model_fields:
                _warn(name)
        return self

    def open_lake(self) -> Lake:
        return Lake(self.lake, cache=Path(self.cache, "objects"))

    def run_folder(self, name: str) -> Path:
        """Where a training run's work and checkpoints are."""
        return run_folder(self.open_lake(), self.runs, name)


@functools.cache
def _warn(name: str) -> None:
    """Once in a process for each name."""
    known = ", ".join(PREFIX + field.upper() for field in Settings.model_fields)
    logging.getLogger("skypile").warning("%s is set, but is no setting: known are %s", name, known)
