"""How much of each source is read: Table 1, the STEM ramp, the limit of repetitions.

Belongs here: shares, as pure functions. Does not belong here: whole counts at every step
(counts.py), steps and learning rates (plan.py). No torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
from pydantic import model_validator

from model.plan.base import Config, PlanError

# Skywork-13B report (arXiv 2310.19341), Table 1: percent of Stage-1 tokens by (language, category).
# The rows sum to 100.0; the shares in the prose do not, so the rows are used and renormalised over
# what exists.
TABLE_1: dict[tuple[str, str], float] = {
    ("en", "webpages"): 39.8,
    ("en", "books"): 3.6,
    ("en", "academic"): 3.0,
    ("en", "encyclopedia"): 0.5,
    ("en", "miscellany"): 2.9,
    ("zh", "webpages"): 30.4,
    ("zh", "social"): 5.5,
    ("zh", "encyclopedia"): 0.8,
    ("zh", "miscellany"): 3.1,
    ("other", "encyclopedia"): 2.4,
    ("any", "code"): 8.0,
}
MAX_REPETITIONS = 5  # paper 3.1: no source is seen more than five times


class StemShare(Config):
    """Share of SkyPile-STEM over one phase as a function of t in [0, 1], the part of the phase
    done.

    `quadratic` from 0.10 to 0.40 is start + (end - start) t^2: the paper gives the end points and
    the mean of 20 %, and this is the simplest curve that has both. `steps` are (t, share) pairs,
    the first at t = 0.
    """

    kind: Literal["constant", "linear", "quadratic", "steps"] = "constant"
    """Form of the curve."""
    start: float = 0.0
    """Share at t = 0."""
    end: float = 0.0
    """Share at t = 1."""
    steps: tuple[tuple[float, float], ...] = ()
    """Of kind `steps`: (t, share) pairs."""

    @model_validator(mode="after")
    def _within_bounds(self) -> StemShare:
        shares = [self.start, self.end, *(s for _, s in self.steps)]
        if any(not 0.0 <= s <= 1.0 for s in shares):
            raise ValueError("shares lie between 0 and 1")
        times = [t for t, _ in self.steps]
        if (self.kind == "steps") != bool(self.steps) or (
            times and (times[0] != 0.0 or sorted(set(times)) != times or times[-1] >= 1.0)
        ):
            raise ValueError(
                "'steps' takes increasing (t, share) pairs from t = 0 to below 1; other kinds take none"
            )
        return self

    @property
    def none(self) -> bool:
        """Whether nothing of SkyPile-STEM is read."""
        return self.integral(np.ones(1))[0] == 0.0

    def share(self, t: float) -> float:
        """The share at time t."""
        if self.kind == "steps":
            return [s for at, s in self.steps if at <= t][-1]
        power = {"constant": 0.0, "linear": t, "quadratic": t * t}[self.kind]
        return self.start + (self.end - self.start) * power

    def integral(self, t: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The integral of the share from 0 to each t."""
        if self.kind == "steps":
            total = np.zeros_like(t)
            ends = [at for at, _ in self.steps[1:]] + [1.0]
            for (begin, share), end in zip(self.steps, ends, strict=True):
                total += share * (np.clip(t, begin, end) - begin)
            return total
        grown = {"constant": np.zeros_like(t), "linear": t * t / 2, "quadratic": t * t * t / 3}[self.kind]
        return self.start * t + (self.end - self.start) * grown


def table_1_cell(source: str) -> tuple[str, str]:
    """The row of Table 1 that a source `<language>-<category>` belongs to, whatever its bucket.

    Code is one row whatever the language of its comments. A pair that Table 1 does not list is
    miscellany of its language; other languages have one row.
    """
    language, _, category = source.partition("/")[0].partition("-")
    if category == "code" or language == "code":
        return "any", "code"
    if language not in ("en", "zh"):
        return "other", "encyclopedia"
    return (language, category) if (language, category) in TABLE_1 else (language, "miscellany")


def table_1_weights(sources: Mapping[str, int]) -> dict[str, float]:
    """Weights over main sources (name -> sequences), summing to 1: Table 1 over what exists; a
    row's sources by size."""
    cells: dict[tuple[str, str], int] = {}
    for name, size in sources.items():
        cells[table_1_cell(name)] = cells.get(table_1_cell(name), 0) + size
    total = sum(TABLE_1[c] for c in cells)
    return {
        n: TABLE_1[table_1_cell(n)] / total * size / cells[table_1_cell(n)]
        for n, size in sorted(sources.items())
    }


def weights_by_name(mixture: Mapping[str, float], sources: Mapping[str, int]) -> dict[str, float]:
    """Weights over sources (name -> sequences), summing to 1, from those that a card names.

    A name covers the source of that name and every bucket of it (`en-webpages` those of
    `en-webpages/q3/science`) that no longer name covers; what it covers shares its weight by size.
    PlanError where a name covers none, or where the weights are not to be used.
    """
    covered: dict[str, dict[str, int]] = {name: {} for name in mixture}
    for source, size in sources.items():
        names = [n for n in mixture if source == n or source.startswith(f"{n}/")]
        if names:
            covered[max(names, key=len)][source] = size
    unknown = sorted(
        name for name in mixture if not any(s == name or s.startswith(f"{name}/") for s in sources)
    )
    if unknown:
        raise PlanError(f"unknown sources {', '.join(unknown)}")
    total = sum(mixture.values())
    if total <= 0 or min(mixture.values()) < 0:
        raise PlanError("weights must not be negative and need a positive sum")
    if unused := sorted(n for n, weight in mixture.items() if weight > 0 and not covered[n]):
        raise PlanError(f"other names of the mixture cover all of {', '.join(unused)}")
    weights = {
        source: weight / total * share
        for name, weight in mixture.items()
        if weight > 0
        for source, share in by_size(covered[name]).items()
    }
    return dict(sorted(weights.items()))


def by_size(sources: Mapping[str, int]) -> dict[str, float]:
    """Weights in proportion to size, summing to 1."""
    total = sum(sources.values())
    return {n: s / total for n, s in sorted(sources.items())} if total else {}


def redistribute(
    corpus: str,
    phases: Sequence[tuple[str, float]],
    weights: Sequence[Mapping[str, float]],
    sizes: Sequence[Mapping[str, int]],
    used: Mapping[str, float],
) -> list[dict[str, float]]:
    """Lower the weights of sources that would be read more than five times over the whole plan.

    `phases` are (name, sequences of this corpus); `weights` sum to 1 in each phase; `sizes` are the
    sequences that each source holds in each phase; `used` are the repetitions that earlier phases
    have had. What a source may not give goes to the others of its corpus in proportion to their
    weights, until none exceeds the limit. PlanError names the sources where all are at their limit.
    """
    names = sorted({s for held in sizes for s in held})
    # Each phase rounds a source's count by less than one sequence; the slack keeps the limit exact.
    limit = {
        s: max(0.0, MAX_REPETITIONS - used.get(s, 0.0) - sum(1 / held[s] for held in sizes if s in held))
        for s in names
    }
    current = [dict(w) for w in weights]
    capped: dict[str, list[float]] = {}  # source -> sequences in each phase
    for _ in range(len(names) + 1):
        planned = {
            s: sum(
                n * w.get(s, 0.0) / held[s]
                for (_, n), w, held in zip(phases, current, sizes, strict=True)
                if s in held
            )
            for s in names
        }
        over = [s for s in names if s not in capped and planned[s] > limit[s] + 1e-12]
        if not over:
            return current
        for s in over:
            capped[s] = [
                n * w.get(s, 0.0) * limit[s] / planned[s] for (_, n), w in zip(phases, current, strict=True)
            ]
        for i, (name, n) in enumerate(phases):
            if n == 0:
                continue
            taken = {s: c[i] / n for s, c in capped.items() if s in weights[i]}
            free = {s: w for s, w in weights[i].items() if s not in capped and w > 0}
            left = 1.0 - sum(taken.values())
            if not free and left * n > 1e-6:
                needs = ", ".join(f"{corpus}/{s} has {sizes[i][s]} sequences" for s in sorted(taken))
                raise PlanError(
                    f"phase {name} reads {n:.0f} sequences of {corpus}: more than {MAX_REPETITIONS}"
                    f" repetitions over the plan ({needs});"
                    " plan fewer tokens, a lower share, or add data"
                )
            scale = left / sum(free.values()) if free else 0.0
            current[i] = {**taken, **{s: w * scale for s, w in free.items()}}
    raise AssertionError("every round caps at least one source")
