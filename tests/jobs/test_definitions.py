"""Definitions load, every asset says what it is, and the house has one way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

import assets
from jobs.definitions import build_definitions, defs
from jobs.settings import ROOT

DESIGN = [
    "raw_dump",
    "split",
    "documents",
    "edits",
    "signals/language",
    "signals/rules",
    "signals/safety",
    "signals/code",
    "reference_classifier",
    "stem_classifier",
    "perplexity_models",
    "scores",
    "signatures",
    "decisions",
    "duplicates",
    "recurring_blocks",
    "contamination",
    "release_decisions",
    "skypile_main",
    "skypile_stem",
    "rejected",
    "validation_sets",
    "tokenizer",
    "tokenizer_report",
    "main_shards",
    "stem_shards",
    "validation_shards",
    "stage1_checkpoint",
    "stage2_checkpoint",
    "validation_report",
    "domain_perplexity",
    "benchmark_scores",
    "leakage_report",
    "model_card",
]


def test_definitions_load() -> None:
    dg.Definitions.validate_loadable(build_definitions())


def test_every_asset_of_the_design_is_there() -> None:
    assert sorted(s.key.to_user_string() for s in defs.resolve_all_asset_specs()) == sorted(DESIGN)


@pytest.mark.parametrize("spec", list(defs.resolve_all_asset_specs()), ids=lambda s: s.key.to_user_string())
def test_every_asset_has_group_owner_and_description(spec: dg.AssetSpec) -> None:
    assert spec.group_name and spec.owners and spec.description


def test_every_asset_returns_a_materialize_result() -> None:
    for asset in defs.assets or []:
        function = asset.op.compute_fn.decorated_fn  # type: ignore[union-attr]
        assert "MaterializeResult" in str(function.__annotations__.get("return")), asset


def test_torch_is_not_imported_by_the_code_location() -> None:
    heavy = ("torch", "pyspark", "fasttext")
    code = f"import sys, jobs.definitions; sys.exit(any(m in sys.modules for m in {heavy}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_packages_come_from_the_checkout() -> None:
    assert Path(str(assets.__file__)).is_relative_to(ROOT)
