"""The checks and metadata of a dump's assets, through Dagster itself."""

from __future__ import annotations

import json

import dagster as dg

from assets.dump import decisions, edits
from assets.resources import LakeResource
from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.judged import CHINESE, ENGLISH, MENU, PLANTED, judged
from tests.support.resources import HereInstead


def test_checks_and_funnel_are_reported_and_hold_no_personal_data(lake: Lake, engine: InProcess) -> None:
    judged(
        lake, engine, "d", [[f"{ENGLISH}Write to {PLANTED}.", CHINESE, *(MENU + str(k) for k in range(40))]]
    )
    lake.write_bytes("cards/checks.yaml", b"min_documents: 10\nmin_keep_rate: 0.2\n")
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("dump", ["d"])
        resources = {"lake": LakeResource(root=lake.root), "spark": HereInstead()}
        done = dg.materialize([edits, decisions], partition_key="d", instance=instance, resources=resources)
        assert done.success
        checks = {e.check_name: e for e in done.get_asset_check_evaluations()}
        assert {n for n, e in checks.items() if not e.passed} == {
            "keep_rate",
            "heaviest_reason",
            "validation_groups",
        }
        assert {"pii_leftovers", "language_share", "has_rows"} <= {n for n, e in checks.items() if e.passed}
        assert checks["keep_rate"].severity == dg.AssetCheckSeverity.WARN
        (event,) = done.asset_materializations_for_node("decisions")
        assert "| decisions | 42 | 2 |" in event.metadata["funnel"].value  # type: ignore[operator]
        told = json.dumps([str(e) for e in done.all_events])
        assert PLANTED not in told and "planted.person" not in told
