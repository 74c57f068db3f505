"""The composition root: assets, resources, jobs, schedules and sensors of one code location.

Belongs here: putting things together. Does not belong here: how anything works.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dagster as dg

import assets.dump
import assets.release
import assets.run
from assets.cluster.client import PipesDeepSpeedClient
from assets.common import DUMP, RELEASE, RUN, with_code_version
from assets.resources import FilesResource, LakeResource, SparkResource
from jobs.progress import console, report_stage
from jobs.run_watch import watching
from jobs.schedules import SCHEDULES, SENSORS
from jobs.settings import Settings

MODELS = dg.AssetSelection.groups("models")

JOBS = [
    dg.define_asset_job(
        "dump",
        selection=dg.AssetSelection.groups("dump") | MODELS,
        partitions_def=DUMP,
        hooks={report_stage},
        description="One dump, from raw files to decisions.",
    ),
    dg.define_asset_job(
        "models", selection=MODELS, hooks={report_stage}, description="The classifiers and perplexity models."
    ),
    dg.define_asset_job(
        "release",
        selection=dg.AssetSelection.groups("corpus", "tokenizer", "shards"),
        partitions_def=RELEASE,
        hooks={report_stage},
        description="One release, from deduplication to token shards.",
    ),
    dg.define_asset_job(
        "training_run",
        selection=dg.AssetSelection.groups("training", "evaluation"),
        partitions_def=RUN,
        hooks={report_stage},
        tags={"dagster/max_retries": "3"},
        description="One training run, from shards to the model card. Started by a person.",
    ),
]


def fixed(resource: dg.ConfigurableResource[Any]) -> dg.ResourceDefinition:
    """A resource whose settings no launch can change: they name paths, hosts, commands and variables of
    the environment, and whoever may start a run is not whoever may choose these. A run's configuration
    that names any of them is refused."""
    return dg.ResourceDefinition(lambda _: resource, config_schema={}, description=type(resource).__doc__)


def watched(resource: LakeResource) -> dg.ResourceDefinition:
    """The lake, which every asset takes: a run that has it is watched (jobs/run_watch.py)."""

    def lake(context: dg.InitResourceContext) -> Iterator[LakeResource]:
        with watching(context.instance, context.run, console.print):
            yield resource

    return dg.ResourceDefinition(lake, config_schema={}, description=LakeResource.__doc__)


def build_definitions(settings: Settings | None = None) -> dg.Definitions:
    """All definitions under the given settings (by default those of the environment)."""
    s = settings or Settings()
    return dg.Definitions(
        assets=dg.map_asset_specs(
            with_code_version, [*assets.dump.ASSETS, *assets.release.ASSETS, *assets.run.ASSETS]
        ),
        jobs=JOBS,
        schedules=SCHEDULES,
        sensors=SENSORS,
        executor=dg.in_process_executor,  # Spark assets share one JVM
        resources={
            "lake": watched(LakeResource(root=s.lake, cache=s.cache, runs=s.runs)),
            "spark": fixed(SparkResource(master=s.spark_master)),
            "files": fixed(FilesResource(benchmarks=s.benchmarks, peers=s.tokenizers)),
            "cluster": fixed(PipesDeepSpeedClient.from_file(s.cluster)),
        },
    )


defs = build_definitions()
