"""Shards as they are written: order, equality with the reference encoder, crashes, engines."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.engine import InProcess, Spark
from pipelines.lake import Dataset, Lake
from pipelines.shards.format import order_key
from pipelines.shards.reader import ShardSet
from pipelines.shards.writer import shards_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.shard_samples import CONFIG, SEED, TEXTS
from tests.support.tokenizer_samples import corpus


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


def test_buckets_of_a_release_are_part_of_the_names_of_its_sources(lake: Lake, tokenizer: Dataset) -> None:
    plain = corpus(lake, TEXTS[:12], name="skypile_stem")
    divided = corpus(lake, TEXTS[:12], buckets={"q": ["q0", "q0", "q1", "q1"], "topic": ["law"]})
    sets = []
    for texts in (plain, divided):
        built = build(lake, InProcess(), shards_stage("main_shards", texts, tokenizer, SEED)).dataset
        sets.append(ShardSet.open(built.local()))
    languages = {language for language, _ in TEXTS[:12]}
    assert set(sets[1].sources) == {f"{la}-webpages/{q}/law" for la in languages for q in ("q0", "q1")}
    for language in languages:
        mine = [held.tokens for name, held in sets[1].sources.items() if name.startswith(language)]
        assert sum(mine) == sets[0].sources[f"{language}-webpages"].tokens
    for name, held in sets[1].sources.items():
        assert len(sets[1].tokens(name, 0, held.tokens)) == held.tokens


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


def test_spark_gives_the_same_shards(
    dataset: Dataset, tokenizer: Dataset, tmp_path: Path, spark: Spark
) -> None:
    lake = Lake(tmp_path)
    texts = corpus(lake, TEXTS)
    own = build(lake, InProcess(), tokenizer_stage([texts], CONFIG)).dataset
    built = build(lake, spark, shards_stage("main_shards", texts, own, SEED, shard_tokens=1_000)).dataset
    assert built.content_hash == dataset.content_hash
