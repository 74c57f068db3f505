"""The in-domain over-fit gate: benchmarks that rise while loss on ordinary text rises too (paper
5.2, Table 7).

Belongs here: comparing two checkpoints document by document and question by question. Does not
belong here: measuring them (language_loss.py, choices.py, gsm8k.py).

Equal checkpoints seldom alert: a rise counts where at most ALPHA of the sign flips of its paired
differences give as large a mean. Where two checkpoints are equally good a difference is as likely
as its opposite, so that a rise is found in at most ALPHA of such pairs, whatever their spread; an
alert needs two rises.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

ALPHA = 0.05
"""Of equal checkpoints, the share that may alert at most."""
FLIPS = 1_999
"""Drawn sign flips; with the data's own they are 2,000, of which 5 % is a whole number."""
IN_DOMAIN = "stem"
"""Validation domains whose names begin so are what the stage trains for: no ordinary text."""


@dataclass(frozen=True)
class Change:
    """Of one set, after less before: of each document its summed loss (nats) with the set's tokens
    as `total`, or of each question 1, 0 or -1 with their number."""

    differences: np.ndarray  # float64 [n]
    total: float

    @property
    def mean(self) -> float:
        """Change of the set's loss per token, or of its accuracy."""
        return float(self.differences.sum() / self.total)


def rise(changes: Mapping[str, Change], seed: int = 1234, flips: int = FLIPS) -> dict[str, Any]:
    """The unweighted mean change over sets, its one-sided p, and whether it counts as a rise."""
    each = np.concatenate([c.differences / (c.total * len(changes)) for c in changes.values()])
    mean, rng, as_large = float(each.sum()), np.random.default_rng(seed), 0
    slack = 1e-12 * float(np.abs(each).sum())
    for at in range(0, flips, 128):
        signs = rng.integers(0, 2, (min(128, flips - at), len(each)), dtype=np.int8) * 2.0 - 1.0
        as_large += int((signs @ each >= mean - slack).sum())
    p = (1 + as_large) / (1 + flips)
    changed = {name: change.mean for name, change in changes.items()}
    return {"changes": changed, "mean": mean, "p": p, "rose": mean > 0 and p <= ALPHA}


def overfit_gate(
    loss: Mapping[str, Change], accuracy: Mapping[str, Change], seed: int = 1234, flips: int = FLIPS
) -> dict[str, Any]:
    """The changes of loss by validation domain and of accuracy by benchmark, and whether the gate
    alerts: both means rose, so what was gained was bought with ordinary text. Domains of IN_DOMAIN
    are reported and not counted."""
    ordinary = {n: c for n, c in loss.items() if not n.startswith(IN_DOMAIN)}
    out: dict[str, Any] = {
        "in_domain": {n: c.mean for n, c in loss.items() if n.startswith(IN_DOMAIN)},
        "false_alarms_at_most": ALPHA,
        "alert": None,
    }
    for kind, changes in (("loss", ordinary), ("accuracy", accuracy)):
        if changes:
            out[kind] = rise(changes, seed, flips)
        else:
            out["missing"] = f"no {kind} was measured both before and after: there is nothing to judge"
    if ordinary and accuracy:
        out["alert"] = out["loss"]["rose"] and out["accuracy"]["rose"]
    return out
