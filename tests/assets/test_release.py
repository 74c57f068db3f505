"""A release's vocabulary is the one that its card names, on every road."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import assets.release
from assets.resources import FilesResource, LakeResource, SparkResource
from jobs.definitions import defs


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
