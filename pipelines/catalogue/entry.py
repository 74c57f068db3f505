"""What the catalogue says of one table, with what its writer's module says: columns and version.

Belongs here: the form of an entry. Does not belong here: the entries (tables.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import Literal

import pyarrow as pa

from pipelines.tables.columns import REGISTER

Life = Literal["dump", "release", "training_run", "global"]


@dataclass(frozen=True)
class Table:
    """One kind of dataset, which the lake holds once for each partition of its life.

    `writer` is the module of its stage. `reads` are the tables that the stage has as inputs, of its own
    partition, of the dumps of its release, or global ones. `beside` is the table whose stage writes this
    one on the way. `group` is its group in Dagster's graph. Of a table for `each` classifier there are
    several in the lake, NAME/CLASSIFIER.
    """

    name: str
    life: Life
    group: str
    meaning: str
    writer: str
    reads: tuple[str, ...] = ()
    beside: str = ""
    each: bool = False

    @property
    def schema(self) -> pa.Schema | None:
        """Its columns; None for models, tokenizers, shards and reports, which are files."""
        if self.life == "training_run":
            return None
        import_module(self.writer)
        return REGISTER[self.name].schema if self.name in REGISTER else None

    @property
    def version(self) -> int | None:
        """The version of its stage; None for what training writes, which is known by its own files."""
        if self.life == "training_run":
            return None
        module = import_module(self.writer)
        group = self.name.removeprefix("signals/")
        return int(module.VERSIONS[group] if group != self.name else module.VERSION)
