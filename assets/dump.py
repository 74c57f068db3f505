"""Assets of one dump, and the models trained on dumps.

Belongs here: resolve tables, call one stage, return its result. Does not belong here: how a stage
works.
"""

from typing import Any

import dagster as dg

from assets.common import DUMP, FROM_ALL, OWNER, finding_specs, findings, has_rows, result, rows_check
from assets.resources import LakeResource, SparkResource
from pipelines.cards.checks import CheckBounds
from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.signatures import build_signatures
from pipelines.dumps.raw_dump import build_raw_dump
from pipelines.edits.edits import edits_stage
from pipelines.extraction.documents import build_documents
from pipelines.filtering.decisions import build_decisions, current_policy
from pipelines.inspection.funnel import as_table, funnel, judge_decisions, judge_edits, judge_sides
from pipelines.quality.classifiers import build_reference_classifier, build_stem_classifier
from pipelines.quality.perplexity import build_perplexity_models
from pipelines.quality.scores import build_scores
from pipelines.signals.signals import build_signals
from pipelines.tables.stage import build

CITED = "cards/reference_urls.txt"  # one URL a line: pages that Wikipedia cites
COMMON: dict[str, Any] = {"owners": [OWNER], "group_name": "dump"}
# one run at a time trains them: the dump jobs of a backfill all need the same ones, and the next
# finds them
MODELS: dict[str, Any] = {"owners": [OWNER], "group_name": "models", "pool": "models"}


@dg.asset(partitions_def=DUMP, kinds={"s3"}, pool="download", **COMMON)
def raw_dump(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The files of a dump: name, address, bytes, hash or etag."""
    return result(build_raw_dump(lake.lake, lake.dump_card(context.partition_key)))


@dg.asset(
    partitions_def=DUMP,
    deps=[raw_dump],
    kinds={"spark", "parquet"},
    pool="spark",
    check_specs=[rows_check("documents")],
    **COMMON,
)
def documents(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Main text, title, date and provenance of every readable page; what could not be read is
    counted by reason."""
    card = lake.dump_card(context.partition_key)
    built = build_documents(lake.lake, spark.engine, card, lake.lake.current("raw_dump", card.name))
    return result(built, [has_rows(built)], {"split_by": built.dataset.manifest.parameters["split_by"]})


@dg.asset(
    partitions_def=DUMP,
    deps=[documents],
    kinds={"spark", "parquet"},
    pool="spark",
    check_specs=finding_specs("edits", "pii_leftovers"),
    **COMMON,
)
def edits(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Masks of personal data and lines to take out, as spans of the document's text."""
    built = build(lake.lake, spark.engine, edits_stage(lake.lake.current("documents", context.partition_key)))
    return result(built, findings(judge_edits(built.dataset, CheckBounds.of(lake.lake))))


@dg.asset(partitions_def=DUMP, deps=[edits], kinds={"spark", "parquet"}, pool="spark", **COMMON)
def signals(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Language, the value of every rule, safety hits: numbers without thresholds."""
    tables = lake.dump(context.partition_key)
    return result(build_signals(lake.lake, spark.engine, tables.documents, tables.edits))


@dg.asset(partitions_def=DUMP, deps=[edits], kinds={"spark", "parquet"}, pool="spark", **COMMON)
def signatures(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Content hash, MinHash and block hashes of the rendered text."""
    tables = lake.dump(context.partition_key)
    return result(
        build_signatures(
            lake.lake, spark.engine, tables.documents, tables.edits, MinHashParameters.of(lake.lake)
        )
    )


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def reference_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText: would Wikipedia cite this page? Positives are the reference dumps and the pages of
    cards/reference_urls.txt."""
    listed = lake.lake.read_bytes(CITED).decode().split() if lake.lake.exists(CITED) else ()
    return result(build_reference_classifier(lake.lake, lake.training_dumps(), listed))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def stem_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText with three labels: exercise with solution, STEM exposition, other."""
    return result(build_stem_classifier(lake.lake, lake.training_dumps()))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def perplexity_models(lake: LakeResource) -> dg.MaterializeResult:
    """KenLM of the reference dumps, per language; says so where `make kenlm` was not run."""
    return result(build_perplexity_models(lake.lake, lake.training_dumps()))


@dg.asset(
    partitions_def=DUMP,
    deps=[signals, reference_classifier, stem_classifier, perplexity_models],
    kinds={"spark"},
    pool="spark",
    **COMMON,
)
def scores(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Reference, STEM and perplexity scores of every document, by model hash."""
    tables = lake.dump(context.partition_key, "signals")
    models = [
        lake.lake.current(name) for name in ("reference_classifier", "stem_classifier", "perplexity_models")
    ]
    return result(
        build_scores(lake.lake, spark.engine, tables.documents, tables.edits, dict(tables.signals), *models)
    )


@dg.asset(
    partitions_def=DUMP,
    deps=[scores, signals],
    kinds={"spark"},
    pool="spark",
    check_specs=[
        rows_check("decisions"),
        *finding_specs("decisions", "keep_rate", "language_share", "heaviest_reason", "validation_groups"),
    ],
    **COMMON,
)
def decisions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Keep, or every reason against, under the policy. Reads no text."""
    tables = lake.dump(context.partition_key, "signals", "scores")
    policy = current_policy(lake.lake)
    built = build_decisions(
        lake.lake,
        spark.engine,
        tables.card,
        tables.documents,
        dict(tables.signals),
        tables.need("scores"),
        policy,
    )
    bounds = CheckBounds.of(lake.lake)
    found = judge_decisions(built.dataset, tables.signals["language"], bounds) + judge_sides(
        tables.documents, tables.card, bounds
    )
    table = dg.MetadataValue.md(as_table(funnel(lake.lake, context.partition_key)))
    return result(built, [has_rows(built), *findings(found)], {"funnel": table})


ASSETS = [
    raw_dump,
    documents,
    edits,
    signals,
    signatures,
    reference_classifier,
    stem_classifier,
    perplexity_models,
    scores,
    decisions,
]
