"""The in-domain over-fit gate: benchmarks that rise while loss on ordinary text rises too (paper
5.2, Table 7).

Compares two folders of reports of one run, before and after a stage. Measures nothing itself.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def overfit_gate(before: dict[str, dict[str, float]], after: dict[str, dict[str, float]]) -> dict[str, Any]:
    """`accuracy` (by benchmark) and `loss` (by domain) of two checkpoints -> the changes, and
    whether the gate alerts.

    It alerts when the mean accuracy rose and the mean loss rose: what was gained was bought with
    ordinary text.
    """
    changes: dict[str, Any] = {}
    for kind in ("accuracy", "loss"):
        both = sorted(set(before[kind]) & set(after[kind]))
        if not both:
            return {"missing": f"no {kind} was measured both before and after"}
        changes[kind] = {name: after[kind][name] - before[kind][name] for name in both}
        changes[f"mean_{kind}"] = sum(changes[kind].values()) / len(both)
    return {"changes": changes, "alert": changes["mean_accuracy"] > 0 and changes["mean_loss"] > 0}


def compare(before: Path, after: Path) -> dict[str, Any]:
    """The gate over `benchmarks.json` and `validation.json` of two folders."""
    sides = []
    for folder in (before, after):
        reports = {}
        for name in ("benchmarks", "validation"):
            if not (folder / f"{name}.json").is_file():
                return {"missing": f"{folder / name}.json does not exist"}
            reports[name] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        accuracy = {
            k: v["accuracy"]
            for k, v in reports["benchmarks"].items()
            if isinstance(v, dict) and "accuracy" in v
        }
        loss = {
            k: v["loss"]
            for k, v in reports["validation"].get("domains", {}).items()
            if v.get("loss") is not None
        }
        sides.append({"accuracy": accuracy, "loss": loss})
    return overfit_gate(*sides)
