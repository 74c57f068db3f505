"""The columns of a table in one list: name, type and meaning.

Belongs here: the form of that list, and the register that the reference of tables is made from.
Does not belong here: the columns of any table; each list lies beside the stage that writes it.
A meaning is no part of the schema, so it enters no hash.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

Column = tuple[str, pa.DataType, str]


@dataclass(frozen=True)
class Columns:
    """A table's schema, and what each column means, with its unit."""

    schema: pa.Schema
    meanings: dict[str, str]


REGISTER: dict[str, Columns] = {}
"""By table, as the lake names it (`documents`, `signals/rules`); filled when stages are imported."""


def described(table: str, columns: Iterable[Column]) -> pa.Schema:
    """The schema of `columns`; their meanings go to the register under `table`."""
    listed = list(columns)
    schema = pa.schema([(name, kind) for name, kind, _ in listed])
    REGISTER[table] = Columns(schema, {name: meaning for name, _, meaning in listed})
    return schema
