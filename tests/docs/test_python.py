"""Python that the documentation shows compiles, and its imports resolve."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.support.docs import ROOT, Fence, fences, pages

SNIPPET = re.compile(r'^--8<-- "([^":]+):(\w+)"$', re.M)
PYTHON = [f for p in pages() for f in fences(p, "python")]


@pytest.mark.parametrize("fence", PYTHON, ids=lambda f: f"{f.page.relative_to(ROOT)}:{f.line}")
def test_python_compiles_and_its_imports_resolve(fence: Fence) -> None:
    for file, section in SNIPPET.findall(fence.text):
        assert f"# --8<-- [start:{section}]" in Path(ROOT, file).read_text(encoding="utf-8")
    tree = ast.parse(SNIPPET.sub("", fence.text))
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            module = importlib.import_module(node.module)
            assert all(hasattr(module, alias.name) for alias in node.names), ast.unparse(node)
        elif isinstance(node, ast.Import):
            for alias in node.names:
                importlib.import_module(alias.name)


def test_paths_in_backquotes_exist() -> None:
    """`pipelines/...`, `model/...` and the like name files and folders that are there."""
    tops = "pipelines|model|assets|jobs|reports|experiments|benchmarks|deploy|examples|tests|tools"
    missing = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in pages()
        for name in re.findall(rf"`((?:{tops})/[\w./-]*)`", path.read_text(encoding="utf-8"))
        if not Path(ROOT, name).exists()
    ]
    assert not missing
