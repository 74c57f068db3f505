"""Shards: order, provenance, equality with the reference encoder, refusal of damaged files."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess, Spark
from pipelines.lake import Dataset, Lake
from pipelines.shards.format import LISTING, ShardError, order_key, table_path
from pipelines.shards.reader import ShardSet
from pipelines.shards.writer import shards_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.tokenizer_samples import corpus, sample_texts

TEXTS = [*sample_texts(), ("en", ""), ("zh", "🚀龘\x00 </s> <0x41>")]
CONFIG = TokenizerConfig.proportional("test", 1_200, sample_chars=50_000)
SEED = 7


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="module")
def tokenizer(lake: Lake) -> Dataset:
    return build(lake, InProcess(), tokenizer_stage([corpus(lake, TEXTS)], CONFIG)).dataset


@pytest.fixture(scope="module")
def dataset(lake: Lake, tokenizer: Dataset) -> Dataset:
    return build(
        lake,
        InProcess(),
        shards_stage("main_shards", corpus(lake, TEXTS), tokenizer, SEED, shard_tokens=1_000),
    ).dataset


@pytest.fixture(scope="module")
def shards(dataset: Dataset) -> ShardSet:
    shards = ShardSet.open(dataset.local())
    shards.verify()
    return shards


def test_every_document_is_there_once_in_the_order_of_its_key(shards: ShardSet, tokenizer: Dataset) -> None:
    from tokenizers import Tokenizer

    reference = Tokenizer.from_file(str(tokenizer.local("tokenizer.json")))
    for source in ("en-webpages", "zh-webpages"):
        mine = [(i, text) for i, (language, text) in enumerate(TEXTS) if source.startswith(language)]
        mine.sort(key=lambda item: order_key(SEED, document_id("dump", "file.warc.gz", item[0])))
        expected = [token for _, text in mine for token in [*reference.encode(text).ids, 2]]
        assert shards.tokens(source, 0, shards.sources[source].tokens).tolist() == expected
        assert shards.sources[source].documents == len(mine)
        assert shards.sources[source].text_bytes == sum(len(t.encode()) for _, t in mine)
        assert len(shards.sources[source].table) > 1


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


def test_order_does_not_depend_on_parts_or_shard_size(tmp_path: Path) -> None:
    found = []
    for parts, size in ((1, 1 << 20), (5, 700)):
        lake = Lake(tmp_path / str(parts))
        texts = corpus(lake, TEXTS, parts=parts)
        tokenizer = build(lake, InProcess(), tokenizer_stage([texts], CONFIG)).dataset
        built = build(
            lake, InProcess(), shards_stage("main_shards", texts, tokenizer, SEED, shard_tokens=size)
        )
        shards = ShardSet.open(built.dataset.local())
        found.append({s: shards.tokens(s, 0, shards.sources[s].tokens).tobytes() for s in shards.sources})
        assert not lake.folders("staging")
        assert not build(
            lake, InProcess(), shards_stage("main_shards", texts, tokenizer, SEED, shard_tokens=size)
        ).fresh
    assert found[0] == found[1]


def test_validation_sources_are_domains(lake: Lake, tokenizer: Dataset) -> None:
    held_out = corpus(lake, TEXTS[:9], name="validation_sets", domain="web-zh")
    built = build(lake, InProcess(), shards_stage("validation_shards", held_out, tokenizer, SEED)).dataset
    shards = ShardSet.open(built.local())
    assert list(shards.sources) == ["web-zh"] and shards.sources["web-zh"].documents == 9
    assert built.stats["tokens_by_source"] == {"web-zh": shards.sources["web-zh"].tokens}


def test_a_crash_between_the_passes_leaves_work_that_the_next_try_takes_over(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    texts = corpus(lake, TEXTS)
    tokenizer = build(lake, InProcess(), tokenizer_stage([texts], CONFIG)).dataset

    class Crashes(InProcess):
        def __init__(self, after: int) -> None:
            self.left = after

        def map_parts(self, count: int, work: Callable[[int], None]) -> None:
            for i in range(count):
                if self.left == 0:
                    raise KeyboardInterrupt
                self.left -= 1
                work(i)

    with pytest.raises(KeyboardInterrupt):
        build(lake, Crashes(5), shards_stage("main_shards", texts, tokenizer, SEED, shard_tokens=1_000))

    def spilled() -> dict[Path, int]:
        return {p: p.stat().st_mtime_ns for p in Path(lake.root, "staging").rglob("part-*.parquet")}

    class Watches(InProcess):
        seen: dict[Path, int] | None = None

        def map_parts(self, count: int, work: Callable[[int], None]) -> None:
            super().map_parts(count, work)
            self.seen = self.seen or spilled()

    before, watch = spilled(), Watches()
    assert len(before) == 3
    again = build(
        lake, watch, shards_stage("main_shards", texts, tokenizer, SEED, shard_tokens=1_000)
    ).dataset
    assert watch.seen == before
    other = Lake(tmp_path / "other")
    texts = corpus(other, TEXTS)
    whole = build(
        other,
        InProcess(),
        shards_stage(
            "main_shards",
            texts,
            build(other, InProcess(), tokenizer_stage([texts], CONFIG)).dataset,
            SEED,
            shard_tokens=1_000,
        ),
    )
    assert again.content_hash == whole.dataset.content_hash


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


def test_spark_gives_the_same_shards(
    dataset: Dataset, tokenizer: Dataset, tmp_path: Path, spark: Spark
) -> None:
    lake = Lake(tmp_path)
    texts = corpus(lake, TEXTS)
    own = build(lake, InProcess(), tokenizer_stage([texts], CONFIG)).dataset
    built = build(lake, spark, shards_stage("main_shards", texts, own, SEED, shard_tokens=1_000)).dataset
    assert built.content_hash == dataset.content_hash
