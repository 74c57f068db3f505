"""Shards as they are read: provenance, ranges, refusal of damaged files."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from pipelines.lake import Dataset
from pipelines.shards.format import LISTING, ShardError, table_path
from pipelines.shards.reader import ShardSet
from pipelines.tables.schemas import document_id


def test_every_token_is_traced_to_its_record(shards: ShardSet) -> None:
    from itertools import pairwise

    for name, source in shards.sources.items():
        starts = shards.document_starts(name, 0, source.tokens).tolist()
        assert starts[0] == 0 and len(starts) == source.documents
        seen = set()
        for begin, end in pairwise([*starts, source.tokens]):
            first, last = shards.document_of(name, begin), shards.document_of(name, end - 1)
            assert first == last and (first["start"], first["end"]) == (begin, end)
            assert first["doc_id"] == document_id("dump", "file.warc.gz", first["offset"]) and first[
                "url"
            ].endswith(f"/{first['offset']}")
            assert shards.tokens(name, end - 1, 1).tolist() == [2] and 2 not in shards.tokens(
                name, begin, end - begin - 1
            )
            seen.add(first["offset"])
        assert len(seen) == source.documents


def test_ranges_across_files_and_document_starts_agree_with_the_whole(shards: ShardSet) -> None:
    name = "zh-webpages"
    total = shards.sources[name].tokens
    whole, starts = shards.tokens(name, 0, total), shards.document_starts(name, 0, total)
    rng = random.Random(0)
    for _ in range(50):
        a = rng.randrange(total)
        n = rng.randrange(total - a + 1)
        assert np.array_equal(shards.tokens(name, a, n), whole[a : a + n])
        assert np.array_equal(
            shards.document_starts(name, a, n), starts[(starts >= a) & (starts < a + n)] - a
        )
    with pytest.raises(ShardError, match="not within"):
        shards.tokens(name, total - 1, 2)
    with pytest.raises(ShardError, match="no source"):
        shards.tokens("fr-books", 0, 1)


def damage(path: Path, rng: random.Random) -> None:
    """Flip, cut, lengthen, empty or remove a file."""
    data = bytearray(path.read_bytes())
    kind = rng.randrange(5)
    if kind == 0:
        path.unlink()
        return
    if kind == 1:
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == 2:
        del data[rng.randrange(len(data)) :]
    elif kind == 3:
        data += b"\0\1"
    else:
        data = bytearray(b"\7" * len(data))
    path.write_bytes(bytes(data))


def check_damaged(dataset: Dataset, folder: Path, count: int) -> None:
    rng = random.Random(1)
    shutil.copytree(dataset.local(), folder)
    files = sorted(
        p for p in folder.rglob("*") if p.is_file() and p.suffix in (".bin", ".idx", ".parquet", ".table")
    )
    for _ in range(count):
        path = rng.choice(files)
        kept = path.read_bytes()
        damage(path, rng)
        with pytest.raises(ShardError, match=path.name):
            ShardSet.open(folder).verify()
        path.write_bytes(kept)
    ShardSet.open(folder).verify()


def test_a_hundred_damaged_files_are_refused_by_name(dataset: Dataset, tmp_path: Path) -> None:
    check_damaged(dataset, tmp_path / "copy", 100)


@pytest.mark.full
def test_a_thousand_damaged_files_are_refused_by_name(dataset: Dataset, tmp_path: Path) -> None:
    check_damaged(dataset, tmp_path / "copy", 1_000)


def test_truncation_is_refused_on_the_first_read_even_without_verify(
    dataset: Dataset, tmp_path: Path
) -> None:
    shutil.copytree(dataset.local(), tmp_path / "copy")
    shards = ShardSet.open(tmp_path / "copy")
    path = tmp_path / "copy" / shards.sources["en-webpages"].file(0).bin
    path.write_bytes(path.read_bytes()[:-2])
    with pytest.raises(ShardError, match="truncated"):
        shards.tokens("en-webpages", 0, 1)


def test_listings_that_are_absent_foreign_or_changed_are_refused(dataset: Dataset, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="not a published shard set"):
        ShardSet.open(tmp_path)
    listing = json.loads(dataset.local(LISTING).read_text())
    with pytest.raises(ShardError, match="expected other"):
        ShardSet.open(dataset.local(), tokenizer_hash="other")
    name, entry = next(iter(listing["sources"].items()))
    (tmp_path / name).mkdir()
    shutil.copy(dataset.local(table_path(name)), tmp_path / table_path(name))
    for change, message in (
        ({"format": 99}, "format 99"),
        ({"sources": {"x": {}}}, "not a complete listing"),
        ({"sources": {name: {**entry, "tokens": 1}}}, "add up"),
        ({"sources": {name: {**entry, "files_sha256": "0" * 64}}}, "files.table has sha256"),
    ):
        (tmp_path / LISTING).write_text(json.dumps({**listing, **change}))
        with pytest.raises(ShardError, match=message):
            ShardSet.open(tmp_path)
    (tmp_path / LISTING).write_text("{")
    with pytest.raises(ShardError, match="JSON"):
        ShardSet.open(tmp_path)
