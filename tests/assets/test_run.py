"""A training run of a lake on S3: planned from it, its shards read from it, its checkpoints in
it."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel

from assets.cluster.client import PipesDeepSpeedClient
from assets.resources import LakeResource
from assets.run import evaluation_key, fork, prepare, train
from model.checkpoints.manifest import sha256
from model.checkpoints.store import CheckpointStore
from model.plan.base import PlanError
from model.plan.card import RunCard
from model.plan.run_file import RunFile
from tests.support.ranks import Ranks
from tests.support.runs import publish_folder, run_file
from tests.support.training_runs import VOCABULARY, explain, losses, weights, write_learnable_shards

CARD = {
    "name": "r",
    "release": "x",
    "sequence_length": 32,
    "global_batch": 4,
    "world_size": 1,
    "checkpoint_every": 2,
    "keep_last": 1,
    "keep_every": 2,
    "phases": [
        {
            "name": "a",
            "stage": "stage1",
            "tokens": 4 * 128,
            "schedule": {"peak": 1e-3},
            "mixture": {"en-webpages": 1.0},
        }
    ],
}


@pytest.fixture
def lake(s3: Any, tmp_path: Path) -> LakeResource:
    """A lake on S3 with one small release and a run's card; runs work in `shared`."""
    resource = LakeResource(
        root=f"s3://dump/{tmp_path.name}", cache=str(tmp_path / "cache"), runs=str(tmp_path / "shared")
    )
    (tmp_path / "t").mkdir()
    Tokenizer(WordLevel({str(i): i for i in range(VOCABULARY)}, unk_token="0")).save(
        str(tmp_path / "t" / "tokenizer.json")
    )
    publish_folder(resource.lake, "tokenizer", "t", tmp_path / "t")
    for name, sources in {
        "main": {"en-webpages": 2_000},
        "stem": {"en-stem": 500},
        "validation": {"web-en": 400},
    }.items():
        write_learnable_shards(tmp_path / name, sources, 1, sha256(tmp_path / "t" / "tokenizer.json"))
        publish_folder(resource.lake, f"{name}_shards", "x", tmp_path / name)
    resource.lake.write_json("cards/releases/x.yaml", {"name": "x", "dumps": ["d"], "tokenizer": "t"})
    resource.lake.write_json("cards/runs/r.yaml", CARD)  # JSON is YAML
    return resource


def test_a_run_of_a_lake_on_s3_works_in_a_folder_and_leaves_its_checkpoints_in_the_lake(
    lake: LakeResource,
    ranks: Ranks,
) -> None:
    folder = prepare(lake, "r")
    run = RunFile.load(folder)
    assert folder == lake.run_dir("r")
    assert RunFile.parse(lake.lake.read_json("runs/r/run.json"), "the lake's") == run
    assert run.shards.main.startswith(lake.root) and run.checkpoint_store == f"{lake.root}/runs/r"
    assert ranks.train(folder, "stage1", 1) == [0], explain(folder)
    store = CheckpointStore(run.checkpoint_store)
    assert list(store.manifests()) == ["step-00000002", "step-00000004"]
    assert (folder / "export" / "stage1" / "stage.json").exists()
    # While a run goes on its retention and its store may be changed, its batches may not.
    lake.lake.write_json("cards/runs/r.yaml", CARD | {"keep_every": 0, "keep_last": 5})
    assert RunFile.load(prepare(lake, "r")).settings.keep_last == 5
    lake.lake.write_json("cards/runs/r.yaml", CARD | {"global_batch": 8})
    with pytest.raises(PlanError, match="cannot change"):
        prepare(lake, "r")
    # Another machine, with an empty folder and an empty cache, is held to the same and goes on from
    # the lake.
    other = LakeResource(root=lake.root, cache=lake.cache + "2", runs=lake.runs + "2")
    with pytest.raises(PlanError, match="cannot change"):
        prepare(other, "r")
    lake.lake.write_json("cards/runs/r.yaml", CARD)
    fresh = prepare(other, "r")
    assert ranks.train(fresh, "stage1", 1) == [0], explain(fresh)
    assert losses(fresh) == losses(folder) and weights(fresh) == weights(folder)


def test_a_fork_is_a_checkpoint_of_another_run_that_is_there(tmp_path: Path) -> None:
    resource = LakeResource(root=str(tmp_path))
    card = RunCard.model_validate(CARD | {"fork": "base/step-00000060"})
    with pytest.raises(PlanError, match="step-00000060 does not exist; name a checkpoint of run base"):
        fork(resource, card)
    folder = tmp_path / "runs" / "base" / "checkpoints" / "step-00000060"
    folder.mkdir(parents=True)
    assert fork(resource, card) == str(folder)
    assert fork(resource, RunCard.model_validate(CARD)) == ""


def test_a_run_that_cannot_be_prepared_fails_without_retries(lake: LakeResource, tmp_path: Path) -> None:
    Tokenizer(WordLevel({"0": 0}, unk_token="0")).save(str(tmp_path / "t" / "tokenizer.json"))
    publish_folder(lake.lake, "tokenizer", "other", tmp_path / "t")
    lake.lake.write_json("cards/runs/r.yaml", CARD | {"tokenizer": "other"})
    # Nothing changes by itself, so Dagster does not try again.
    context: Any = SimpleNamespace(partition_key="r")
    with pytest.raises(dg.Failure, match="but tokenizer other has") as caught:
        train(context, lake, PipesDeepSpeedClient(), "stage1")
    assert caught.value.allow_retries is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"deepspeed": {"zero_optimisation": {"stage": 2}}}, "zero_optimisation: unknown key"),
        ({"deepspeed": {"pipeline_stages": 2}}, "1 ranks do not divide into 2 pipeline stages"),
        ({"world_size": 3}, "not a multiple of 3 data ranks"),
        ({"preset": "13B"}, "unknown preset"),
        ({"release": "absent"}, "absent"),
    ],
)
def test_a_wrong_card_starts_nothing_and_is_not_tried_again(
    lake: LakeResource, monkeypatch: pytest.MonkeyPatch, change: dict[str, Any], message: str
) -> None:
    started: list[Any] = []
    monkeypatch.setattr(PipesDeepSpeedClient, "run", lambda *a, **k: started.append(a))
    lake.lake.write_json("cards/runs/r.yaml", CARD | change)
    context: Any = SimpleNamespace(partition_key="r")
    with pytest.raises(dg.Failure, match=message) as caught:
        train(context, lake, PipesDeepSpeedClient(), "stage1")
    assert caught.value.allow_retries is False and not started


def test_a_report_is_of_contents_and_not_of_a_path(tmp_path: Path) -> None:
    folder, data = tmp_path / "run", tmp_path / "data"
    (folder / "export" / "stage2").mkdir(parents=True)
    data.mkdir()
    for name in ("config.json", "tokenizer.json"):
        (folder / "export" / "stage2" / name).write_text("{}")
    (data / "train.jsonl").write_text("one")
    before = evaluation_key(folder, "leakage", "w", data, 0)
    assert evaluation_key(folder, "leakage", "w", data.rename(tmp_path / "moved"), 0) == before
    (tmp_path / "moved" / "train.jsonl").write_text("two")
    assert evaluation_key(folder, "leakage", "w", tmp_path / "moved", 0) != before
    elsewhere = evaluation_key(folder, "leakage", "w", Path("/not/on/this/machine"), 0)
    assert elsewhere["data"] == "/not/on/this/machine"
    run_file(inputs={"main_shards": "a"}).write(folder)
    first = evaluation_key(folder, "validation", "w", None, 0)
    run_file(inputs={"main_shards": "b"}).write(folder)
    assert evaluation_key(folder, "validation", "w", None, 0) != first
