"""A folder and a bucket answer alike: sizes, ranges, pieces, and errors that name the object."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.lake import LakeError
from pipelines.shards import storage
from pipelines.shards.format import TOKEN, ShardError
from pipelines.shards.storage import Bucket, Folder

NUMBERS = np.arange(5_000, dtype=TOKEN)


@pytest.fixture(params=["folder", "bucket"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Folder | Bucket:
    """A storage of two files: en/0.bin with NUMBERS, and an empty one."""
    files = {"en/0.bin": NUMBERS.tobytes(), "en/empty.bin": b""}
    if request.param == "bucket":
        s3: Any = request.getfixturevalue("s3")
        name = f"storage-{hashlib.md5(str(tmp_path).encode()).hexdigest()[:12]}"
        s3.create_bucket(Bucket=name)
        for path, data in files.items():
            s3.put_object(Bucket=name, Key=f"set/{path}", Body=data)
        return storage.storage(f"s3://{name}/set/")
    for path, data in files.items():
        Path(tmp_path, path).parent.mkdir(exist_ok=True)
        Path(tmp_path, path).write_bytes(data)
    return storage.storage(tmp_path)


@pytest.mark.parametrize(("first", "last"), [(0, 5_000), (17, 18), (4_999, 5_000), (9, 9)])
def test_a_range_is_a_slice_of_the_file(store: Folder | Bucket, first: int, last: int) -> None:
    assert np.array_equal(store.range("en/0.bin", TOKEN, first, last), NUMBERS[first:last])
    assert store.range("en/empty.bin", TOKEN, 0, 0).size == 0


def test_pieces_make_the_file_and_its_hash(store: Folder | Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage, "BLOCK_BYTES", 999)
    pieces = list(storage.blocks(store, "en/0.bin"))
    assert len(pieces) == 11 and b"".join(pieces) == NUMBERS.tobytes()
    assert storage.sha256(store, "en/0.bin") == hashlib.sha256(NUMBERS.tobytes()).hexdigest()
    assert (store.size("en/0.bin"), store.size("en/empty.bin")) == (10_000, 0)


def test_a_file_that_is_not_there_is_named(store: Folder | Bucket) -> None:
    for ask in (store.size, store.input, lambda path: list(storage.blocks(store, path))):
        with pytest.raises(ShardError, match=r"en/1\.bin does not exist: restore it"):
            ask("en/1.bin")


def test_a_path_that_leaves_the_set_is_refused(store: Folder | Bucket) -> None:
    with pytest.raises(LakeError, match="does not stay inside"):
        store.size("../secret")


def test_a_bucket_fetches_what_is_asked_for_and_says_where_it_ends(s3: Any) -> None:
    s3.create_bucket(Bucket="short")
    s3.put_object(Bucket="short", Key="set/a.bin", Body=NUMBERS.tobytes())
    bucket = Bucket("s3://short/set")
    bucket.range("a.bin", TOKEN, 100, 300)
    assert bucket.fetched_bytes == 400
    with pytest.raises(ShardError, match="gave 2 of 20 bytes: it is truncated"):
        bucket.range("a.bin", TOKEN, 4_999, 5_009)
