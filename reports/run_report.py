"""The report of a run: one HTML page that needs nothing else, and the same numbers as JSON.

Belongs here: drawing and laying out what gather.py collected. Does not belong here: reading the
lake.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pipelines.lake import Lake
from reports.figures import bars_svg, curves_svg, vocabularies_svg
from reports.graph import graph_svg
from reports.pages import render


def number(value: Any) -> str:
    """A cell of a table: six significant digits, thousands apart, an en rule's place left empty for
    nothing."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    return f"{value:,}" if isinstance(value, int) else f"{value:,.6g}"


def _table(caption: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """[] without rows, so that an empty table is not shown."""
    if not rows:
        return []
    header = list(dict.fromkeys(k for row in rows for k in row))
    return [
        {"caption": caption, "header": header, "rows": [[number(row.get(k)) for k in header] for row in rows]}
    ]


def flat(value: Any, prefix: str = "") -> list[dict[str, Any]]:
    """Rows (measure, value) of nested JSON; lists as JSON text."""
    if isinstance(value, dict):
        return [
            row
            for key, inner in value.items()
            for row in flat(inner, f"{prefix}{' / ' if prefix else ''}{key}")
        ]
    return [
        {
            "measure": prefix,
            "value": json.dumps(value, ensure_ascii=False) if isinstance(value, list) else value,
        }
    ]


def funnel_table(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One row for each step and reason, one column for each dump, most frequent reasons first."""
    cells: dict[tuple[str, str], dict[str, int]] = {}
    for row in rows:
        cells.setdefault((row["step"], row["reason"]), {})[row["dump"]] = row["documents"]
    dumps = list(dict.fromkeys(row["dump"] for row in rows))
    order = {"extracted": 0, "released": 1}
    names = sorted(cells, key=lambda k: (order.get(k[0], 2), -sum(cells[k].values()), k))
    return [
        {
            "documents": reason or step,
            **{d: cells[step, reason].get(d) for d in dumps},
            "all": sum(cells[step, reason].values()),
        }
        for step, reason in names
    ]


def _reason_bars(rows: list[dict[str, Any]]) -> str:
    """The twenty most frequent reasons, each dump a series."""
    totals: dict[str, int] = {}
    for row in rows:
        if row["step"] == "rejected":
            totals[row["reason"]] = totals.get(row["reason"], 0) + row["documents"]
    shown = sorted(totals, key=lambda r: (-totals[r], r))[:20]
    return (
        bars_svg({"documents": {r: totals[r] for r in shown}}, "documents rejected for this reason")
        if shown
        else ""
    )


def _composition_bars(rows: list[dict[str, Any]]) -> str:
    ours = {r["source"]: r["percent"] for r in rows}
    paper = {r["source"]: r["paper"] for r in rows if r["paper"] is not None}
    return bars_svg({"here (bytes)": ours, "paper (tokens)": paper}, "percent")


def tokenizer_table(report: dict[str, Any]) -> list[dict[str, Any]]:
    """One row for each domain and vocabulary, the measures as columns."""
    return [
        {"domain": domain, "vocabulary": name, **measures}
        for domain, vocabularies in report.get("domains", {}).items()
        for name, measures in vocabularies.items()
    ]


def _tokenizer_plots(reports: dict[str, Any]) -> str:
    """Bytes per token of each vocabulary, a plot for each vocabulary and domain, where there is a
    peer to stand beside."""
    found = [
        (name, r, domain)
        for name, r in reports.items()
        if r and len(r["vocab_size"]) > 1
        for domain in r["domains"]
    ]
    return "".join(
        vocabularies_svg(f"{name}, {domain}", r["domains"][domain], r["vocab_size"])
        for name, r, domain in found
    )


def _step_curves(steps: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    curves: dict[str, list[tuple[float, float]]] = {"all": []}
    for record in steps:
        if record.get("loss") is not None:
            curves["all"].append((record["step"], record["loss"]))
        for source, loss in sorted((record.get("loss_by_source") or {}).items()):
            if loss is not None:
                curves.setdefault(source, []).append((record["step"], loss))
    return curves


def _domain_curves(records: list[dict[str, Any]]) -> dict[str, list[tuple[float, float]]]:
    curves: dict[str, list[tuple[float, float]]] = {}
    for record in records:
        if record.get("loss") is not None:
            curves.setdefault(str(record["domain"]), []).append((record["step"], record["loss"]))
    return curves


def _last(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    last = max((r["step"] for r in records), default=None)
    keys = ("domain", "step", "loss", "bits_per_byte", "tokens")
    return [{k: r.get(k) for k in keys} for r in records if r["step"] == last]


def sections(data: dict[str, Any]) -> list[dict[str, Any]]:
    """The page, section by section: title, note, figure (SVG or ""), tables."""
    evaluation = data.get("evaluation", {})

    def of(
        title: str, note: str = "", figure: str = "", tables: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        return {"title": title, "note": note, "figure": figure, "tables": tables or []}

    shown_rows = {
        w: [r for r in rows if w == "main" or r["documents"]]
        for w, rows in data.get("composition", {}).items()
    }
    compositions = [
        t
        for w, rows in shown_rows.items()
        for t in _table({"main": "SkyPile-Main", "stem": "SkyPile-STEM"}[w], rows)
    ]
    tokenizers = [
        table
        for name, report in data.get("tokenizer", {}).items()
        if report
        for table in (
            *_table(f"Vocabulary {name}, held-out text", tokenizer_table(report)),
            *_table(
                f"Vocabulary {name}, other measures",
                flat({k: v for k, v in report.items() if k != "domains"}),
            ),
        )
    ]
    filtered = data.get("recurrence") or {"counts": {}, "reasons": {}, "hosts": []}
    recurring = [
        *_table("Documents", flat(filtered["counts"]) if filtered["counts"] else []),
        *_table("Reasons after the cut", flat(filtered["reasons"]) if filtered["reasons"] else []),
        *_table("Characters cut by host", filtered["hosts"]),
    ]
    steps, validation = data.get("steps", []), data.get("validation", [])
    shown = {
        t: _table(
            t,
            flat(
                {
                    k: v
                    for k, v in (evaluation.get(t) or {}).items()
                    if k not in ("key", "seconds", "cpu_seconds")
                }
            ),
        )
        for t in evaluation
    }
    note = (
        "Percent of bytes here beside percent of training tokens in the paper;"
        " a bilingual vocabulary makes the two differ."
    )
    several = "A document with several reasons counts under each."
    return [
        of(
            "Graph",
            "What was read for what, by the lineage of the tables.",
            figure=graph_svg(**data["graph"]) if data.get("graph") else "",
        ),
        of(
            "Funnel",
            several,
            _reason_bars(data.get("funnel", [])),
            _table("Documents by dump", funnel_table(data.get("funnel", []))),
        ),
        of(
            "Composition against Table 1",
            note,
            _composition_bars(data.get("composition", {}).get("main", [])),
            compositions,
        ),
        of(
            "Distribution filtering",
            "Recurring blocks that were cut; documents excluded after it or for contamination.",
            tables=recurring,
        ),
        of(
            "Contamination by benchmarks, leakage and validation",
            tables=_table("Found", flat(data["contamination"])) if data.get("contamination") else [],
        ),
        of("Tokenizer", figure=_tokenizer_plots(data.get("tokenizer", {})), tables=tokenizers),
        of(
            "Training loss by source", figure=curves_svg(_step_curves(steps), "step", "loss (nats per token)")
        ),
        of(
            "Validation loss by domain",
            figure=curves_svg(_domain_curves(validation), "step", "loss (nats per token)"),
            tables=_table("Last validation", _last(validation)),
        ),
        of("Validation of the exported model", tables=shown.get("validation")),
        of("Chinese domain perplexity", tables=shown.get("perplexity")),
        of("Benchmarks", tables=shown.get("benchmarks")),
        of(
            "Over-fit gate",
            "Stage-2 less Stage-1 by document and question: alerts where accuracy and loss on ordinary"
            " text both rose (paper Table 7).",
            tables=shown.get("overfit"),
        ),
        of("Leakage", "L_train, L_test, L_ref and their differences (paper 5).", tables=shown.get("leakage")),
        of(
            "Time by stage",
            "Seconds of wall clock and of CPU (this host's processes) when it was computed.",
            tables=_table("Stages, all partitions together", data.get("times", [])),
        ),
        of("Datasets", tables=_table("What was read, by content hash", data.get("assets", []))),
    ]


def write_report(lake_root: str | Path, run: str, data: dict[str, Any]) -> tuple[Path, Path]:
    """Write reports/<run>/report.html and report.json below `lake_root`; return both paths.

    For a lake in S3 the files lie in the machine's cache, and copies are put in the lake.
    """
    lake = Lake(lake_root)
    html = render("run_report.html", data=data, sections=sections(data))
    folder = f"reports/{run}"
    lake.write_bytes(f"{folder}/report.html", html.encode())
    lake.write_json(f"{folder}/report.json", data)
    return lake.local(f"{folder}/report.html"), lake.local(f"{folder}/report.json")
