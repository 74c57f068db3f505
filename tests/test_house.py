"""What the documentation promises: who may import whom, rooms without loose files, no circles."""

from __future__ import annotations

from pathlib import Path

import grimp
import numpy as np
import pytest
from importlinter.cli import lint_imports
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("pipelines", "model", "assets", "jobs", "reports", "experiments")


def test_the_import_contracts_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(config_filename="pyproject.toml", no_cache=True) == 0


@pytest.mark.parametrize(("half", "allowed"), [("pipelines", set[str]()), ("model", {"train.py"})])
def test_a_half_of_the_library_has_no_loose_files(half: str, allowed: set[str]) -> None:
    assert {p.name for p in (ROOT / half).glob("*.py")} == {"__init__.py"} | allowed


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = grimp.build_graph(*PACKAGES, cache_dir=None)
    modules = sorted(graph.modules)
    number = {module: i for i, module in enumerate(modules)}
    edges = [(number[a], number[b]) for a in modules for b in graph.find_modules_directly_imported_by(a)]
    rows, columns = np.array(edges).T
    matrix = coo_array((np.ones(len(edges)), (rows, columns)), shape=(len(modules), len(modules)))
    _, labels = connected_components(matrix, directed=True, connection="strong")
    circles = [
        [modules[i] for i in np.flatnonzero(labels == label)]
        for label in np.flatnonzero(np.bincount(labels) > 1)
    ]
    assert circles == []
