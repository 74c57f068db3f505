"""The code location as it is deployed, and an instance whose runs are recorded but not started."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import ModuleTarget


@pytest.fixture(scope="package")
def instance() -> Iterator[dg.DagsterInstance]:
    """An instance whose runs are recorded and not started."""
    launcher = {"module": "dagster._core.test_utils", "class": "MockedRunLauncher"}
    with dg.instance_for_test(overrides={"run_launcher": launcher, "run_retries": {"enabled": True}}) as made:
        made.add_dynamic_partitions("dump", ["a", "b", "c"])
        yield made


@pytest.fixture(scope="package")
def workspace(instance: dg.DagsterInstance) -> Iterator[WorkspaceProcessContext]:
    """The code location as it is deployed, in a process of its own."""
    target = ModuleTarget(
        "jobs.definitions",
        attribute=None,
        working_directory=str(Path(__file__).resolve().parents[2]),
        location_name="skypile",
    )
    with WorkspaceProcessContext(instance, target) as context:
        yield context
