"""Stages that are found by name are those that are made by hand; a lake is enough to build a release."""

from __future__ import annotations

import pytest
import yaml

from pipelines.cards.base import CardError
from pipelines.cards.minhash import MinHashParameters
from pipelines.catalogue.stages import Outside, stage_of
from pipelines.catalogue.tables import names
from pipelines.dedup.signatures import signatures_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError, MissingDataset
from pipelines.tables.stage import build, find
from tests.support.catalogue import built_release
from tests.support.judged import judged


def test_a_stage_by_name_is_the_one_made_by_hand(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "d")
    by_hand = signatures_stage(tables.documents, tables.edits, MinHashParameters())
    assert stage_of(lake, "signatures", "d").recompute_key == by_hand.recompute_key
    found = find(lake, stage_of(lake, "decisions", "d"))
    assert found is not None and found.content_hash == tables.need("decisions").content_hash


def test_every_table_of_a_release_is_built_by_name_and_then_found(lake: Lake, engine: InProcess) -> None:
    built_release(lake, engine)
    assert all(find(lake, stage_of(lake, name, "r")) for name in names(group="corpus"))
    assert lake.current("skypile_main", "r").manifest.rows > 0

    frozen = {"name": "s", "dumps": ["d"], "validation": "r", "blocks": "r"}
    lake.write_bytes("cards/releases/s.yaml", yaml.safe_dump(frozen).encode())
    for name in ("validation_sets", "recurring_blocks"):
        assert list(stage_of(lake, name, "s").inputs) == ["frozen"]


def test_the_first_model_names_the_dumps_that_all_are_trained_on(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine, "d")
    stage = stage_of(lake, "stem_classifier")
    assert not lake.exists("cards/models.json"), "finding a stage writes nothing"
    build(lake, engine, stage)
    assert lake.read_json("cards/models.json") == {"dumps": ["d"]}
    judged(lake, engine, "later")
    assert find(lake, stage_of(lake, "stem_classifier")) is not None


def test_models_wait_for_the_edits_of_every_dump_that_has_a_card_or_that_the_card_names(
    lake: Lake, engine: InProcess
) -> None:
    judged(lake, engine, "d")
    lake.write_bytes("cards/dumps/other.yaml", b"name: other")
    for table in ("reference_classifier", "stem_classifier", "perplexity_models"):
        with pytest.raises(MissingDataset, match=r"trained on 2 dumps and wait for the edits of 1: other\."):
            stage_of(lake, table)
    lake.write_json("cards/models.json", {"dumps": ["d"]})
    build(lake, engine, stage_of(lake, "stem_classifier"))
    lake.write_json("cards/models.json", {"dumps": ["d", "other"]})
    with pytest.raises(MissingDataset, match="wait for the edits of 1: other"):
        stage_of(lake, "stem_classifier")


def test_what_is_not_there_is_named(lake: Lake) -> None:
    with pytest.raises(MissingDataset, match="no documents for 'd'"):
        stage_of(lake, "edits", "d")
    with pytest.raises(CardError, match=r"cards/releases/r\.yaml"):
        stage_of(lake, "duplicates", "r")
    for table in ("model_card", "verdicts"):
        with pytest.raises(LakeError, match=f"no stage makes a table '{table}'"):
            stage_of(lake, table, "r")
    with pytest.raises(LakeError, match="needs a page"):
        stage_of(lake, "tokenizer_report", "demo", Outside())
