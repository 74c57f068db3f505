"""Assets of one release: what was decided to be published from some dumps, its tokenizer and token
shards.

Belongs here: resolve tables, call one stage, return its result. Does not belong here: how a stage
works.
"""

from typing import Any, Literal

import dagster as dg

from assets.common import FROM_ALL, OWNER, RELEASE, guard_check, guards, has_rows, result, rows_check
from assets.dump import decisions, signatures
from assets.resources import FilesResource, LakeResource, SparkResource
from pipelines.contamination.contamination import build_contamination
from pipelines.corpora.assembly import build_corpus, build_rejected
from pipelines.dedup.duplicates import build_duplicates
from pipelines.engine import InProcess
from pipelines.lake import Built, Lake
from pipelines.release.recurring_blocks import build_recurring_blocks
from pipelines.release.release_decisions import build_release_decisions, equal_texts
from pipelines.release.validation_sets import build_validation_sets
from pipelines.shards.writer import shards_stage
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.extend import load_base
from pipelines.tokenizer.report import tokenizer_report_stage
from reports.vocabulary import markdown, page

CORPUS: dict[str, Any] = {
    "owners": [OWNER],
    "group_name": "corpus",
    "partitions_def": RELEASE,
    "kinds": {"spark", "parquet"},
    "pool": "spark",
}
TOKENIZER: dict[str, Any] = {
    "owners": [OWNER],
    "group_name": "tokenizer",
    "kinds": {"spark"},
    "pool": "spark",
}
SHARDS: dict[str, Any] = {
    "owners": [OWNER],
    "group_name": "shards",
    "partitions_def": RELEASE,
    "kinds": {"spark"},
    "pool": "spark",
}
SHARD_SEED = 20231030  # the order of documents within a source


@dg.asset(
    deps=[
        dg.AssetDep(decisions, partition_mapping=FROM_ALL),
        dg.AssetDep(signatures, partition_mapping=FROM_ALL),
    ],
    check_specs=[guard_check("duplicates")],
    **CORPUS,
)
def duplicates(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Documents removed as duplicates: of which document, how similar, exact or near; every pair
    verified."""
    release = lake.release(context.partition_key)
    built = build_duplicates(lake.lake, spark.engine, release)
    return result(built, [guards(built, release.card)])


@dg.asset(deps=[duplicates], **CORPUS)
def recurring_blocks(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Text blocks that recur over too many surviving documents and hosts (paper 3.1, distribution
    filtering)."""
    name = context.partition_key
    return result(
        build_recurring_blocks(
            lake.lake, spark.engine, lake.release(name), lake.lake.current("duplicates", name)
        )
    )


@dg.asset(deps=[duplicates], check_specs=[rows_check("validation_sets")], **CORPUS)
def validation_sets(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Held-out documents by domain, frozen by hash once published."""
    name = context.partition_key
    built = build_validation_sets(
        lake.lake, spark.engine, lake.release(name), lake.lake.current("duplicates", name)
    )
    return result(built, [has_rows(built)])


@dg.asset(deps=[validation_sets], **CORPUS)
def contamination(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource, files: FilesResource
) -> dg.MaterializeResult:
    """Training documents that hold items of benchmarks, leakage sets or validation documents."""
    name, root = context.partition_key, lake.lake
    folders = [f for f in (files.benchmark_folder(),) if f]
    if root.files("inputs/leakage"):
        folders.append(root.local("inputs/leakage"))
    return result(
        build_contamination(
            root, spark.engine, lake.release(name), root.current("validation_sets", name), folders
        )
    )


EQUAL_TEXTS = dg.AssetCheckSpec(
    "no_equal_texts",
    asset="release_decisions",
    blocking=True,
    description="No two documents of the release have equal rendered, normalised text.",
)
DISJOINT = dg.AssetCheckSpec(
    "disjoint",
    asset="skypile_stem",
    blocking=True,
    description="No document of SkyPile-STEM is in SkyPile-Main too.",
)


@dg.asset(deps=[recurring_blocks, contamination], check_specs=[EQUAL_TEXTS], **CORPUS)
def release_decisions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The fate of every document: final election without what was excluded, cuts, new judgement of what
    was cut, every reason."""
    name, root = context.partition_key, lake.lake
    validation, recurring, found = (
        root.current(t, name) for t in ("validation_sets", "recurring_blocks", "contamination")
    )
    built = build_release_decisions(root, spark.engine, lake.release(name), validation, recurring, found)
    pairs = (
        equal_texts(spark.engine, built.dataset) if built.fresh else []
    )  # what is unchanged was checked when it was built
    check = dg.AssetCheckResult(
        check_name="no_equal_texts", passed=not pairs, metadata={"pairs": dg.MetadataValue.json(pairs)}
    )
    answer = result(built, [check])
    return answer._replace(metadata={**(answer.metadata or {}), **release_numbers(root, name)})


def release_numbers(root: Lake, name: str) -> dict[str, Any]:
    """What happened on the way to the release decisions: documents excluded and replaced, and what was
    cut by host."""
    cuts, exclusions = root.current("cuts", name).stats, root.current("exclusions", name).stats
    first, final = (root.current(t, name).stats["removed"] for t in ("duplicates", "final_duplicates"))
    hosts = dict(sorted(cuts.get("hosts", {}).items(), key=lambda item: (-item[1], item[0]))[:20])
    return {
        "documents_cut": cuts.get("touched", 0),
        "characters_cut": cuts.get("characters_cut", 0),
        "characters_cut_by_host": dg.MetadataValue.json(hosts),
        "failed_after_cuts": dg.MetadataValue.json(cuts.get("reasons", {})),
        "excluded": exclusions.get("excluded", 0),
        "duplicates_first": first,
        "duplicates_final": final,
    }


def _corpus(
    context: dg.AssetExecutionContext,
    lake: LakeResource,
    spark: SparkResource,
    which: Literal["main", "stem"],
) -> Built:
    name, root = context.partition_key, lake.lake
    return build_corpus(
        root, spark.engine, lake.release(name), root.current("release_decisions", name), which=which
    )


@dg.asset(deps=[release_decisions], check_specs=[rows_check("skypile_main")], **CORPUS)
def skypile_main(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """SkyPile-Main: rendered text with provenance, by language and category."""
    built = _corpus(context, lake, spark, "main")
    return result(built, [has_rows(built)])


@dg.asset(
    deps=[release_decisions], check_specs=[rows_check("skypile_stem", blocking=False), DISJOINT], **CORPUS
)
def skypile_stem(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """SkyPile-STEM: exercises with solutions; disjoint from SkyPile-Main. Empty where the dumps
    hold none, which only Stage-2 minds."""
    built = _corpus(context, lake, spark, "stem")
    released = lake.lake.current("release_decisions", context.partition_key).stats["corpora"]
    shared = released["stem"] - built.dataset.manifest.rows
    check = dg.AssetCheckResult(
        check_name="disjoint", passed=shared == 0, metadata={"missing_or_shared": shared}
    )
    return result(built, [has_rows(built, blocking=False), check])


@dg.asset(deps=[release_decisions], **CORPUS)
def rejected(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Every document that is not in the release, with every reason."""
    name, root = context.partition_key, lake.lake
    return result(
        build_rejected(root, spark.engine, lake.release(name), root.current("release_decisions", name))
    )


class TokenizerRequest(dg.Config):
    """The release that a vocabulary is trained on, and the vocabulary; empty: the one that the
    release's card names."""

    release: str = "demo"
    tokenizer: str = ""


@dg.asset(
    deps=[
        dg.AssetDep(skypile_main, partition_mapping=FROM_ALL),
        dg.AssetDep(skypile_stem, partition_mapping=FROM_ALL),
    ],
    **TOKENIZER,
)
def tokenizer(config: TokenizerRequest, lake: LakeResource, spark: SparkResource) -> dg.MaterializeResult:
    """The bilingual vocabulary: Latin pieces, Chinese characters, Chinese words, reserved (paper
    Table 2)."""
    corpora = [lake.lake.current(name, config.release) for name in ("skypile_main", "skypile_stem")]
    wanted = lake.tokenizer_config(config.release, config.tokenizer)
    stage = tokenizer_stage(corpora, wanted, load_base(wanted.extends) if wanted.extends else None)
    return result(build(lake.lake, spark.engine, stage))


@dg.asset(deps=[tokenizer, dg.AssetDep(validation_sets, partition_mapping=FROM_ALL)], **TOKENIZER)
def tokenizer_report(
    config: TokenizerRequest, lake: LakeResource, files: FilesResource
) -> dg.MaterializeResult:
    """Bytes and characters per token, fertility, byte fallback, by domain of the validation
    sets."""
    root = lake.lake
    vocabulary, held_out = (
        root.current("tokenizer", lake.tokenizer_config(config.release, config.tokenizer).name),
        root.current("validation_sets", config.release),
    )
    stage = tokenizer_report_stage(vocabulary, held_out, files.peers_folder(), page)
    built = build(root, InProcess(), stage)
    done = result(built)
    table = {
        "bytes_per_token": dg.MetadataValue.md(markdown(built.dataset.read_json("report.json"))),
        "page": dg.MetadataValue.path(f"{root.root}/{built.dataset.file('report.html')}"),
    }
    return dg.MaterializeResult(metadata={**(done.metadata or {}), **table}, data_version=done.data_version)


def _shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource, asset: str, corpus: str
) -> dg.MaterializeResult:
    name, root = context.partition_key, lake.lake
    vocabulary = root.current("tokenizer", lake.release_card(name).tokenizer)
    stage = shards_stage(asset, root.current(corpus, name), vocabulary, SHARD_SEED)
    return result(build(root, spark.engine, stage))


@dg.asset(deps=[skypile_main, tokenizer], **SHARDS)
def main_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of SkyPile-Main, one set per language and category, each token traceable to its
    record."""
    return _shards(context, lake, spark, "main_shards", "skypile_main")


@dg.asset(deps=[skypile_stem, tokenizer], **SHARDS)
def stem_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of SkyPile-STEM."""
    return _shards(context, lake, spark, "stem_shards", "skypile_stem")


@dg.asset(deps=[validation_sets, tokenizer], **SHARDS)
def validation_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of the validation sets, one source per domain."""
    return _shards(context, lake, spark, "validation_shards", "validation_sets")


ASSETS = [
    duplicates,
    recurring_blocks,
    validation_sets,
    contamination,
    release_decisions,
    skypile_main,
    skypile_stem,
    rejected,
    tokenizer,
    tokenizer_report,
    main_shards,
    stem_shards,
    validation_shards,
]
