"""Every module has its tests in the file that mirrors it, and no test module imports another."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("pipelines", "model", "assets", "jobs", "reports")
SIGNALS = "tests/pipelines/signals/test_rules.py"
TRAINING = "tests/model/test_train.py"
COMMANDS = "tests/end_to_end/test_cli.py"
SAMPLE = "tests/jobs/demo/test_sample.py"
ELSEWHERE = {
    # plain definitions: each is compared with its compiled form, in the tests of that form
    "pipelines/contamination/reference.py": "tests/pipelines/contamination/test_index.py",
    "pipelines/dedup/reference.py": "tests/pipelines/dedup/test_election.py",
    "pipelines/kernels/reference.py": "tests/pipelines/kernels/test_normal_form.py",
    "pipelines/signals/reference.py": SIGNALS,
    "pipelines/signals/forms_reference.py": "tests/pipelines/signals/test_form_counts.py",
    # pieces of one compiled pass: their sums are compared with the plain definitions
    **{f"pipelines/signals/{name}.py": SIGNALS for name in ("c4", "in_characters", "in_words", "lines")},
    **{f"pipelines/signals/{name}.py": SIGNALS for name in ("paragraphs", "phrases", "totals", "words")},
    "pipelines/signals/workspace.py": SIGNALS,
    # compiled passes whose ids are compared with those of `tokenizers`
    "pipelines/tokenizer/encoder_kernels.py": "tests/pipelines/tokenizer/test_encoder.py",
    # names and protocols: nothing to compute
    "pipelines/engine/protocol.py": "tests/pipelines/engine/test_in_process.py",
    "pipelines/extraction/html/columns.py": "tests/pipelines/extraction/html/test_tree.py",
    "jobs/failure.py": "tests/jobs/test_runner.py",
    # what only ranks of a real launch do
    "model/training/saving.py": TRAINING,
    # the names of GPT-2, in the tests of what is exported under them
    "model/checkpoints/gpt2.py": "tests/model/checkpoints/test_export.py",
    # the command line as a person calls it, in processes of its own
    "jobs/cli.py": COMMANDS,
    **{f"jobs/commands/{name}.py": COMMANDS for name in ("dumps", "plan", "releases", "trace")},
    # the demo as a whole
    **{f"jobs/demo/{name}.py": SAMPLE for name in ("crawl_slice", "demo", "sample_sources")},
}
"""Modules whose tests are in another file, and where."""


def modules() -> list[str]:
    """Every module with code of its own, by its path; packages and `__main__` hold none."""
    found = sorted(p for room in ROOMS for p in (ROOT / room).rglob("*.py"))
    return [p.relative_to(ROOT).as_posix() for p in found if p.name not in ("__init__.py", "__main__.py")]


def mirror(module: str) -> str:
    """The test file of a module."""
    path = Path("tests", module)
    return path.with_name(f"test_{path.name}").as_posix()


def test_every_module_has_its_tests_beside_its_path() -> None:
    missing = [m for m in modules() if not (ROOT / ELSEWHERE.get(m, mirror(m))).exists()]
    assert not missing, f"no tests: {', '.join(missing)}"


def test_what_is_tested_elsewhere_is_there() -> None:
    assert set(ELSEWHERE) <= set(modules())
    assert all((ROOT / test).exists() for test in ELSEWHERE.values())
    assert not [m for m in ELSEWHERE if (ROOT / mirror(m)).exists()], "tested beside its path by now"


def test_no_test_module_imports_another() -> None:
    found = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            found += [
                f"{path.relative_to(ROOT)} imports {name}"
                for name in names
                if name.startswith("tests.") and "test_" in name
            ]
    assert not found, "; ".join(found)
