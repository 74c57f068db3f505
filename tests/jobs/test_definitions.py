"""Definitions load, every asset says what it is, and the house has one way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import assets
import pipelines.extraction.documents
import pipelines.signals.signals
from jobs.definitions import build_definitions, defs
from jobs.settings import ROOT
from pipelines.catalogue.tables import TABLES


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(build_definitions())


def test_every_table_of_the_catalogue_is_an_asset_of_its_group_and_every_asset_is_in_it() -> None:
    groups = {spec.key.to_user_string(): spec.group_name for spec in defs.resolve_all_asset_specs()}
    assert groups == {name: table.group for name, table in TABLES.items()}


def test_an_asset_comes_after_what_its_table_reads() -> None:
    graph = defs.resolve_asset_graph()
    for name, table in TABLES.items():
        before = {
            k.to_user_string() for k in graph.get_ancestor_asset_keys(dg.AssetKey.from_user_string(name))
        }
        assert set(table.reads) <= before, name


@pytest.mark.parametrize("spec", list(defs.resolve_all_asset_specs()), ids=lambda s: s.key.to_user_string())
def test_every_asset_has_group_owner_and_description(spec: dg.AssetSpec) -> None:
    assert spec.group_name and spec.owners and spec.description


def test_a_stage_of_another_version_makes_its_asset_out_of_date() -> None:
    versions = {s.key.to_user_string(): s.code_version for s in defs.resolve_all_asset_specs()}
    trained = [name for name, table in TABLES.items() if table.life == "training_run"]
    assert {n for n, v in versions.items() if v is None} == set(trained)
    assert versions["documents"] == str(pipelines.extraction.documents.VERSION)
    assert versions["signals/rules"] == str(pipelines.signals.signals.VERSIONS["rules"])


def test_every_check_is_of_the_partitions_of_its_asset() -> None:
    specs = {s.key: s for s in defs.resolve_all_asset_specs()}
    checks = [c for a in defs.assets or [] for c in a.check_specs]  # type: ignore[union-attr]
    assert len(checks) > 8
    for check in checks:
        assert check.partitions_def == specs[check.asset_key].partitions_def != None, check.key  # noqa: E711


def test_every_asset_returns_a_materialize_result() -> None:
    for asset in defs.assets or []:
        function = asset.op.compute_fn.decorated_fn  # type: ignore[union-attr]
        assert "MaterializeResult" in str(function.__annotations__.get("return")), asset


@pytest.mark.parametrize(
    ("resource", "value"),
    [
        ("cluster", {"environment": {"BASH_ENV": "/tmp/x"}}),
        ("cluster", {"head": "evil.example"}),
        ("cluster", {"slurm_options": ["--wrap=x"]}),
        ("lake", {"root": "/elsewhere"}),
        ("spark", {"master": "spark://evil.example:7077"}),
        ("files", {"benchmarks": "/etc"}),
    ],
)
def test_no_launch_changes_what_names_paths_hosts_or_commands(
    resource: str, value: dict[str, object]
) -> None:
    for job in (d for d in defs.resolve_all_job_defs() if resource in d.resource_defs):
        with pytest.raises(dg.DagsterInvalidConfigError, match="unexpected config"):
            dg.validate_run_config(job, {"resources": {resource: {"config": value}}})


def test_torch_is_not_imported_by_the_code_location() -> None:
    heavy = ("torch", "pyspark", "fasttext")
    code = f"import sys, jobs.definitions; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_packages_come_from_the_checkout() -> None:
    assert Path(str(assets.__file__)).is_relative_to(ROOT)
