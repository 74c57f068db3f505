"""Partitions, groups and the one way a dataset becomes a MaterializeResult.

Belongs here: what all assets share. Does not belong here: assets.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from assets.resources import LakeResource, SparkResource
from pipelines.cards.release import ReleaseCard
from pipelines.catalogue.stages import Outside, members, stage_of
from pipelines.catalogue.tables import TABLES
from pipelines.dedup.duplicates import guard_figures
from pipelines.engine import InProcess
from pipelines.inspection.funnel import Finding
from pipelines.lake import Built, digest
from pipelines.tables.stage import build

# A preview of the pinned Dagster, tried here: without it one dump's pass hides another's failure.
warnings.filterwarnings(
    "ignore", message=r"Specifying a partitions_def on an AssetCheckSpec", category=dg.PreviewWarning
)

DUMP = dg.DynamicPartitionsDefinition(name="dump")
RELEASE = dg.DynamicPartitionsDefinition(name="release")
RUN = dg.DynamicPartitionsDefinition(name="training_run")
OWNER = "team:pretraining"
FROM_ALL = dg.AllPartitionMapping()


def made(
    table: str,
    partition: str,
    lake: LakeResource,
    spark: SparkResource | None = None,
    outside: Outside | None = None,
) -> Built:
    """The table of a partition, by the stage that the catalogue finds for it; in this process where no
    Spark is given."""
    engine = spark.engine if spark else InProcess()
    return build(lake.lake, engine, stage_of(lake.lake, table, partition, outside))


def made_each(
    entry: str, partition: str, lake: LakeResource, spark: SparkResource | None = None
) -> dict[str, Built]:
    """The tables that an entry of the catalogue stands for, by name: one for each classifier. Those that
    are there already are found, not made."""
    return {table: made(table, partition, lake, spark) for table in members(lake.lake, entry)}


def with_code_version(spec: dg.AssetSpec) -> dg.AssetSpec:
    """The asset with the version of its table's stage, by which Dagster sees that it is out of date."""
    table = TABLES.get(spec.key.to_user_string())
    version = table.version if table else None
    return spec if version is None else spec.replace_attributes(code_version=str(version))


def metadata(built: Built) -> dict[str, Any]:
    """Rows, bytes, path and statistics of a dataset, as Dagster draws them."""
    manifest = built.dataset.manifest
    return {
        "dagster/uri": f"{built.dataset.lake.root}/{built.dataset.path}",
        "dagster/partition_row_count": manifest.rows,
        "bytes": manifest.bytes,
        "parts": len(manifest.parts),
        "content_hash": manifest.content_hash,
        "recomputed": built.fresh,
        "statistics": dg.MetadataValue.json(manifest.stats),
    }


def result(
    built: Built,
    checks: list[dg.AssetCheckResult] | None = None,
    more: Mapping[str, Any] | None = None,
) -> dg.MaterializeResult:
    """A dataset as the result of a materialization, with `more` beside its metadata."""
    return dg.MaterializeResult(
        metadata={**metadata(built), **(more or {})},
        data_version=dg.DataVersion(built.dataset.content_hash),
        check_results=checks or [],
    )


def results(built: Mapping[str, Built]) -> dg.MaterializeResult:
    """Several datasets as the result of one materialization: the metadata of each under its name."""
    shown = {name: metadata(one) for name, one in built.items()}
    for values in shown.values():
        values["statistics"] = values["statistics"].value
    rows = {"tables": len(built), "bytes": sum(one.dataset.manifest.bytes for one in built.values())}
    hashes = (f"{name}@{one.dataset.content_hash}" for name, one in built.items())
    return dg.MaterializeResult(
        metadata={**rows, **{name: dg.MetadataValue.json(values) for name, values in shown.items()}},
        data_version=dg.DataVersion(digest(*hashes)),
    )


def rows_check(asset: str, partitions: dg.PartitionsDefinition, blocking: bool = True) -> dg.AssetCheckSpec:
    """Blocking: a table without rows stops what would be built on it. Else it warns."""
    return dg.AssetCheckSpec(
        "has_rows",
        asset=asset,
        blocking=blocking,
        partitions_def=partitions,
        description="The table has at least one row.",
    )


def has_rows(built: Built, blocking: bool = True, cause: str = "") -> dg.AssetCheckResult:
    """`cause`: what a person should know where there are none."""
    rows = built.dataset.manifest.rows
    severity = dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN
    description = None if rows else f"{built.dataset.manifest.asset} has no row. {cause}".strip()
    return dg.AssetCheckResult(
        check_name="has_rows",
        passed=rows > 0,
        severity=severity,
        metadata={"rows": rows},
        description=description,
    )


def guard_check(asset: str) -> dg.AssetCheckSpec:
    """Blocking: a cluster or a source beyond what the card allows is a sign of template
    collapse."""
    return dg.AssetCheckSpec(
        "guards",
        asset=asset,
        blocking=True,
        partitions_def=RELEASE,
        description="Largest cluster and share of a source removed, as the card allows.",
    )


def guards(built: Built, card: ReleaseCard) -> dg.AssetCheckResult:
    """The figures beside their bounds. The stage itself refuses to publish beyond them."""
    figures = guard_figures(built.dataset.stats)
    bounds = {"largest_cluster": card.max_cluster, "largest_source_share": card.max_source_share}
    passed = all(figures[name] <= bound for name, bound in bounds.items())
    return dg.AssetCheckResult(
        check_name="guards",
        passed=passed,
        metadata={**figures, **{f"allowed_{n}": b for n, b in bounds.items()}},
    )


def finding_specs(asset: str, *names: str, blocking: bool = False) -> list[dg.AssetCheckSpec]:
    """Checks of a dump's funnel. They warn, as a person must judge what a strange share means, or are
    `blocking` where what is built on the table would be wrong."""
    return [dg.AssetCheckSpec(n, asset=asset, blocking=blocking, partitions_def=DUMP) for n in names]


def findings(found: Sequence[Finding]) -> list[dg.AssetCheckResult]:
    """Findings as check results; personal data that was left and ids that repeat are errors, the rest
    warns."""
    error, warn = dg.AssetCheckSeverity.ERROR, dg.AssetCheckSeverity.WARN
    return [
        dg.AssetCheckResult(
            check_name=f.name,
            passed=f.passed,
            severity=error if f.name in ("pii_leftovers", "unique_ids") else warn,
            description=f.meaning,
            metadata=dict(f.numbers),
        )
        for f in found
    ]
