"""The assets of a release through Dagster itself: their tables, checks that block, the vocabulary that
the card names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.errors import DagsterAssetCheckFailedError

import assets.release
from assets.resources import FilesResource, LakeResource, SparkResource
from jobs.definitions import defs
from pipelines.catalogue.tables import names
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build
from tests.support.catalogue import built_release
from tests.support.release_samples import make_release, prose
from tests.support.resources import HereInstead


@pytest.mark.parametrize("config", [{}, {"ops": {"tokenizer": {"config": {"tokenizer": "full"}}}}])
def test_a_vocabulary_is_made_for_the_release_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    root = LakeResource(root=str(tmp_path))
    for name, vocabulary in (("demo", "full"), ("r", "demo")):
        card = f"name: {name}\ndumps: [d]\ntokenizer: {vocabulary}\n"
        root.lake.write_bytes(f"cards/releases/{name}.yaml", card.encode())
    asked: list[tuple[str, str, str]] = []

    def made(table: str, partition: str, *_: Any, **__: Any) -> Any:
        asked.append((table, partition, _[2].release))
        raise dg.Failure("enough")

    monkeypatch.setattr(assets.release, "made", made)
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("release", ["r"])
    dg.materialize(
        [assets.release.tokenizer, assets.release.skypile_main, assets.release.skypile_stem],
        selection=["tokenizer"],
        instance=instance,
        partition_key="r",
        run_config=config,
        raise_on_error=False,
        resources={"lake": root, "spark": SparkResource(), "files": FilesResource()},
    )
    assert asked == [("tokenizer", "full" if config else "demo", "r")]


def test_a_launch_cannot_name_another_release_than_its_partition() -> None:
    job = defs.resolve_job_def("release")
    dg.validate_run_config(job, {})
    with pytest.raises(dg.DagsterInvalidConfigError, match="unexpected config"):
        dg.validate_run_config(job, {"ops": {"tokenizer": {"config": {"release": "demo"}}}})


def test_the_first_election_reports_its_three_tables(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [{"text": prose(name)} for name in ("cat", "dog", "cat")]
    stage = duplicates_stage(make_release(lake, {"a": rows}))
    lake.write_bytes("cards/releases/r.yaml", b"name: r\ndumps: [a]\n")
    monkeypatch.setattr(assets.release, "made", lambda *_, **__: build(lake, InProcess(), stage))
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions("release", ["r"])
    done = dg.materialize(
        [assets.release.duplicates],
        instance=instance,
        partition_key="r",
        resources={"lake": LakeResource(root=lake.root), "spark": SparkResource()},
    )
    tables = {event.asset_key.to_user_string() for event in done.get_asset_materialization_events()}
    assert tables == {"duplicates", "clusters", "verified_pairs"}


def test_each_table_of_a_release_is_materialized_with_its_content_hash(lake: Lake, engine: InProcess) -> None:
    built_release(lake, engine)
    wanted = set(names(group="corpus")) - {"validation_sets"}  # this one has no rows, which blocks
    chosen = [
        asset for asset in assets.release.ASSETS if {key.to_user_string() for key in asset.keys} <= wanted
    ]
    resources = {"lake": LakeResource(root=lake.root), "spark": HereInstead(), "files": FilesResource()}
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("release", ["r"])
        done = dg.materialize(chosen, partition_key="r", instance=instance, resources=resources)
        seen = {
            event.asset_key.to_user_string(): event.materialization.metadata["content_hash"].value
            for event in done.get_asset_materialization_events()
            if event.asset_key
        }
        checks = {e.check_name: e.passed for e in done.get_asset_check_evaluations()}
        assert seen == {name: lake.current(name, "r").content_hash for name in wanted}
        assert {"guards", "no_equal_texts", "disjoint"} <= {name for name, passed in checks.items() if passed}
        with pytest.raises(DagsterAssetCheckFailedError, match="validation_sets: has_rows"):
            dg.materialize(
                [assets.release.validation_sets], partition_key="r", instance=instance, resources=resources
            )
