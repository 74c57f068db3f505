"""Everything that is known about a run, read from manifests, lineage and JSON alone.

Belongs here: collecting numbers, and naming what is not there. Does not belong here: reading text or tables, drawing (run_report.py).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.lake import LINEAGE, Dataset, Lake, LakeError

DUMP_ASSETS = ("raw_dump", "documents", "edits", "signals/language", "signals/rules", "signals/safety", "scores", "signatures", "decisions")
RELEASE_ASSETS = (
    *("duplicates", "recurring_blocks", "validation_sets", "overlap", "verdicts", "skypile_main", "skypile_stem", "rejected"),
    *("main_shards", "stem_shards", "validation_shards"),
)
EVALUATIONS = ("validation", "perplexity", "benchmarks", "leakage")
# Percent of Stage-1 tokens, paper Table 1. "other" is every language that is neither English nor Chinese; code has no language there.
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
    """The row of Table 1 that a language and category belong to; a row that is not in the paper keeps its own name."""
    if category == "code":
        return "code"
    return f"{language if language in ('en', 'zh') else 'other'}/{category}"


def composition(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """Rows (source, documents, bytes, share of bytes in percent, paper's percent of tokens or None) of a corpus' stats."""
    totals: dict[str, list[int]] = {}
    for language, categories in stats.get("composition", {}).items():
        for category, dumps in categories.items():
            row = totals.setdefault(table1_key(language, category), [0, 0])
            for counts in dumps.values():
                row[0] += counts["documents"]
                row[1] += counts["bytes"]
    whole = sum(b for _, b in totals.values())
    names = [*TABLE1, *sorted(set(totals) - set(TABLE1))]
    rows = []
    for name in names:
        documents, size = totals.get(name, [0, 0])
        share = 100 * size / whole if whole else 0.0
        rows.append({"source": name, "documents": documents, "bytes": size, "percent": share, "paper": TABLE1.get(name)})
    return rows


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Records of a JSONL log; a last line cut off by a crash is left out."""
    records = []
    for line in path.read_text(encoding="utf-8").splitlines():
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
            "seconds": self._seconds(found),
        }

    def _seconds(self, found: Dataset) -> float | None:
        path = f"{found.path}/{LINEAGE}"
        return float(self.lake.read_json(path)["wall_seconds"]) if self.lake.exists(path) else None

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


def funnel(dumps: dict[str, dict[str, Any]], verdicts: dict[str, Any] | None, rejected: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Rows (dump, step, reason, documents): read, kept by its own rules, in the release, and how many fell by which reason.

    A document with several reasons counts under each of them.
    """
    rows: list[dict[str, Any]] = []
    for dump, assets in dumps.items():
        if documents := assets.get("documents"):
            rows.append({"dump": dump, "step": "extracted", "reason": "", "documents": documents["rows"]})
        released = ((verdicts or {}).get("stats", {}).get("funnel", {})).get(dump)
        if released:
            rows.append({"dump": dump, "step": "released", "reason": "", "documents": released["kept"]})
        for reason, count in sorted((rejected or {}).get("stats", {}).get("reasons", {}).get(dump, {}).items()):
            rows.append({"dump": dump, "step": "rejected", "reason": reason, "documents": count})
    return rows


def gather(lake: Lake, run_dir: Path, run: str, release: str, dumps: list[str]) -> dict[str, Any]:
    """All numbers of a run, JSON-able; `missing` names every piece that is not there.

    Keys: run, release, dumps, assets (graph list), funnel, composition, tokenizer, steps, validation, evaluation, times, missing.
    """
    collector = Collector(lake)
    by_dump = {d: {a: row for a in DUMP_ASSETS if (row := collector.dataset(a, d))} for d in dumps}
    by_release = {a: row for a in RELEASE_ASSETS if (row := collector.dataset(a, release))}
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
            reports[name] = collector.json(f"{lake.current('tokenizer_report', name).path}/report.json", f"tokenizer report {name}")
    if not reports:
        collector.missing.append("tokenizer_report")
    evaluation = {t: collector.json(f"runs/{run}/evaluation/{t}.json", f"evaluation {t}") for t in EVALUATIONS}
    steps, validation = collector.log(run_dir / "logs" / "steps.jsonl"), collector.log(run_dir / "logs" / "validation.jsonl")
    times = [{"stage": f"{row['asset']} {row['partition']}", "seconds": row["seconds"]} for row in assets if row["seconds"] is not None]
    return {
        "run": run,
        "release": release,
        "dumps": dumps,
        "assets": [{k: v for k, v in row.items() if k != "stats"} for row in assets],
        "funnel": funnel(by_dump, by_release.get("verdicts"), by_release.get("rejected")),
        "composition": {w: composition(by_release[f"skypile_{w}"]["stats"]) for w in ("main", "stem") if f"skypile_{w}" in by_release},
        "overlap": by_release.get("overlap", {}).get("stats"),
        "tokenizer": reports,
        "steps": steps,
        "validation": validation,
        "evaluation": evaluation,
        "times": times,
        "missing": collector.missing,
    }
