"""The real trainer through the real launcher, once: DeepSpeed on two ranks of this machine, started
and judged by Dagster."""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from assets.cluster.client import PipesDeepSpeedClient


def test_a_stage_trains_under_dagster(make_run: Any, tmp_path: Path) -> None:
    run: Path = make_run("dagster", checkpoint_store=str(tmp_path / "store"))
    instance = dg.DagsterInstance.ephemeral()

    @dg.asset
    def stage1(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        return PipesDeepSpeedClient(retries=0, observe_every=3).run(
            context, run_dir=run, stage="stage1", ranks=2
        )

    result = dg.materialize([stage1], instance=instance, raise_on_error=False)
    assert result.success, "".join(p.read_text()[-2000:] for p in run.glob("jobs/*/stderr"))
    [event] = result.asset_materializations_for_node("stage1")
    record = json.loads((run / "export" / "stage1" / "stage.json").read_text())
    assert event.tags["dagster/data_version"] == record["weights_hash"]
    assert (
        "| web-en |" in event.metadata["loss_by_domain"].value
        and "| 1 |" in event.metadata["preflight"].value
    )
    assert event.metadata["checkpoint_uploads"].value == {"3": "done", "6": "done"}
    assert (tmp_path / "store" / "checkpoints" / "step-00000006" / "checkpoint.json").exists()
    found = [
        r.asset_observation.metadata
        for r in instance.fetch_observations(dg.AssetKey("stage1"), limit=100).records
    ]  # type: ignore[union-attr]
    assert {int(m["step"].value) for m in found if m["event"].value == "step"} == {1, 3, 6}  # type: ignore[arg-type]
