"""One lake with a vocabulary and its shards for the tests of this folder."""

from __future__ import annotations

import pytest

from pipelines.engine import InProcess
from pipelines.lake import Dataset, Lake
from pipelines.shards.reader import ShardSet
from pipelines.shards.writer import shards_stage
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from tests.support.shard_samples import CONFIG, SEED, TEXTS
from tests.support.tokenizer_samples import corpus


@pytest.fixture(scope="package")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@pytest.fixture(scope="package")
def tokenizer(lake: Lake) -> Dataset:
    return build(lake, InProcess(), tokenizer_stage([corpus(lake, TEXTS)], CONFIG)).dataset


@pytest.fixture(scope="package")
def dataset(lake: Lake, tokenizer: Dataset) -> Dataset:
    return build(
        lake,
        InProcess(),
        shards_stage("main_shards", corpus(lake, TEXTS), tokenizer, SEED, shard_tokens=1_000),
    ).dataset


@pytest.fixture(scope="package")
def shards(dataset: Dataset) -> ShardSet:
    shards = ShardSet.open(dataset.local())
    shards.verify()
    return shards
