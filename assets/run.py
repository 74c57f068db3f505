"""Assets of one training run: checkpoints, evaluation reports, the model card.

Belongs here: resolve paths, write the run's `run.json`, hand the work to the cluster. Training and
evaluation happen in other processes: torch is never imported here.
"""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from assets.cluster.client import PipesDeepSpeedClient
from assets.common import FROM_ALL, OWNER, RUN
from assets.release import main_shards, stem_shards, validation_shards
from assets.resources import FilesResource, LakeResource
from model.checkpoints.manifest import finished_checkpoints, read_manifest, sha256
from model.checkpoints.store import CheckpointStore
from model.network.config import vocabulary
from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.plan import Plan
from model.plan.sources import CORPORA
from pipelines.lake import Dataset, Lake

TRAINING: dict[str, Any] = {
    "owners": [OWNER],
    "group_name": "training",
    "partitions_def": RUN,
    "pool": "gpu_cluster",
}
EVALUATION: dict[str, Any] = {
    "owners": [OWNER],
    "group_name": "evaluation",
    "partitions_def": RUN,
    "pool": "gpu_cluster",
}
RETENTION = {"keep_last", "keep_every", "checkpoint_store"}
ADDRESSES = {"tokenizer", "main_shards", "stem_shards", "validation_shards", "release_shards"}
WATCHING = {"validation_sequences", "limit_seconds", "preflight", "peak_flops"}
"""Of run.json, what may change while a run goes on: none changes a trained number, as the contents
of `inputs` are compared."""


def run_card(lake: LakeResource, run: str) -> RunCard:
    """The card of a training run."""
    return RunCard.load(lake.lake.local(f"cards/runs/{run}.yaml"))


def listing(shards: Dataset) -> dict[str, Any]:
    """What a shard set holds."""
    value: dict[str, Any] = shards.read_json("shards.json")
    return value


def address(shards: Dataset) -> str:
    """Where ranks read a shard set: a folder, or the set on S3, of which they fetch only what they
    read."""
    return f"{shards.lake.root}/{shards.path}" if shards.lake.is_s3 else str(shards.local())


def checkpoint_store(root: Lake, card: RunCard, run: str) -> str:
    """Where the run's checkpoints are copied to; empty where the lake is a folder and the card
    names no store."""
    return (
        f"{card.checkpoint_store.rstrip('/')}/{run}"
        if card.checkpoint_store
        else f"{root.root}/runs/{run}"
        if root.is_s3
        else ""
    )


def fork(lake: LakeResource, card: RunCard) -> str:
    """The checkpoint of another run that the card's run goes on from; empty without one. Failure
    where it is not there."""
    if not card.fork:
        return ""
    run, tag = card.fork.split("/")
    folder = lake.run_dir(run) / "checkpoints" / tag
    if not folder.is_dir():
        raise dg.Failure(
            f"the run card's fork {card.fork}: {folder} does not exist; name a checkpoint of run {run}",
            allow_retries=False,
        )
    return str(folder)


def prepare(lake: LakeResource, run: str) -> Path:
    """Write `runs/<run>/run.json`: the plan and every input by path and hash. Returns the run's
    folder.

    A run that has checkpoints, here or in its store, keeps the phases it has begun; what is changed
    beside later phases is refused.
    """
    root, card, folder = lake.lake, run_card(lake, run), lake.run_dir(run)
    path = folder / "run.json"
    shards = {name: root.current(f"{name}_shards", card.release) for name in (*CORPORA, "validation")}
    others = {
        r: {c: root.current(f"{c}_shards", r) for c in CORPORA} for r in card.releases if r != card.release
    }
    tokenizer = root.current("tokenizer", card.tokenizer or lake.release_card(card.release).tokenizer)
    old = json.loads(path.read_text()) if path.exists() else {}
    saved = [int(read_manifest(p)["step"]) for p in finished_checkpoints(folder / "checkpoints")]
    address_of_store = checkpoint_store(root, card, run)
    if address_of_store and not saved:
        old, saved = CheckpointStore(address_of_store).begun() or (old, saved)
    plan = build_plan(
        card,
        {c: listing(shards[c]) for c in CORPORA},
        {r: {c: listing(d) for c, d in sets.items()} for r, sets in others.items()},
        Plan.from_json(old["plan"]) if saved else None,
        max(saved, default=0),
    )
    definition = tokenizer.local("tokenizer.json")
    if sha256(definition) != plan.tokenizer_hash:
        raise PlanError(
            f"the shards of release {card.release} were made with a tokenizer of hash {plan.tokenizer_hash}, but tokenizer"
            f" {tokenizer.manifest.partition} has {sha256(definition)}: name theirs in the card of run {run}, or build the shards again"
        )
    value: dict[str, Any] = {
        "run": run,
        "release": card.release,
        "plan": plan.to_json(),
        "model": card.config(vocabulary(definition)).to_json() if card.model else card.preset,
        **card.settings.model_dump(mode="json"),
        "fork": old.get("fork", "") if saved else fork(lake, card),
        "checkpoint_store": address_of_store,
        "tokenizer": str(definition),
        "inputs": {f"{n}_shards": d.content_hash for n, d in shards.items()}
        | {"tokenizer": tokenizer.content_hash},
        **{f"{c}_shards": address(shards[c]) for c in CORPORA},
        "validation_shards": str(shards["validation"].local()),
        "release_shards": {f"{r}/{c}": address(d) for r, sets in others.items() for c, d in sets.items()},
    }
    changed = sorted(
        k
        for k in value
        if old.get(k) != value[k] and k not in {"plan", "fork"} | RETENTION | ADDRESSES | WATCHING
    )
    if saved and changed:
        raise dg.Failure(
            f"run {run} has checkpoints of another plan ({', '.join(changed)} differ from {path}): name a new run, or remove {folder}",
            allow_retries=False,
        )
    lake.write_run_json(run, "run.json", value)
    return folder


def finished(folder: Path, stage: str) -> dict[str, Any] | None:
    """The record of a stage that was trained to its end and exported, if it was."""
    path = folder / "export" / stage / "stage.json"
    return json.loads(path.read_text()) if path.exists() else None


def train(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient, stage: str
) -> Any:
    """Train one stage on the cluster, or report the one that is there."""
    folder = prepare(lake, context.partition_key)
    if done := finished(folder, stage):
        return dg.MaterializeResult(
            metadata={**done, "recomputed": False}, data_version=dg.DataVersion(str(done["weights_hash"]))
        )
    return cluster.run(
        context, run_dir=folder, stage=stage, ranks=run_card(lake, context.partition_key).world_size
    )


@dg.asset(
    deps=[dg.AssetDep(s, partition_mapping=FROM_ALL) for s in (main_shards, stem_shards, validation_shards)],
    kinds={"pytorch"},
    **TRAINING,
)
def stage1_checkpoint(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient
) -> dg.MaterializeResult:
    """Stage-1: SkyPile-Main, warm-up and cosine, then constant (paper 3.6)."""
    return train(context, lake, cluster, "stage1")


@dg.asset(deps=[stage1_checkpoint], kinds={"pytorch"}, **TRAINING)
def stage2_checkpoint(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient
) -> dg.MaterializeResult:
    """Stage-2: from the Stage-1 checkpoint, with a growing share of SkyPile-STEM (paper 3.6.2)."""
    return train(context, lake, cluster, "stage2")


def evaluate(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    cluster: PipesDeepSpeedClient,
    task: str,
    data: Path | None,
) -> dg.MaterializeResult:
    """One evaluation of the exported Stage-2 model, unless it was done for these weights and this
    data."""
    folder = lake.run_dir(context.partition_key)
    stage = finished(folder, "stage2")
    if stage is None:
        raise dg.Failure(
            f"{folder}/export/stage2 has no finished model: materialize stage2_checkpoint first",
            allow_retries=False,
        )
    output = folder / "evaluation" / f"{task}.json"
    key = {"weights": stage["weights_hash"], "data": str(data or "")}
    fresh = not (output.exists() and json.loads(output.read_text()).get("key") == key)
    if fresh:
        report = cluster.run_evaluation(context, run_dir=folder, task=task, output=output, data=data)
        lake.write_run_json(context.partition_key, f"evaluation/{task}.json", report | {"key": key})
    report = json.loads(output.read_text())
    figures = {"cpu_seconds": report["cpu_seconds"]} if fresh else {}
    return dg.MaterializeResult(
        metadata={
            "report": dg.MetadataValue.json(report),
            "path": str(output),
            "recomputed": fresh,
            **figures,
        }
    )


@dg.asset(deps=[stage2_checkpoint], **EVALUATION)
def validation_report(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient
) -> dg.MaterializeResult:
    """Loss, perplexity and bits per byte on every validation domain."""
    return evaluate(context, lake, cluster, "validation", None)


@dg.asset(deps=[stage2_checkpoint], **EVALUATION)
def domain_perplexity(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient, files: FilesResource
) -> dg.MaterializeResult:
    """Chinese perplexity over the paper's six domains; what is not on the machine is named."""
    return evaluate(context, lake, cluster, "perplexity", files.benchmark_folder())


@dg.asset(deps=[stage2_checkpoint], **EVALUATION)
def benchmark_scores(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient, files: FilesResource
) -> dg.MaterializeResult:
    """C-Eval, CMMLU, MMLU (5-shot) and GSM8K (8-shot) with the paper's prompts; missing files are
    named."""
    return evaluate(context, lake, cluster, "benchmarks", files.benchmark_folder())


@dg.asset(deps=[stage2_checkpoint], **EVALUATION)
def leakage_report(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient
) -> dg.MaterializeResult:
    """L_train, L_test, L_ref and the differences D1, D2 with intervals (paper 5)."""
    folder = lake.lake.local("inputs/leakage")
    return evaluate(context, lake, cluster, "leakage", folder if folder.exists() else None)


@dg.asset(deps=[validation_report, domain_perplexity, benchmark_scores, leakage_report], **EVALUATION)
def model_card(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The report of the run, as a page and as JSON."""
    from reports.gather import gather
    from reports.run_report import write_report

    run = context.partition_key
    release = run_card(lake, run).release
    data = gather(lake.lake, lake.run_dir(run), run, release, list(lake.release_card(release).dumps))
    html, numbers = write_report(lake.lake.root, run, data)
    return dg.MaterializeResult(
        metadata={"page": dg.MetadataValue.path(str(html)), "numbers": dg.MetadataValue.path(str(numbers))}
    )


ASSETS = [
    stage1_checkpoint,
    stage2_checkpoint,
    validation_report,
    domain_perplexity,
    benchmark_scores,
    leakage_report,
    model_card,
]
