"""An entry finds its columns and its version where its writer says them."""

from __future__ import annotations

from pipelines.catalogue.tables import TABLES
from pipelines.signals import signals
from pipelines.tables.columns import REGISTER


def test_every_table_with_columns_has_an_entry_and_the_entry_its_writers_schema() -> None:
    with_columns = {name for name, table in TABLES.items() if table.schema is not None}
    assert with_columns == set(REGISTER)
    assert TABLES["decisions"].schema is REGISTER["decisions"].schema
    assert TABLES["tokenizer"].schema is None and TABLES["stage1_checkpoint"].schema is None


def test_the_version_of_a_table_is_that_of_its_stage() -> None:
    assert TABLES["signals/rules"].version == signals.VERSIONS["rules"]
    assert TABLES["stage1_checkpoint"].version is None, "known by its own files"
