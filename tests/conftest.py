"""Fixtures shared by all tests: a lake, one Spark session for the whole run, the optional data
folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from tests.support.object_store import s3  # noqa: F401
from tests.support.training_runs import make_run, ranks, shards  # noqa: F401

os.environ.setdefault(
    "OMP_NUM_THREADS", "1"
)  # before torch: small matrices on two busy cores wait for each other otherwise
os.environ.setdefault("DAGSTER_DISABLE_TELEMETRY", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")
hypothesis.settings.register_profile("unhurried", deadline=None)  # a busy machine fails no test
hypothesis.settings.load_profile("unhurried")


@pytest.fixture(scope="session", autouse=True)
def disks_that_need_not_be_waited_for() -> Iterator[None]:
    """No test cuts the power, so no file of one has to be on a disk: one room makes 25,000 syncs. What
    is synced, and in which order, is watched in Python (tests/support/power_cuts.py)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def engine() -> InProcess:
    return InProcess()


@pytest.fixture(scope="session")
def spark() -> Iterator[Spark]:
    """One JVM for the whole run."""
    engine = Spark("local[2]")
    yield engine
    engine.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data beside the checkout; tests that need it are skipped where it is
    absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("../shared/data is not on this machine")
    return folder


@pytest.fixture(autouse=True)
def no_dagster_instance_of_an_earlier_test() -> Iterator[None]:
    """Dagster remembers the state storage of the last instance, by a weak reference: what a test
    has opened must not fail the next."""
    yield
    if module := sys.modules.get("dagster._core.storage.defs_state.base"):
        module._current_storage.set(None)
