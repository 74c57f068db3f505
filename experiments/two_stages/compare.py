"""The experiment's result: losses of the arms, compared within a seed.

Belongs here: the table and the figure of report.md. Does not belong here: training (trainings.py).
"""

from __future__ import annotations

import json
import math
import statistics
from pathlib import Path

from experiments.two_stages.config import TwoStages
from experiments.two_stages.trainings import RELEASE, Training, listings, trainings
from model.plan.build import build_plan
from model.plan.card import RunCard
from reports.figures import curves_svg

MAX_REPETITIONS = 5
"""Readings of a source beyond which the table marks an arm (paper 3.6.1)."""


def losses(out: Path, training: Training) -> dict[str, float]:
    """STEM loss of a finished training, and the unweighted mean loss of the other domains (nats per
    token)."""
    found = json.loads(training.record(out).read_text())["validation_loss"]
    return {
        "stem": found["stem"],
        "general": statistics.mean(v for domain, v in found.items() if domain != "stem"),
    }


def repetitions(paths: dict[str, str], card: RunCard) -> float:
    """How often a run reads SkyPile-STEM as a whole."""
    plan = build_plan(card, listings(paths))
    reads = plan.source_counts(plan.steps)
    held = {s.name: s.sequences(RELEASE) for s in plan.sources if s.corpus == "stem"}
    return sum(reads[n] for n in held) / sum(held.values())


def half_width(values: list[float]) -> float:
    """Of the 95 % interval of a mean over seeds (Student's t); infinite for one seed."""
    from scipy.stats import t

    n = len(values)
    if n < 2:
        return math.inf
    return float(t.ppf(0.975, n - 1)) * statistics.stdev(values) / math.sqrt(n)


def spread(values: list[float]) -> str:
    """Mean over seeds and half the width of its 95 % interval."""
    return f"{statistics.mean(values):+.3f} ± {half_width(values):.3f}"


def comparison(values: list[float]) -> str:
    """`spread`, and whether zero is within."""
    apart = abs(statistics.mean(values)) > half_width(values)
    return f"{spread(values)} ({'apart' if apart else 'not told apart'})"


def less(a: list[float], b: list[float]) -> list[float]:
    """Differences within a seed."""
    return [x - y for x, y in zip(a, b, strict=True)]


def report(out: Path, config: TwoStages, paths: dict[str, str]) -> str:
    """The comparison as Markdown, of the arms that every seed has finished; `report.json` and
    `shares.svg` beside it."""
    seeds = [trainings(config, seed) for seed in config.seeds]
    start = {k: [losses(out, arms["stage1"])[k] for arms in seeds] for k in ("stem", "general")}
    results: dict[str, dict[str, list[float]]] = {}
    for arm in seeds[0]:
        if arm != "stage1" and all(arms[arm].record(out).exists() for arms in seeds):
            after = [losses(out, arms[arm]) for arms in seeds]
            row = {k: [a[k] for a in after] for k in ("stem", "general")}
            results[arm] = {
                **row,
                "stem_gain": less(row["stem"], start["stem"]),
                "forgetting": less(row["general"], start["general"]),
            }
    base = results["share-000"]
    stem, general = (statistics.mean(start[k]) for k in ("stem", "general"))
    columns = ["STEM: from Stage-1", "STEM: from 0 %", "general: from Stage-1", "general: from 0 %"]
    lines = [
        f"{len(seeds)} seeds; mean and 95 % interval (t over seeds) of differences within a seed,"
        " in nats per token (negative is better).",
        f"End of Stage-1: STEM {stem:.3f}, general {general:.3f}.",
        "",
        "| " + " | ".join(["arm", "STEM repetitions", *columns]) + " |",
        "|---" * (2 + len(columns)) + "|",
    ]
    for arm, row in results.items():
        times = repetitions(paths, seeds[0][arm].card)
        cells = [
            arm,
            f"{times:.1f}{' (over five)' if times > MAX_REPETITIONS else ''}",
            spread(row["stem_gain"]),
            spread(less(row["stem"], base["stem"])),
            spread(row["forgetting"]),
            spread(less(row["general"], base["general"])),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    pairs = {
        "one-stage": "Two stages (ramp) against the same tokens in one",
        "share-020": "The ramp against a constant 20 % (the ramp's mean)",
    }
    for other, words in pairs.items():
        if "ramp" in results and other in results:
            gaps = [comparison(less(results["ramp"][k], results[other][k])) for k in ("stem", "general")]
            lines += ["", f"{words}: STEM {gaps[0]}, general {gaps[1]}."]
    curves = {
        f"{k}, seed {seed}": [(float(a[6:]), results[a][k][i]) for a in results if a.startswith("share")]
        for i, seed in enumerate(config.seeds)
        for k in ("stem", "general")
    }
    figure = curves_svg(curves, "STEM share of Stage-2 (%)", "validation loss (nats per token)")
    (out / "shares.svg").write_text(figure)
    values = {"seeds": config.seeds, "stage1": start, "arms": results}
    (out / "report.json").write_text(json.dumps(values, indent=1))
    return "\n".join(lines) + "\n"
