"""The numbers of chosen documents are those that their decisions were made of."""

from __future__ import annotations

import numpy as np
import pytest

from pipelines.engine import InProcess
from pipelines.filtering.decisions import judge
from pipelines.filtering.policy import current_policy
from pipelines.inspection.numbers import judged_tables, numbers_of, published_policy
from pipelines.lake import Lake, LakeError
from pipelines.tables.inputs import DumpTables
from tests.support.judged import judged


def test_chosen_rows_are_judged_as_the_whole_was(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine)
    tables = judged_tables(lake, judged(lake, engine).card)
    policy = published_policy(tables)
    assert policy == current_policy(lake)
    for part in range(len(tables.documents.parts)):
        wanted = tables.need("decisions").read_part(part)
        for rows in (None, np.array([1])):
            metadata, columns = numbers_of(tables, policy, part, rows, ["doc_id", "category", "url"])
            assert metadata["url"][0].as_py().startswith("https://d.invalid/")
            found = judge(metadata, columns, policy, {})[0].to_pylist()
            published = (wanted if rows is None else wanted.take(rows)).to_pylist()
            for row in (*found, *published):
                row["reasons"].sort()  # the manifest keeps the policy with sorted keys
            assert found == published


def test_decisions_that_name_no_policy_are_named(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine)
    old = lake.publish(
        "decisions",
        "d",
        version=1,
        write=lambda w: w.write_table("part-00000.parquet", tables.need("decisions").read()),
    )
    with pytest.raises(LakeError, match="name no policy"):
        published_policy(DumpTables(tables.card, tables.documents, tables.edits, decisions=old.dataset))
