"""The lake: nothing half-written is visible, equal content has equal hashes, nothing is computed
twice."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.lake import Lake
from tests.support.kills import half_tables, in_fork, kill_at
from tests.support.lake_samples import TABLE, build, write


def test_a_dataset_is_built_once_and_found_again(lake: Lake) -> None:
    first = lake.publish("documents", "d", version=1, write=write)
    again = lake.publish("documents", "d", version=1, write=lambda w: pytest.fail("computed twice"))
    assert first.fresh and not again.fresh
    assert again.dataset == first.dataset
    assert first.dataset.manifest.rows == 6 and first.dataset.stats == {"documents": 6}
    assert lake.current("documents", "d").read().equals(pa.concat_tables([TABLE, TABLE]))


@pytest.mark.parametrize("change", [{"version": 2}, {"parameters": {"x": 1}}, {"inputs": {"raw": "00"}}])
def test_another_version_parameter_or_input_is_another_computation(lake: Lake, change: dict) -> None:
    lake.publish("documents", "d", version=1, write=write)
    assert lake.publish("documents", "d", **({"version": 1} | change), write=write).fresh


def test_the_same_content_has_the_same_hash_in_another_lake(tmp_path: Path) -> None:
    built = [Lake(tmp_path / n).publish("documents", "d", version=1, write=write).dataset for n in "ab"]
    assert built[0].content_hash == built[1].content_hash


def test_a_kill_before_any_change_of_the_lake_is_made_up_for(lake: Lake, tmp_path: Path) -> None:
    wanted = build(Path(lake.root))
    for point in range(100):
        root = tmp_path / str(point)
        status, _ = in_fork(partial(kill_at, point, root, partial(build, root)))
        if not status:
            break
        assert os.WTERMSIG(status) == signal.SIGKILL and half_tables(Lake(root)) == []
        again = Lake(root)
        assert build(root) == wanted and again.folders("staging") == []
        names = os.listdir(Path(root, again.current("documents", "d").path))
        assert {name for name in names if name[0] not in "._"} == {
            "part-00000.parquet",
            "part-00001.parquet",
            "folder",
            "model.bin",
        }
    assert point > 10
