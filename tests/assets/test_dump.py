"""The checks and metadata of a dump's assets, through Dagster itself."""

from __future__ import annotations

import json
from pathlib import Path

import dagster as dg
import pytest

from assets.dump import decisions, documents, edits, raw_dump, split
from assets.resources import LakeResource
from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.archives import compressed, warc
from tests.support.judged import CHINESE, ENGLISH, MENU, PLANTED, judged
from tests.support.resources import HereInstead
from tests.support.spoken import say


def test_checks_and_funnel_are_reported_and_hold_no_personal_data(lake: Lake, engine: InProcess) -> None:
    texts = [[f"{ENGLISH}Write to {PLANTED}.", CHINESE, *(MENU + str(k) for k in range(40))]]
    say(lake, judged(lake, engine, "d", texts), 0, 0, "keep")
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
        assert {"pii_leftovers", "language_share", "perplexity_tail", "has_rows"} <= {
            n for n, e in checks.items() if e.passed
        }
        assert checks["keep_rate"].severity == dg.AssetCheckSeverity.WARN
        (event,) = done.asset_materializations_for_node("decisions")
        assert "| decisions | 42 | 2 |" in str(event.metadata["funnel"].value)
        assert "en  keep recall 1.000" in str(event.metadata["labels"].value)
        told = json.dumps([str(e) for e in done.all_events])
        assert PLANTED not in told and "planted.person" not in told


@pytest.mark.parametrize("asked", [["documents"], ["left_out"], ["documents", "left_out"]])
def test_what_a_dump_leaves_out_is_made_with_its_documents(
    lake: Lake, tmp_path: Path, asked: list[str]
) -> None:
    (tmp_path / "a.warc.gz").write_bytes(compressed(warc(1), "gzip") + b"cut")
    card = f"name: d\nkind: warc\nuris: [{tmp_path}/a.warc.gz]\n"
    lake.write_bytes("cards/dumps/d.yaml", card.encode())
    resources = {"lake": LakeResource(root=lake.root), "spark": HereInstead()}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("dump", ["d"])
        done = dg.materialize(
            [raw_dump, split, documents],
            selection=["raw_dump", "split", *asked],
            partition_key="d",
            instance=instance,
            resources=resources,
        )
        tables = {event.asset_key.to_user_string() for event in done.get_asset_materialization_events()}
    assert tables == {"raw_dump", "split", *asked}
    assert lake.current("left_out", "d").read()["reason"].to_pylist() == ["broken/gap"]
