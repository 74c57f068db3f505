"""The vocabulary of a release, through Dagster itself: its card names it, for itself and its shards."""

from __future__ import annotations

from typing import Any

import dagster as dg
import pytest
import yaml

from assets.release import main_shards, tokenizer
from assets.resources import FilesResource, LakeResource, SparkResource
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.tokenizer_samples import corpus, sample_texts


class HereInstead(SparkResource):
    """Parts in this process, no JVM."""

    @property
    def engine(self) -> InProcess:  # type: ignore[override]
        return InProcess()


@pytest.fixture
def release(lake: Lake) -> Lake:
    """A lake with the corpora of a release whose card names a small vocabulary of its own."""
    for name in ("skypile_main", "skypile_stem"):
        corpus(lake, sample_texts(), name=name)
    config = TokenizerConfig.proportional("mine", 1_200, sample_chars=20_000)
    for path, card in (
        ("cards/tokenizers/mine.yaml", config.parameters()),
        ("cards/tokenizers/other.yaml", config.parameters() | {"name": "other", "seed": 2}),
        ("cards/releases/test.yaml", {"name": "test", "dumps": ["d"], "tokenizer": "mine"}),
    ):
        lake.write_bytes(path, yaml.safe_dump(card).encode())
    return lake


def run(lake: Lake, asset: Any, **request: str) -> dg.ExecuteInProcessResult:
    """Materialize one asset of release `test`."""
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("release", ["test"])
        resources = {"lake": LakeResource(root=lake.root), "spark": HereInstead(), "files": FilesResource()}
        config = (
            {"ops": {"tokenizer": {"config": {"release": "test"} | request}}} if asset is tokenizer else {}
        )
        partition = None if asset is tokenizer else "test"
        return dg.materialize(
            [asset], partition_key=partition, instance=instance, resources=resources, run_config=config
        )


def test_the_card_of_a_release_names_its_vocabulary_and_that_of_its_shards(release: Lake) -> None:
    assert run(release, tokenizer).success
    vocabulary = release.current("tokenizer", "mine")
    assert vocabulary.stats["vocab_size"] == 1_200
    assert run(release, main_shards).success
    listing = release.current("main_shards", "test").read_json("shards.json")
    assert (listing["tokenizer"], listing["vocab_size"]) == ("mine", 1_200)


def test_another_vocabulary_is_trained_only_where_it_is_asked_for(release: Lake) -> None:
    assert run(release, tokenizer, tokenizer="other").success
    assert release.current("tokenizer", "other").manifest.parameters["seed"] == 2
    assert not release.exists(release.pointer("tokenizer", "mine"))
