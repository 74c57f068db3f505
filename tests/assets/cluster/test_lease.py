from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from assets.cluster.lease import Lease, claim, current
from pipelines.lake import Lake


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Lake:
    if request.param == "folder":
        return Lake(tmp_path / "run")
    request.getfixturevalue("s3")
    return Lake(f"s3://dump/leases/{tmp_path.name}")


def test_of_many_that_claim_an_epoch_one_gets_it(store: Lake) -> None:
    def attempt(number: int) -> bool:
        return claim(Lake(store.root), Lease(1, f"jobs/{number}", "stage1", "r"))

    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(attempt, range(8)))
    assert sum(won) == 1
    held = current(store)
    assert held and held.job == f"jobs/{won.index(True)}"


def test_the_highest_epoch_counts_and_none_is_overwritten(store: Lake) -> None:
    assert current(store) is None
    leases = [Lease(n, f"jobs/{n}", "stage1", "r") for n in (1, 2, 10)]
    assert all(claim(store, x) for x in leases)
    assert not any(claim(store, Lease(x.epoch, "jobs/x", "stage2", "s")) for x in leases)
    assert current(store) == leases[-1]
    assert not any(".tmp" in p for p in store.files("lease")) or store.is_s3


def test_errors_of_the_store_are_not_taken_for_a_lost_race(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)  # it remembers the right one
    with pytest.raises(Exception, match="SignatureDoesNotMatch"):
        claim(Lake("s3://dump/x"), Lease(1, "j", "stage1", "r"))
