"""A release's vocabulary is the one that its card names, on every road."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import assets.release
from assets.resources import FilesResource, LakeResource, SparkResource
from jobs.definitions import defs
from pipelines.dedup.duplicates import duplicates_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build
from tests.support.release_samples import make_release, prose


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
