"""A table's columns in one list: the schema has no meanings, the register has them."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipelines.tables import columns


def test_a_schema_is_free_of_meanings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(columns, "REGISTER", {})
    schema = columns.described("t", iter([("a", pa.int32(), "how many"), ("b", pa.string(), "what")]))
    assert schema.equals(pa.schema([("a", pa.int32()), ("b", pa.string())]), check_metadata=True)
    assert {"t": columns.Columns(schema, {"a": "how many", "b": "what"})} == columns.REGISTER
