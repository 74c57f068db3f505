from pathlib import Path
from typing import Any

import dagster as dg

from assets.cluster.launch_records import find_launch, record_launch


def test_a_retry_finds_the_latest_launch_and_another_run_finds_none(tmp_path: Path) -> None:
    """The private module of Dagster that this rests on, through a real run and its retry."""
    found: list[Any] = []

    @dg.asset
    def checkpoint(context: dg.AssetExecutionContext) -> None:
        found.append(find_launch(context))
        if context.retry_number == 0:
            record_launch(context, tmp_path / "jobs" / "first", "11@boot")
            record_launch(context, tmp_path / "jobs" / "second", "12@boot")
            raise dg.RetryRequested(max_retries=1)

    with dg.DagsterInstance.ephemeral() as instance:
        assert dg.materialize([checkpoint], instance=instance).success
        assert found == [None, (tmp_path / "jobs" / "second", "12@boot")]
        assert dg.materialize([checkpoint], instance=instance).success
    assert found[2] is None
