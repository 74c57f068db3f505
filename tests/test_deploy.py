"""The files of deploy/ are what they say: Dagster and the client read them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from dagster._core.instance.ref import InstanceRef

from assets.cluster.client import PipesDeepSpeedClient
from assets.cluster.launchers import LocalLauncher
from assets.cluster.slurm import SlurmLauncher

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"


def test_the_production_instance_is_on_postgres(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "DAGSTER_PG_USER",
        "DAGSTER_PG_PASSWORD",
        "DAGSTER_PG_HOST",
        "DAGSTER_PG_DB",
        "DAGSTER_LOG_BUCKET",
    ):
        monkeypatch.setenv(name, name.lower())
    shutil.copy(DEPLOY / "dagster.production.yaml", tmp_path / "dagster.yaml")
    reference = InstanceRef.from_dir(str(tmp_path))
    assert reference.storage_data.class_name == "DagsterPostgresStorage"
    assert reference.compute_logs_data.class_name == "S3ComputeLogManager"
    assert reference.settings["run_monitoring"]["free_slots_after_run_end_seconds"] == 30
    assert "DAGSTER_PG_PASSWORD".lower() not in str(reference.to_dict())


@pytest.mark.parametrize(
    ("name", "kind"), [("cluster.example.yaml", LocalLauncher), ("cluster.slurm.example.yaml", SlurmLauncher)]
)
def test_the_cluster_examples_are_read(name: str, kind: type) -> None:
    client = PipesDeepSpeedClient.from_file(str(DEPLOY / name))
    launcher = client.make_launcher()
    assert isinstance(launcher, kind)
    if isinstance(launcher, LocalLauncher):
        assert launcher.shell[0] == "ssh" and launcher.shell[-1] == "train@head-node"


def test_the_hostfile_example_is_read() -> None:
    assert LocalLauncher(hostfile=str(DEPLOY / "hostfile.example")).hosts() == {"node001": 8, "node002": 8}
