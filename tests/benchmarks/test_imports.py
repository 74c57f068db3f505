"""Every benchmark finds what it measures: a name that has moved shows here, before a long run."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks"
APART = {"pages_peer", "extraction_peers"}  # run by .venv-peers, which has what they import


@pytest.mark.parametrize("name", sorted({p.stem for p in FOLDER.glob("*.py")} - APART))
def test_a_benchmark_imports(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")
