from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from model.plan.base import PlanError
from model.plan.prepare import checkpoint_store, prepare_run
from pipelines.lake import Lake
from tests.support.runs import card, phase, publish_folder
from tests.support.training_runs import VOCABULARY, write_learnable_shards


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in a folder with the shards of one small release and their tokenizer `t`."""
    lake, folder = Lake(tmp_path / "lake"), tmp_path / "t"
    folder.mkdir()
    words = {str(i): i for i in range(VOCABULARY)}
    Tokenizer(WordLevel(words, unk_token="0")).save(str(folder / "tokenizer.json"))
    publish_folder(lake, "tokenizer", "t", folder)
    made_with = hashlib.sha256((folder / "tokenizer.json").read_bytes()).hexdigest()
    for name in ("main", "stem", "validation"):
        write_learnable_shards(tmp_path / name, {"en-webpages": 2_000}, 1, made_with)
        publish_folder(lake, f"{name}_shards", "x", tmp_path / name)
    return lake


def test_a_run_file_names_every_input_by_address_and_hash(lake: Lake) -> None:
    run = prepare_run(lake, "r", card(phase(4), keep_every=7), "t", "elsewhere")
    sets = {f"{n}_shards": lake.current(f"{n}_shards", "x") for n in ("main", "stem", "validation")}
    assert run.inputs == {n: d.content_hash for n, d in sets.items()} | {
        "tokenizer": lake.current("tokenizer", "t").content_hash
    }
    assert run.shards.main == str(sets["main_shards"].local()) and run.shards.others == {}
    assert run.tokenizer == str(lake.current("tokenizer", "t").local("tokenizer.json"))
    assert (run.settings.keep_every, run.fork, run.checkpoint_store) == (7, "elsewhere", "")
    assert run.shape.vocab_size == VOCABULARY


def test_shard_sets_of_another_release_are_named_beside_the_card_s(lake: Lake, tmp_path: Path) -> None:
    for name in ("main", "stem"):
        publish_folder(lake, f"{name}_shards", "old", tmp_path / name)
    run = prepare_run(lake, "r", card(phase(4), phase(2, "b", release="old")), "t", "")
    assert set(run.shards.others) == {"old"} and set(run.shards.by_corpus()) == {
        "main",
        "stem",
        "old/main",
        "old/stem",
    }


def test_a_run_that_goes_on_keeps_its_fork_and_refuses_other_values(lake: Lake) -> None:
    before = prepare_run(lake, "r", card(phase(4)), "t", "elsewhere")
    again = prepare_run(lake, "r", card(phase(4), keep_last=9), "t", "", before=before, step=2)
    assert again.fork == "elsewhere" and again.settings.keep_last == 9
    with pytest.raises(PlanError, match="other values of deepspeed: put the old values back"):
        prepare_run(
            lake, "r", card(phase(4), deepspeed={"pipeline_stages": 2}), "t", "", before=before, step=2
        )


def test_a_tokenizer_that_did_not_make_the_shards_is_refused(lake: Lake, tmp_path: Path) -> None:
    Tokenizer(WordLevel({"0": 0}, unk_token="0")).save(str(tmp_path / "t" / "tokenizer.json"))
    publish_folder(lake, "tokenizer", "other", tmp_path / "t")
    with pytest.raises(PlanError, match="but tokenizer other has"):
        prepare_run(lake, "r", card(phase(4)), "other", "")


def test_checkpoints_are_copied_where_the_card_says_or_into_a_lake_on_s3(tmp_path: Path) -> None:
    plain, s3, folder = card(phase(4)), Lake("s3://b/lake"), Lake(tmp_path)
    assert checkpoint_store(folder, plain, "r") == ""
    assert checkpoint_store(s3, plain, "r") == "s3://b/lake/runs/r"
    named = card(phase(4), checkpoint_store="s3://other/x/")
    assert checkpoint_store(s3, named, "r") == checkpoint_store(folder, named, "r") == "s3://other/x/r"
