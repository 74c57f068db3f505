"""The lake on S3 behaves as the lake in a folder: same hashes, nothing visible before the
manifest."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipelines.lake import Lake, MissingDataset
from tests.support.kills import half_tables
from tests.support.lake_samples import TABLE, build, write


def test_a_dataset_on_s3_equals_the_one_in_a_folder(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="lake")
    remote, local = Lake("s3://lake/house", cache=tmp_path / "cache"), Lake(tmp_path / "lake")
    there = remote.publish("documents", "d", version=1, write=write).dataset
    here = local.publish("documents", "d", version=1, write=write).dataset
    assert there.content_hash == here.content_hash
    assert remote.current("documents", "d").read().equals(here.read())
    assert not remote.publish(
        "documents", "d", version=1, write=lambda w: pytest.fail("computed twice")
    ).fresh
    assert remote.files("staging", recursive=True) == []
    assert (there.local() / "part-00000.parquet").read_bytes() == (
        here.local() / "part-00000.parquet"
    ).read_bytes()


def test_a_crash_on_s3_shows_nothing(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="crash")
    lake = Lake("s3://crash/house", cache=tmp_path / "cache")

    def crash(writer: Any) -> None:
        writer.write_table("part-00000.parquet", TABLE)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        lake.publish("documents", "d", version=1, write=crash)
    with pytest.raises(MissingDataset):
        lake.current("documents", "d")
    assert lake.publish("documents", "d", version=1, write=write).fresh


def test_a_card_that_was_changed_on_s3_is_read_again(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="cards")
    lake = Lake("s3://cards/house", cache=tmp_path / "cache")
    assert not lake.local("cards/a.yaml").exists()
    for text in (b"seed: 1", b"seed: 2"):  # in one second, of one size
        lake.write_bytes("cards/a.yaml", text)
        assert lake.local("cards/a.yaml").read_bytes() == text


@pytest.mark.full
def test_a_kill_before_any_change_on_s3_is_made_up_for(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="kills")
    wanted = build(tmp_path / "lake")
    for point in range(100):
        root = f"s3://kills/{point}"
        call = f"from tests.support.lake_samples import die; die({root!r}, {point})"
        if not (
            code := subprocess.run(
                [sys.executable, "-c", call], cwd=Path(__file__).parents[3], check=False
            ).returncode
        ):
            break
        lake = Lake(root, cache=tmp_path / "cache")
        assert code == -signal.SIGKILL and half_tables(lake) == []
        assert (
            build(root) == wanted and half_tables(lake) == [] and lake.files("staging", recursive=True) == []
        )
    assert build(root) == wanted and point > 8


def test_a_card_that_was_deleted_on_s3_is_gone(s3: Any, tmp_path: Path) -> None:
    lake = Lake("s3://gone/house", cache=tmp_path / "cache")
    for name in ("a", "b"):
        lake.write_bytes(f"cards/dumps/{name}.yaml", b"name: a\n")
    card = lake.local("cards/dumps/a.yaml")
    assert card.exists() and (lake.local("cards/dumps") / "b.yaml").exists()
    lake.delete("cards/dumps/a.yaml")
    assert not lake.local("cards/dumps/a.yaml").exists()
    lake.delete("cards/dumps/b.yaml")
    assert not (lake.local("cards/dumps") / "b.yaml").exists()
