"""What assets share: the guards of a release as a blocking check."""

from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest

from assets.common import DUMP, finding_specs, guard_check, guards
from pipelines.cards.release import ReleaseCard


@pytest.mark.parametrize(("largest", "removed", "passed"), [(5, 5, True), (6, 5, False), (5, 6, False)])
def test_guards_say_their_figures_beside_what_the_card_allows(
    largest: int, removed: int, passed: bool
) -> None:
    sources = {"a": {"admitted": 10, "removed": removed}, "b": {"admitted": 0, "removed": 0}}
    built: Any = SimpleNamespace(
        dataset=SimpleNamespace(stats={"largest_cluster": largest, "sources": sources})
    )
    found = guards(built, ReleaseCard(name="r", dumps=("a",), max_cluster=5, max_source_share=0.5))
    assert found.passed is passed
    assert found.metadata["largest_source_share"].value == removed / 10
    assert guard_check("duplicates").blocking


def test_the_pass_of_one_dump_does_not_hide_the_failure_of_another() -> None:
    @dg.asset(name="edits", partitions_def=DUMP, check_specs=finding_specs("edits", "pii_leftovers"))
    def edits(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        check = dg.AssetCheckResult(check_name="pii_leftovers", passed=context.partition_key == "good")
        return dg.MaterializeResult(check_results=[check])

    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("dump", ["bad", "good"])
    found = {}
    for name in ("bad", "good"):
        done = dg.materialize([edits], instance=instance, partition_key=name)
        found |= {e.partition: e.passed for e in done.get_asset_check_evaluations()}
    assert found == {"bad": False, "good": True}
