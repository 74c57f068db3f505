"""Everything that is known about a run, read from manifests, lineage and JSON alone.

Belongs here: collecting numbers, and naming what is not there. Does not belong here: reading text
or tables, drawing (run_report.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.catalogue.stages import members
from pipelines.catalogue.tables import TABLES, names
from pipelines.lake import LINEAGE, Dataset, Lake, LakeError

HOSTS = 20  # shown of those that recurrence touched
EVALUATION_ASSETS = {
    "validation": "validation_report",
    "perplexity": "domain_perplexity",
    "benchmarks": "benchmark_scores",
    "leakage": "leakage_report",
    "overfit": "overfit_report",
}
# Percent of Stage-1 tokens, paper Table 1. "other" is every language that is neither English nor
# Chinese; code has no language there.
TABLE1: dict[str, float] = {
    "en/webpages": 39.8,
    "en/books": 3.6,
    "en/academic": 3.0,
    "en/encyclopedia": 0.5,
    "en/miscellany": 2.9,
    "zh/webpages": 30.4,
    "zh/social": 5.5,
    "zh/encyclopedia": 0.8,
    "zh/miscellany": 3.1,
    "other/encyclopedia": 2.4,
    "code": 8.0,
}


def table1_key(language: str, category: str) -> str:
    """The row of Table 1 that a language and category belong to; a row that is not in the paper
    keeps its own name."""
    if category == "code":
        return "code"
    return f"{language if language in ('en', 'zh') else 'other'}/{category}"


def composition(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows (source, documents, bytes, share of bytes in percent, paper's percent of tokens or None)
    of a corpus' stats."""
    totals: dict[str, list[int]] = {}
    for language, categories in stats.get("composition", {}).items():
        for category, dumps in categories.items():
            row = totals.setdefault(table1_key(language, category), [0, 0])
            for counts in dumps.values():
                row[0] += counts["documents"]
                row[1] += counts["bytes"]
    whole = sum(b for _, b in totals.values())
    rows = []
    for name in [*TABLE1, *sorted(set(totals) - set(TABLE1))]:
        documents, size = totals.get(name, [0, 0])
        share = 100 * size / whole if whole else 0.0
        rows.append(
            {
                "source": name,
                "documents": documents,
                "bytes": size,
                "percent": share,
                "paper": TABLE1.get(name),
            }
        )
    return rows


def asset_of(path: str) -> str:
    """The asset of a dataset's path, tables/ASSET/PARTITION/HASH; the column groups of one asset
    are one."""
    return path.split("/")[1]


def graph(assets: list[dict[str, Any]], run: dict[str, int]) -> dict[str, Any]:
    """Edges (asset -> inputs) and notes (rows over all partitions) of what was read, and the run's
    own assets behind the shards. A table that is written beside another hangs on that one.

    `run`: rows or tokens of the run's assets that are there, by name.
    """
    edges: dict[str, set[str]] = {}
    rows: dict[str, int] = {}
    for row in assets:
        name = asset_of(f"tables/{row['asset']}")
        table = TABLES.get(name)
        beside = [table.beside] if table and table.beside else []
        edges.setdefault(name, set()).update(i for i in (*row["inputs"], *beside) if i != name)
        if "/" not in row["asset"]:
            rows[name] = rows.get(name, 0) + row["rows"]
    for inputs in list(edges.values()):
        for name in inputs:
            edges.setdefault(name, set())
    notes = {name: f"{count:,} rows" for name, count in rows.items() if count}
    before = [name for name in names(group="shards") if name in edges]
    for stage in names(group="training"):
        if stage in run:
            edges[stage], before = set(before), [stage]
            notes[stage] = f"{run[stage]:,} tokens"
    for name in sorted(set(run) - set(edges)):
        edges[name] = set(before)
    return {"edges": {n: sorted(i) for n, i in sorted(edges.items())}, "notes": notes}


def recurrence(cuts: dict[str, Any], exclusions: dict[str, Any]) -> dict[str, Any]:
    """What distribution filtering did: documents cut and excluded, reasons after the cut, and the
    hosts that lost most characters."""
    if not cuts:
        return {}
    hosts = sorted(cuts["hosts"].items(), key=lambda item: (-item[1], item[0]))[:HOSTS]
    return {
        "counts": {k: cuts[k] for k in ("documents", "touched", "characters_cut")}
        | {"excluded": exclusions.get("excluded", 0)},
        "reasons": cuts["reasons"],
        "hosts": [{"host": host, "characters_cut": count} for host, count in hosts],
    }


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Records of a JSONL log; a last line cut off by a crash is left out."""
    records = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


class Collector:
    """Reads what is there and keeps the names of what is not."""

    def __init__(self, lake: Lake) -> None:
        self.lake = lake
        self.missing: list[str] = []

    def dataset(self, asset: str, partition: str) -> dict[str, Any] | None:
        """Numbers of the current dataset of an asset, with the seconds that it took."""
        try:
            found = self.lake.current(asset, partition)
        except LakeError:
            self.missing.append(f"{asset} of {partition}")
            return None
        return {
            "asset": asset,
            "partition": partition,
            "content_hash": found.content_hash,
            "rows": found.manifest.rows,
            "bytes": found.manifest.bytes,
            "parts": len(found.parts),
            "stats": found.stats,
            **self._lineage(found),
        }

    def _lineage(self, found: Dataset) -> dict[str, Any]:
        """Assets that were read, wall and CPU seconds of the computation; empty where the lineage
        was not kept."""
        path = f"{found.path}/{LINEAGE}"
        lineage = self.lake.read_json(path) if self.lake.exists(path) else {}
        inputs = sorted({asset_of(p) for p in lineage.get("inputs", {}).values()})
        return {
            "inputs": inputs,
            "seconds": lineage.get("wall_seconds"),
            "cpu_seconds": lineage.get("cpu_seconds"),
        }

    def json(self, path: str, what: str) -> Any:
        """A JSON file of the lake, or None and its name among the missing."""
        try:
            return self.lake.read_json(path)
        except (LakeError, ValueError) as error:
            self.missing.append(f"{what}: {error}")
            return None

    def log(self, path: Path) -> list[dict[str, Any]]:
        """Lines of a log of the run, [] where there is none."""
        if not path.exists():
            self.missing.append(f"logs/{path.name} of the run")
            return []
        return read_lines(path)


def funnel(
    dumps: dict[str, dict[str, Any]],
    release_decisions: dict[str, Any] | None,
    rejected: dict[str, Any] | None,
) -> list[dict[str, Any]]:
    """Rows (dump, step, reason, documents): read, kept by its own rules, in the release, and how
    many were left out for which reason.

    A document with several reasons counts under each of them.
    """
    rows: list[dict[str, Any]] = []
    for dump, assets in dumps.items():
        if documents := assets.get("documents"):
            rows.append({"dump": dump, "step": "extracted", "reason": "", "documents": documents["rows"]})
        released = ((release_decisions or {}).get("stats", {}).get("funnel", {})).get(dump)
        if released:
            rows.append({"dump": dump, "step": "released", "reason": "", "documents": released["kept"]})
        for reason, count in sorted(
            (rejected or {}).get("stats", {}).get("reasons", {}).get(dump, {}).items()
        ):
            rows.append({"dump": dump, "step": "rejected", "reason": reason, "documents": count})
    return rows


def times(assets: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows (stage, tables, wall and CPU seconds) by asset, over its partitions, in the order of the
    graph."""
    rows: dict[str, dict[str, Any]] = {}
    for asset in assets:
        row = rows.setdefault(
            asset["asset"], {"stage": asset["asset"], "tables": 0, "seconds": None, "cpu_seconds": None}
        )
        row["tables"] += 1
        for key in ("seconds", "cpu_seconds"):
            if asset[key] is not None:
                row[key] = (row[key] or 0.0) + asset[key]
    return list(rows.values())


def stages(steps: list[dict[str, Any]]) -> list[str]:
    """The stages of a training log, in order."""
    return list(dict.fromkeys(str(r["stage"]) for r in steps if r.get("stage")))


def run_times(steps: list[dict[str, Any]], evaluation: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows like `times` of the training loop (starting, saving and validating left out) and of
    evaluations that say their seconds."""
    loops = [
        {
            "stage": f"{stage}_checkpoint (steps alone)",
            "tables": None,
            "seconds": sum(r["seconds"] for r in steps if r.get("stage") == stage),
        }
        for stage in stages(steps)
    ]
    said = [
        {
            "stage": EVALUATION_ASSETS[t],
            "tables": None,
            "seconds": value["seconds"],
            "cpu_seconds": value["cpu_seconds"],
        }
        for t, value in evaluation.items()
        if value and "seconds" in value
    ]
    return [*loops, *said]


def gather(lake: Lake, run_dir: Path, run: str, release: str, dumps: list[str]) -> dict[str, Any]:
    """All numbers of a run, JSON-able; `missing` names every piece that is not there.

    Keys: run, release, dumps, assets, graph, funnel, composition, tokenizer, steps, validation,
    evaluation, times, missing.
    """
    collector = Collector(lake)
    of_dumps = [table for name in names(life="dump") for table in members(lake, name)]
    by_dump = {d: {a: row for a in of_dumps if (row := collector.dataset(a, d))} for d in dumps}
    by_release = {a: row for a in names(life="release") if (row := collector.dataset(a, release))}
    assets = [*(row for rows in by_dump.values() for row in rows.values()), *by_release.values()]
    tokenizers = sorted({Path(p).stem for p in lake.files("pointers/tokenizer")})
    reports: dict[str, Any] = {}
    for name in tokenizers:
        if row := collector.dataset("tokenizer", name):
            assets.append(row)
    for pointer in sorted(lake.files("pointers/tokenizer_report")):
        name = Path(pointer).stem
        if row := collector.dataset("tokenizer_report", name):
            assets.append(row)
            reports[name] = collector.json(
                f"{lake.current('tokenizer_report', name).path}/report.json", f"tokenizer report {name}"
            )
    if not reports:
        collector.missing.append("tokenizer_report")
    evaluation = {
        t: collector.json(f"runs/{run}/evaluation/{t}.json", f"evaluation {t}") for t in EVALUATION_ASSETS
    }
    steps, validation = (
        collector.log(run_dir / "logs" / "steps.jsonl"),
        collector.log(run_dir / "logs" / "validation.jsonl"),
    )
    for name in (table for entry in names(group="models") for table in members(lake, entry)):
        if row := collector.dataset(name, "all"):
            assets.append(row)
    trained = {
        f"{stage}_checkpoint": max(r["tokens"] for r in steps if r.get("stage") == stage)
        for stage in stages(steps)
    }
    reported = {EVALUATION_ASSETS[t]: 0 for t, value in evaluation.items() if value}
    return {
        "run": run,
        "release": release,
        "dumps": dumps,
        "assets": [{k: v for k, v in row.items() if k not in ("stats", "inputs")} for row in assets],
        "graph": graph(assets, trained | reported),
        "funnel": funnel(by_dump, by_release.get("release_decisions"), by_release.get("rejected")),
        "composition": {
            w: composition(by_release[f"skypile_{w}"]["stats"])
            for w in ("main", "stem")
            if f"skypile_{w}" in by_release
        },
        "contamination": by_release.get("contamination", {}).get("stats"),
        "recurrence": recurrence(
            by_release.get("cuts", {}).get("stats", {}), by_release.get("exclusions", {}).get("stats", {})
        ),
        "tokenizer": reports,
        "steps": steps,
        "validation": validation,
        "evaluation": evaluation,
        "times": [*times(assets), *run_times(steps, evaluation)],
        "missing": collector.missing,
    }
