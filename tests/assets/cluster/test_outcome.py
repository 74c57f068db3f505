from __future__ import annotations

from pathlib import Path
from threading import Timer

import pytest

from tests.support.fake_cluster import client, eventually, failure, materialize, pids


@pytest.mark.parametrize(
    ("mode", "hide", "message"),
    [
        ("die", False, "status 9"),
        ("die", True, "did not close its messages"),
        ("raise", True, "loss is NaN"),
        ("silent", False, "reported no materialization"),
        ("config", False, "global batch 7"),
        ("other_rank", False, "rank 1 on dsh2: torch is 3"),
        ("damage", False, "is not the file"),
    ],
)
def test_failures_are_failures(tmp_path: Path, mode: str, hide: bool, message: str) -> None:
    result = materialize(client(tmp_path, mode, hide), tmp_path)
    assert not result.success and message in failure(result)
    assert not result.asset_materializations_for_node("checkpoint")


@pytest.mark.parametrize(
    ("mode", "attempts"), [("config", 1), ("refuse", 1), ("other_rank", 1), ("die", 3), ("full", 3)]
)
def test_only_what_a_retry_can_mend_is_retried(tmp_path: Path, mode: str, attempts: int) -> None:
    result = materialize(client(tmp_path, mode, retries=2), tmp_path)
    assert not result.success and len(list((tmp_path / "run" / "jobs").iterdir())) == attempts


def test_a_stop_file_is_a_stop_and_not_a_failure_to_retry(tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    cluster = client(tmp_path, "wait", retries=2)
    Timer(1.0, lambda: (eventually(lambda: pids(run)), (run / "stop").touch())).start()
    result = materialize(cluster, tmp_path)
    assert not result.success and "saved and stopped at step 4; it was asked to" in failure(result)
    assert len(pids(run)) == 1 and (run / "saved").exists()
