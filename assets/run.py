"""Assets of one training run: checkpoints, evaluation reports, the model card.

Belongs here: resolve paths, write the run file, hand the work to the cluster. Does not belong here:
what a run file says (model/plan/prepare.py), training and evaluation: they happen in other
processes, torch is never imported here.
"""

import json
from pathlib import Path
from typing import Any

import dagster as dg

from assets.cluster.client import PipesDeepSpeedClient
from assets.common import FROM_ALL, OWNER, RUN
from assets.release import main_shards, stem_shards, validation_shards
from assets.resources import FilesResource, LakeResource
from model.checkpoints.store import begun
from model.evaluate.identity import data_hash, identity, model_hash
from model.plan.base import PlanError
from model.plan.card import RunCard
from model.plan.prepare import checkpoint_store, prepare_run
from model.plan.run_file import RunFile
from model.training.strategy import Strategy
from pipelines.cards.base import CardError
from pipelines.catalogue.stages import release_card
from pipelines.lake import LakeError

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


def run_card(lake: LakeResource, run: str) -> RunCard:
    """The card of a training run."""
    return RunCard.load(lake.lake.local(f"cards/runs/{run}.yaml"))


def fork(lake: LakeResource, card: RunCard) -> str:
    """The checkpoint of another run that the card's run goes on from; empty without one. PlanError
    where it is not there."""
    if not card.fork:
        return ""
    run, tag = card.fork.split("/")
    folder = lake.run_dir(run) / "checkpoints" / tag
    if not folder.is_dir():
        raise PlanError(
            f"the run card's fork {card.fork}: {folder} does not exist; name a checkpoint of run {run}"
        )
    return str(folder)


def prepare(lake: LakeResource, run: str) -> Path:
    """Write the run file of a card over the present shards; returns the run's folder."""
    card, folder = run_card(lake, run), lake.run_dir(run)
    tokenizer = card.tokenizer or release_card(lake.lake, card.release).tokenizer
    before, step = begun(folder, checkpoint_store(lake.lake, card, run)) or (None, 0)
    # A run that has checkpoints of its own does not look for its ancestor any more.
    value = prepare_run(
        lake.lake, run, card, tokenizer, "" if before else fork(lake, card), before=before, step=step
    )
    for place in lake.run_places(run):
        value.write(place)
    return folder


def finished(folder: Path, stage: str) -> dict[str, Any] | None:
    """The record of a stage that was trained to its end and exported, if it was."""
    path = folder / "export" / stage / "stage.json"
    return json.loads(path.read_text()) if path.exists() else None


def train(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient, stage: str
) -> Any:
    """Train one stage on the cluster, or report the one that is there."""
    try:
        folder = prepare(lake, context.partition_key)
        card = run_card(lake, context.partition_key)
        # What the ranks would refuse, before they start.
        Strategy.parse(card.deepspeed, card.global_batch, card.micro_batch, card.world_size)
    except (LakeError, CardError, ValueError) as error:
        # A person must change a card or build a table, so that a retry would change nothing.
        raise dg.Failure(str(error), allow_retries=False) from error
    if done := finished(folder, stage):
        return dg.MaterializeResult(
            metadata={**done, "recomputed": False}, data_version=dg.DataVersion(str(done["weights_hash"]))
        )
    return cluster.run(context, run_dir=folder, stage=stage, ranks=card.world_size)


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


def evaluation_key(
    folder: Path, task: str, weights: str, data: Path | None, limit: int | None
) -> dict[str, Any]:
    """What the report of a task is of. Where the data are not on this machine their path stands for
    their contents; validation reads the shards that the run file names."""
    contents = data_hash(task, data) or str(data or "")
    if task == "validation" and data is None:
        contents = json.dumps(RunFile.load(folder).inputs, sort_keys=True)
    return identity(task, model_hash(folder / "export" / "stage2", weights), contents, limit)


def evaluate(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    cluster: PipesDeepSpeedClient,
    task: str,
    data: Path | None,
    before: str = "",
) -> dg.MaterializeResult:
    """One evaluation of the exported Stage-2 model, unless it was done of this model, on these
    contents, by this code and to this limit. `before`: the stage whose export it is compared
    with."""
    folder = lake.run_dir(context.partition_key)
    stage = finished(folder, "stage2")
    if stage is None:
        raise dg.Failure(
            f"{folder}/export/stage2 has no finished model: materialize stage2_checkpoint first",
            allow_retries=False,
        )
    output = folder / "evaluation" / f"{task}.json"
    limit = run_card(lake, context.partition_key).evaluation.of(task)
    key = evaluation_key(folder, task, str(stage["weights_hash"]), data, limit)
    earlier = folder / "export" / before if before else None
    if earlier is not None:
        record = finished(folder, before)
        if record is None:
            raise dg.Failure(
                f"{earlier} has no finished model: materialize {before}_checkpoint first",
                allow_retries=False,
            )
        key["before"] = model_hash(earlier, str(record["weights_hash"]))
        key["shards"] = RunFile.load(folder).inputs
    fresh = not (output.exists() and json.loads(output.read_text()).get("key") == key)
    if fresh:
        report = cluster.run_evaluation(
            context, run_dir=folder, task=task, output=output, data=data, limit=limit, before=earlier
        )
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


# After the scores, whose answers it takes.
@dg.asset(deps=[stage1_checkpoint, stage2_checkpoint, benchmark_scores], **EVALUATION)
def overfit_report(
    context: dg.AssetExecutionContext, lake: LakeResource, cluster: PipesDeepSpeedClient, files: FilesResource
) -> dg.MaterializeResult:
    """Whether Stage-2 bought its benchmark scores with ordinary text, document by document (paper
    5.2, Table 7)."""
    return evaluate(context, lake, cluster, "overfit", files.benchmark_folder(), before="stage1")


@dg.asset(
    deps=[validation_report, domain_perplexity, benchmark_scores, leakage_report, overfit_report],
    **EVALUATION,
)
def model_card(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The report of the run, as a page and as JSON."""
    from reports.gather import gather
    from reports.run_report import write_report

    run = context.partition_key
    release = run_card(lake, run).release
    data = gather(lake.lake, lake.run_dir(run), run, release, list(release_card(lake.lake, release).dumps))
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
    overfit_report,
    model_card,
]
