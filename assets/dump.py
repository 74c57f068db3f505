"""Assets of one dump, and the models trained on dumps.

Belongs here: resolve tables, call one stage, return its result. Does not belong here: how a stage
works.
"""

from pathlib import Path
from typing import Any

import dagster as dg

from assets.common import DUMP, FROM_ALL, OWNER, finding_specs, findings, has_rows, result, rows_check
from assets.resources import LakeResource, SparkResource
from pipelines.cards.checks import CheckBounds
from pipelines.cards.minhash import MinHashParameters
from pipelines.dedup.signatures import signatures_stage
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.engine import InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_of, split_stage
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import current_policy
from pipelines.inspection.funnel import as_table, funnel, judge_decisions, judge_edits, judge_sides
from pipelines.quality.classifiers import reference_classifier_stage, stem_classifier_stage
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import scores_stage
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.stage import build

CITED = "cards/reference_urls.txt"  # one URL a line: pages that Wikipedia cites
COMMON: dict[str, Any] = {"owners": [OWNER], "group_name": "dump"}
TABLE: dict[str, Any] = {"partitions_def": DUMP, "kinds": {"spark", "parquet"}, "pool": "spark", **COMMON}
SIGNALS: dict[str, Any] = {"key_prefix": "signals", **TABLE}
# One run at a time trains the models: the dump jobs of a backfill all need the same ones, and the
# next finds them.
MODELS: dict[str, Any] = {"owners": [OWNER], "group_name": "models", "pool": "models"}


@dg.asset(partitions_def=DUMP, kinds={"s3"}, pool="download", **COMMON)
def raw_dump(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The files of a dump: name, address, bytes, hash or etag."""
    root = lake.lake
    stage = raw_dump_stage(lake.dump_card(context.partition_key), Path(root.root))
    return result(build(root, InProcess(), stage))


@dg.asset(partitions_def=DUMP, deps=[raw_dump], pool="download", **COMMON)
def split(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Whether the dump is split into training and validation by group or, where it has too few
    groups, by URL."""
    name, root = context.partition_key, lake.lake
    built = build(root, InProcess(), split_stage(lake.dump_card(name), root.current("raw_dump", name)))
    return result(built, more={"split_by": split_of(built.dataset)})


@dg.asset(deps=[raw_dump, split], check_specs=[rows_check("documents")], **TABLE)
def documents(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Main text, title, date and provenance of every readable page; what could not be read is
    counted by reason."""
    name, root = context.partition_key, lake.lake
    listed, sides = root.current("raw_dump", name), root.current("split", name)
    built = build(root, spark.engine, documents_stage(lake.dump_card(name), listed, sides))
    return result(built, [has_rows(built)])


@dg.asset(deps=[documents], check_specs=finding_specs("edits", "pii_leftovers"), **TABLE)
def edits(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Masks of personal data and lines to take out, as spans of the document's text."""
    built = build(lake.lake, spark.engine, edits_stage(lake.lake.current("documents", context.partition_key)))
    return result(built, findings(judge_edits(built.dataset, CheckBounds.of(lake.lake))))


@dg.asset(name="language", deps=[edits], **SIGNALS)
def signals_language(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The language of every document, with its probability; traditional against simplified characters."""
    tables = lake.dump(context.partition_key)
    return result(build(lake.lake, spark.engine, language_stage(tables.documents, tables.edits)))


@dg.asset(name="rules", deps=[edits, signals_language], **SIGNALS)
def signals_rules(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The numbers of every rule (Gopher, FineWeb, C4, the Chinese set), without thresholds."""
    tables = lake.dump(context.partition_key)
    language = lake.lake.current("signals/language", context.partition_key)
    return result(build(lake.lake, spark.engine, rules_stage(tables.documents, tables.edits, language)))


@dg.asset(name="safety", deps=[edits], **SIGNALS)
def signals_safety(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Words of harmful trades in the text and the URL of every document."""
    tables = lake.dump(context.partition_key)
    return result(build(lake.lake, spark.engine, safety_stage(tables.documents, tables.edits)))


@dg.asset(name="code", deps=[edits], **SIGNALS)
def signals_code(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The type of every source file, and whether a program wrote it; null for other documents."""
    tables = lake.dump(context.partition_key)
    return result(build(lake.lake, spark.engine, code_stage(tables.documents, tables.edits)))


@dg.asset(deps=[edits], **TABLE)
def signatures(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Content hash, MinHash and block hashes of the rendered text."""
    tables = lake.dump(context.partition_key)
    stage = signatures_stage(tables.documents, tables.edits, MinHashParameters.of(lake.lake))
    return result(build(lake.lake, spark.engine, stage))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def reference_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText: would Wikipedia cite this page? Positives are the reference dumps and the pages of
    cards/reference_urls.txt."""
    listed = lake.lake.read_bytes(CITED).decode().split() if lake.lake.exists(CITED) else ()
    stage = reference_classifier_stage(lake.training_dumps(), listed)
    return result(build(lake.lake, InProcess(), stage))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def stem_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText with three labels: exercise with solution, STEM exposition, other."""
    return result(build(lake.lake, InProcess(), stem_classifier_stage(lake.training_dumps())))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def perplexity_models(lake: LakeResource) -> dg.MaterializeResult:
    """KenLM of the reference dumps, per language; says so where `make kenlm` was not run."""
    return result(build(lake.lake, InProcess(), perplexity_models_stage(lake.training_dumps())))


@dg.asset(deps=[signals_language, reference_classifier, stem_classifier, perplexity_models], **TABLE)
def scores(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Reference, STEM and perplexity scores of every document, by model hash."""
    root, tables = lake.lake, lake.dump(context.partition_key)
    language = root.current("signals/language", context.partition_key)
    models = [root.current(n) for n in ("reference_classifier", "stem_classifier", "perplexity_models")]
    return result(build(root, spark.engine, scores_stage(tables.documents, tables.edits, language, *models)))


@dg.asset(
    deps=[scores, signals_language, signals_rules, signals_safety, signals_code],
    check_specs=[
        rows_check("decisions"),
        *finding_specs("decisions", "keep_rate", "language_share", "heaviest_reason", "validation_groups"),
    ],
    **TABLE,
)
def decisions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Keep, or every reason against, under the policy. Reads no text."""
    tables = lake.dump(context.partition_key, "signals", "scores")
    policy = current_policy(lake.lake)
    stage = decisions_stage(tables.documents, tables.signals, tables.need("scores"), policy)
    built = build(lake.lake, spark.engine, stage)
    bounds = CheckBounds.of(lake.lake)
    found = judge_decisions(built.dataset, tables.signals["language"], bounds) + judge_sides(
        tables.documents, tables.card, bounds
    )
    table = dg.MetadataValue.md(as_table(funnel(lake.lake, context.partition_key)))
    return result(built, [has_rows(built), *findings(found)], {"funnel": table})


ASSETS = [
    raw_dump,
    split,
    documents,
    edits,
    signals_language,
    signals_rules,
    signals_safety,
    signals_code,
    signatures,
    reference_classifier,
    stem_classifier,
    perplexity_models,
    scores,
    decisions,
]
