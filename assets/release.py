"""Assets of one release: what was decided to be published from some dumps, its tokenizer and token
shards.

Belongs here: build one table, return it with its checks. Does not belong here: how a stage works
(pipelines/), where its inputs lie (pipelines/catalogue/).
"""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from pydantic import Field

from assets.common import FROM_ALL, OWNER, RELEASE, guard_check, guards, has_rows, made, result, rows_check
from assets.dump import decisions, signatures
from assets.resources import FilesResource, LakeResource, SparkResource
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.catalogue.stages import Outside, release_card
from pipelines.lake import Built, Lake
from pipelines.release.release_decisions import equal_texts
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
    "partitions_def": RELEASE,
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
FROM_DUMPS = [dg.AssetDep(table, partition_mapping=FROM_ALL) for table in (decisions, signatures)]


def _beside(name: str, meaning: str) -> dg.AssetSpec:
    """A table that the election writes."""
    return dg.AssetSpec(
        name,
        deps=FROM_DUMPS,
        description=meaning,
        group_name="corpus",
        owners=[OWNER],
        kinds={"spark", "parquet"},
    )


@dg.multi_asset(
    name="duplicates",
    specs=[
        _beside(
            "duplicates",
            "Documents removed as duplicates: of which document, how similar, exact or near; every pair"
            " verified.",
        ),
        _beside("clusters", "Documents that may be duplicates, by component; the next election starts here."),
        _beside("verified_pairs", "Pairs of contents that were compared, which no election compares again."),
    ],
    check_specs=[guard_check("duplicates")],
    partitions_def=RELEASE,
    pool="spark",
)
def duplicates(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> Iterator[dg.MaterializeResult]:
    """The first election of a release, and what it leaves for the next one."""
    name, root = context.partition_key, lake.lake
    built = made("duplicates", name, lake, spark)
    yield result(built, [guards(built, release_card(root, name))])._replace(
        asset_key=dg.AssetKey("duplicates")
    )
    for table in ("clusters", "verified_pairs"):
        yield result(Built(root.current(table, name), built.fresh))._replace(asset_key=dg.AssetKey(table))


@dg.asset(deps=["duplicates"], **CORPUS)
def recurring_blocks(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Text blocks that recur over too many surviving documents and hosts (paper 3.1, distribution
    filtering)."""
    return result(made("recurring_blocks", context.partition_key, lake, spark))


NOTHING_HELD_OUT = (
    "Its dumps hold out no document that stays: they are small for their `validation_share` (default 0.02)."
    " Raise it in a dump's card (up to 0.5), or let a dump of evaluation texts be `held_out: true`"
)


@dg.asset(deps=["duplicates"], check_specs=[rows_check("validation_sets", RELEASE)], **CORPUS)
def validation_sets(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Held-out documents by domain, frozen by hash once published."""
    built = made("validation_sets", context.partition_key, lake, spark)
    return result(built, [has_rows(built, cause=NOTHING_HELD_OUT)])


@dg.asset(deps=[validation_sets], **CORPUS)
def contamination(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource, files: FilesResource
) -> dg.MaterializeResult:
    """Training documents that hold items of benchmarks, leakage sets or validation documents."""
    outside = Outside(benchmarks=files.benchmark_folder())
    return result(made("contamination", context.partition_key, lake, spark, outside))


@dg.asset(deps=[recurring_blocks, contamination], **CORPUS)
def cuts(context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource) -> dg.MaterializeResult:
    """What is cut out of each document, and why it fails after that: recurring blocks, and contamination
    where the card says so."""
    built = made("cuts", context.partition_key, lake, spark)
    stats = built.dataset.stats
    hosts = dict(sorted(stats.get("hosts", {}).items(), key=lambda item: (-item[1], item[0]))[:20])
    figures = {
        "documents_cut": stats.get("touched", 0),
        "characters_cut": stats.get("characters_cut", 0),
        "characters_cut_by_host": dg.MetadataValue.json(hosts),
        "failed_after_cuts": dg.MetadataValue.json(stats.get("reasons", {})),
    }
    return result(built, more=figures)


@dg.asset(deps=[validation_sets, contamination, cuts], **CORPUS)
def exclusions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Documents that leave the release after the first election, with every reason."""
    built = made("exclusions", context.partition_key, lake, spark)
    return result(built, more={"excluded": built.dataset.stats.get("excluded", 0)})


@dg.asset(deps=["duplicates", exclusions], **CORPUS)
def final_duplicates(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The election held again without the excluded documents: the next of their clusters stay."""
    built = made("final_duplicates", context.partition_key, lake, spark)
    removed = {"duplicates_final": built.dataset.stats["removed"]}
    removed["duplicates_first"] = lake.lake.current("duplicates", context.partition_key).stats["removed"]
    return result(built, more=removed)


EQUAL_TEXTS = dg.AssetCheckSpec(
    "no_equal_texts",
    asset="release_decisions",
    blocking=True,
    partitions_def=RELEASE,
    description="No two documents of the release have equal rendered, normalised text.",
)
DISJOINT = dg.AssetCheckSpec(
    "disjoint",
    asset="skypile_stem",
    blocking=True,
    partitions_def=RELEASE,
    description="No document of SkyPile-STEM is in SkyPile-Main too.",
)


@dg.asset(deps=[cuts, exclusions, final_duplicates], check_specs=[EQUAL_TEXTS], **CORPUS)
def release_decisions(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The decision on every document: every reason against it, and what is cut out of it."""
    built = made("release_decisions", context.partition_key, lake, spark)
    # what is unchanged was checked when it was built
    pairs = equal_texts(spark.engine, built.dataset) if built.fresh else []
    check = dg.AssetCheckResult(
        check_name="no_equal_texts", passed=not pairs, metadata={"pairs": dg.MetadataValue.json(pairs)}
    )
    return result(built, [check])


@dg.asset(deps=[release_decisions], check_specs=[rows_check("skypile_main", RELEASE)], **CORPUS)
def skypile_main(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """SkyPile-Main: rendered text with provenance, by language and category."""
    built = made("skypile_main", context.partition_key, lake, spark)
    return result(built, [has_rows(built)])


@dg.asset(
    deps=[release_decisions],
    check_specs=[rows_check("skypile_stem", RELEASE, blocking=False), DISJOINT],
    **CORPUS,
)
def skypile_stem(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """SkyPile-STEM: exercises with solutions; disjoint from SkyPile-Main. Empty where the dumps
    hold none, which only Stage-2 minds."""
    name = context.partition_key
    built = made("skypile_stem", name, lake, spark)
    released = lake.lake.current("release_decisions", name).stats["corpora"]
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
    return result(made("rejected", context.partition_key, lake, spark))


class TokenizerRequest(dg.Config):
    """Another vocabulary than the one that the release's card names."""

    tokenizer: str = Field(default="", description="full, demo or a tokenizer card; empty: the release's.")

    def name(self, lake: Lake, release: str) -> str:
        """The vocabulary's name, as its card has it."""
        return TokenizerConfig.of(lake, self.tokenizer or release_card(lake, release).tokenizer).name


@dg.asset(deps=[skypile_main, skypile_stem], **TOKENIZER)
def tokenizer(
    context: dg.AssetExecutionContext, config: TokenizerRequest, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """The bilingual vocabulary of a release, which its card names: Latin pieces, Chinese characters,
    Chinese words, reserved (paper Table 2)."""
    release = context.partition_key
    return result(made("tokenizer", config.name(lake.lake, release), lake, spark, Outside(release=release)))


@dg.asset(deps=[tokenizer, validation_sets], **TOKENIZER)
def tokenizer_report(
    context: dg.AssetExecutionContext, config: TokenizerRequest, lake: LakeResource, files: FilesResource
) -> dg.MaterializeResult:
    """Bytes and characters per token, fertility, byte fallback, by domain of the validation
    sets."""
    outside = Outside(peers=files.peers_folder(), page=page, release=context.partition_key)
    built = made("tokenizer_report", config.name(lake.lake, outside.release), lake, outside=outside)
    table = {
        "bytes_per_token": dg.MetadataValue.md(markdown(built.dataset.read_json("report.json"))),
        "page": dg.MetadataValue.path(f"{lake.lake.root}/{built.dataset.file('report.html')}"),
    }
    return result(built, more=table)


@dg.asset(deps=[skypile_main, tokenizer], **SHARDS)
def main_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of SkyPile-Main, one set per language and category, each token traceable to its
    record."""
    return result(made("main_shards", context.partition_key, lake, spark))


@dg.asset(deps=[skypile_stem, tokenizer], **SHARDS)
def stem_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of SkyPile-STEM."""
    return result(made("stem_shards", context.partition_key, lake, spark))


@dg.asset(deps=[validation_sets, tokenizer], **SHARDS)
def validation_shards(
    context: dg.AssetExecutionContext, lake: LakeResource, spark: SparkResource
) -> dg.MaterializeResult:
    """Token shards of the validation sets, one source per domain."""
    return result(made("validation_shards", context.partition_key, lake, spark))


ASSETS = [
    duplicates,
    recurring_blocks,
    validation_sets,
    contamination,
    cuts,
    exclusions,
    final_duplicates,
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
