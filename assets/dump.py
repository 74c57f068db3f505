"""Assets of one dump, and the models trained on dumps.

Belongs here: build one table, return it with its checks. Does not belong here: how a stage works
(pipelines/), where its inputs lie (pipelines/catalogue/).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from assets.common import (
    DUMP,
    FROM_ALL,
    OWNER,
    finding_specs,
    findings,
    has_rows,
    made,
    made_each,
    result,
    results,
    rows_check,
)
from assets.resources import LakeResource, SparkResource
from pipelines.cards.checks import CheckBounds
from pipelines.catalogue.stages import dump_card
from pipelines.extraction.split import split_of
from pipelines.inspection.funnel import (
    as_table,
    damaged_files,
    funnel,
    judge_decisions,
    judge_edits,
    judge_fields,
    judge_ids,
    judge_rules,
    judge_sides,
    what_came,
)
from pipelines.inspection.labelled import label_lines
from pipelines.lake import Built
from pipelines.tables.inputs import dump_tables

COMMON: dict[str, Any] = {"owners": [OWNER], "group_name": "dump"}
TABLE: dict[str, Any] = {"partitions_def": DUMP, "kinds": {"spark", "parquet"}, "pool": "spark", **COMMON}
SIGNALS: dict[str, Any] = {"key_prefix": "signals", **TABLE}
# One run at a time trains the models: the dump jobs of a backfill all need them, and the
# next finds them.
MODELS: dict[str, Any] = {"owners": [OWNER], "group_name": "models", "pool": "models"}


@dg.asset(partitions_def=DUMP, kinds={"s3"}, pool="download", **COMMON)
def raw_dump(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """The files of a dump: name, address, bytes, hash or etag."""
    return result(made("raw_dump", context.partition_key, lake))


@dg.asset(partitions_def=DUMP, deps=[raw_dump], pool="download", **COMMON)
def split(context: dg.AssetExecutionContext, lake: LakeResource) -> dg.MaterializeResult:
    """Whether the dump is split into training and validation by group or, where it has too few
    groups, by URL."""
    built = made("split", context.partition_key, lake)
    return result(built, more={"split_by": split_of(built.dataset)})


@dg.multi_asset(
    name="documents",
    specs=[
        dg.AssetSpec(
            table,
            deps=[raw_dump, split],
            description=meaning,
            group_name="dump",
            owners=[OWNER],
            kinds={"spark", "parquet"},
            skippable=True,
        )
        for table, meaning in (
            (
                "documents",
                "Main text, title, date and provenance of every readable page; what could not be read is"
                " counted by reason.",
            ),
            ("left_out", "Pages that gave no document, and why."),
        )
    ],
    partitions_def=DUMP,
    pool="spark",
    can_subset=True,  # either is made with the other, and may be asked for alone
    check_specs=[
        rows_check("documents", DUMP),
        *finding_specs("documents", "unique_ids", blocking=True),
        *finding_specs("documents", "unused_rules", "unused_fields"),
    ],
)
def documents(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> Iterator[dg.MaterializeResult]:
    """The documents of a dump, and what its files held beside them."""
    name, root = context.partition_key, lake.lake
    built = made("documents", name, lake, spark)
    left_out, card = root.current("left_out", name), dump_card(root, name)
    came = what_came(built.dataset.stats, damaged_files(left_out))
    judged = (judge_ids(built.dataset), judge_rules(built.dataset, card), judge_fields(built.dataset, card))
    checks = [has_rows(built, cause=came), *findings(list(judged))]
    made_here = {
        "documents": result(built, checks, {"read": came}),
        "left_out": result(Built(left_out, built.fresh)),
    }
    for table, materialized in made_here.items():
        if dg.AssetKey(table) in context.selected_asset_keys:
            yield materialized._replace(asset_key=dg.AssetKey(table))


@dg.asset(deps=["documents"], check_specs=finding_specs("edits", "pii_leftovers"), **TABLE)
def edits(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Masks of personal data and lines to take out, as spans of the document's text."""
    built = made("edits", context.partition_key, lake, spark)
    return result(built, findings(judge_edits(built.dataset, CheckBounds.of(lake.lake))))


@dg.asset(name="language", deps=[edits], **SIGNALS)
def signals_language(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The language of every document, with its probability; traditional against simplified characters."""
    return result(made("signals/language", context.partition_key, lake, spark))


@dg.asset(deps=[edits, signals_language], **TABLE)
def parallel_pairs(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Pages in English and Chinese that are translations of each other, paragraph by paragraph; found by
    their addresses."""
    return result(made("parallel_pairs", context.partition_key, lake, spark))


@dg.asset(name="rules", deps=[edits, signals_language], **SIGNALS)
def signals_rules(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The numbers of every rule (Gopher, FineWeb, C4, the Chinese set), without thresholds."""
    return result(made("signals/rules", context.partition_key, lake, spark))


@dg.asset(name="safety", deps=[edits], **SIGNALS)
def signals_safety(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Words of harmful trades in the text and the URL of every document."""
    return result(made("signals/safety", context.partition_key, lake, spark))


@dg.asset(name="code", deps=[edits], **SIGNALS)
def signals_code(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The type of every source file, and whether a program wrote it; null for other documents."""
    return result(made("signals/code", context.partition_key, lake, spark))


@dg.asset(deps=[edits], **TABLE)
def signatures(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Content hash, MinHash and block hashes of the rendered text."""
    return result(made("signatures", context.partition_key, lake, spark))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def reference_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText: would Wikipedia cite this page? Positives are the reference dumps and the pages of
    cards/reference_urls.txt."""
    return result(made("reference_classifier", "all", lake))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def stem_classifier(lake: LakeResource) -> dg.MaterializeResult:
    """fastText with three labels: exercise with solution, STEM exposition, other."""
    return result(made("stem_classifier", "all", lake))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def perplexity_models(lake: LakeResource) -> dg.MaterializeResult:
    """KenLM of the reference dumps, per language; says so where `make kenlm` was not run."""
    return result(made("perplexity_models", "all", lake))


@dg.asset(deps=[dg.AssetDep(edits, partition_mapping=FROM_ALL)], **MODELS)
def classifier_models(lake: LakeResource) -> dg.MaterializeResult:
    """The model of each classifier card (cards/classifiers), and those that come with the project."""
    return results(made_each("classifier_models", "all", lake))


@dg.asset(deps=[signals_language, classifier_models], **TABLE)
def classifiers(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """What each classifier says of every document, in a table for each: a new card computes one."""
    return results(made_each("classifiers", context.partition_key, lake, spark))


@dg.asset(deps=[signals_language, reference_classifier, stem_classifier, perplexity_models], **TABLE)
def scores(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Reference, STEM and perplexity scores of every document, by model hash."""
    return result(made("scores", context.partition_key, lake, spark))


@dg.asset(
    deps=[scores, classifiers, signals_language, signals_rules, signals_safety, signals_code],
    check_specs=[
        rows_check("decisions", DUMP),
        *finding_specs(
            "decisions",
            "keep_rate",
            "language_share",
            "heaviest_reason",
            "perplexity_tail",
            "validation_groups",
        ),
    ],
    **TABLE,
)
def decisions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Keep, or every reason against, under the policy. Reads no text."""
    name, root = context.partition_key, lake.lake
    built, bounds = made("decisions", name, lake, spark), CheckBounds.of(root)
    found = judge_decisions(built.dataset, root.current("signals/language", name), bounds)
    found += judge_sides(root.current("documents", name), dump_card(root, name), bounds)
    shown = {"funnel": dg.MetadataValue.md(as_table(funnel(root, name)))}
    if lines := label_lines(root, dump_tables(root, dump_card(root, name), "decisions")):
        shown["labels"] = dg.MetadataValue.md("\n".join(f"- {line}" for line in lines))
    return result(built, [has_rows(built), *findings(found)], shown)


ASSETS = [
    raw_dump,
    split,
    documents,
    edits,
    signals_language,
    parallel_pairs,
    signals_rules,
    signals_safety,
    signals_code,
    signatures,
    reference_classifier,
    stem_classifier,
    perplexity_models,
    classifier_models,
    scores,
    classifiers,
    decisions,
]
