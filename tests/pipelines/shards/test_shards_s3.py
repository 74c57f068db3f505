"""Sample, vocabulary and shards on S3 are those of a folder, part by part and after a crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.shards.writer import shards_stage
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.tokenizer_samples import corpus, sample_texts

CONFIG = TokenizerConfig.proportional("test", 1_200, sample_chars=50_000)


class Breaks(InProcess):
    """Breaks off in the middle of the second pass."""

    passes = 0

    def map_parts(self, count: int, work: Callable[[int], None]) -> None:
        self.passes += 1
        super().map_parts(count if self.passes == 1 else 1, work)
        if self.passes == 2:
            raise KeyboardInterrupt


def test_shards_on_s3_equal_those_in_a_folder_also_after_a_crash(s3: Any, tmp_path: Path) -> None:
    s3.create_bucket(Bucket="house")
    hashes = []
    for lake in (Lake(tmp_path / "lake"), Lake("s3://house/lake", cache=tmp_path / "cache")):
        texts = corpus(lake, sample_texts())
        vocabulary = build(lake, InProcess(), tokenizer_stage([texts], CONFIG)).dataset
        if lake.is_s3:
            with pytest.raises(KeyboardInterrupt):
                build(lake, Breaks(), shards_stage("main_shards", texts, vocabulary, 7, shard_tokens=1_000))
        shards = build(
            lake, InProcess(), shards_stage("main_shards", texts, vocabulary, 7, shard_tokens=1_000)
        ).dataset
        hashes.append((vocabulary.content_hash, shards.content_hash))
        assert lake.files("staging", recursive=True) == []
    assert hashes[0] == hashes[1]
