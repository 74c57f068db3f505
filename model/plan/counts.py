"""How many sequences of each source have been read at every step of a phase.

Belongs here: whole counts from shares, found anew from any step. Does not belong here: the shares
(mixture.py), which sequence of a source comes next (data/order.py). No torch.

The table of all steps is made once, when a run is planned. What is kept of it are its marks, the
row at the start of every chunk of steps, and a hash of every chunk. A resume makes one chunk again
and compares.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from model.plan.base import PlanError
from model.plan.mixture import StemShare
from pipelines.lake import digest

CHUNK = 1024  # steps; making one again takes some ten milliseconds

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Targets:
    """Cumulative targets of one phase, in sequences; `weights` are (corpus, weight within the
    corpus) of each source."""

    steps: int
    batch: int
    stem: StemShare
    weights: tuple[tuple[str, float], ...]

    @classmethod
    def of(cls, steps: int, batch: int, stem: StemShare, weights: Mapping[str, float]) -> Targets:
        """Of sources by name, in the order of their names."""
        return cls(
            steps, batch, stem, tuple((name.partition("/")[0], w) for name, w in sorted(weights.items()))
        )

    @property
    def tolerance(self) -> float:
        """Rounding of float64 sums of this size, far below one sequence."""
        return 1e-9 + 1e-14 * self.steps * self.batch

    def at(self, steps: Sequence[int] | Counts) -> npt.NDArray[np.float64]:
        """Targets after each of `steps` steps, [len(steps), sources]."""
        done = np.asarray(steps, dtype=np.float64)
        of_stem = self.steps * self.batch * self.stem.integral(done / max(self.steps, 1))
        of_main = done * self.batch - of_stem
        return np.stack(
            [w * (of_stem if corpus == "stem" else of_main) for corpus, w in self.weights], axis=1
        )

    def due(self, source: int, count: int, after: int) -> int:
        """The first step beyond `after` whose target has reached `count`; steps + 1 where none
        has."""
        reached = range(after + 1, self.steps + 1)
        return (
            after
            + 1
            + bisect_left(
                reached, count, key=lambda step: int(np.floor(self.at([step])[0, source] + self.tolerance))
            )
        )


def make_rows(targets: Targets, first: int, last: int, row: Sequence[int]) -> Counts:
    """Whole cumulative counts of steps first .. last, [last - first + 1, sources], from the counts
    `row` at `first`.

    Each step hands out one batch. Sequence j of a source may be read once its target has passed j -
    1 and must be read once its target has reached j; the earliest deadline goes first. Tijdeman
    (1980, the chairman assignment problem) shows that such a schedule exists for any shares, and
    earliest deadline first finds one whenever there is one. So every count stays within one
    sequence of its target.
    """
    target = targets.at(np.arange(first, last + 1))
    low = np.floor(target + targets.tolerance).astype(np.int64)
    high = np.ceil(target - targets.tolerance).astype(np.int64)
    columns = low.T.tolist()  # sequence j is due at the first step whose floor has reached j
    beyond: dict[tuple[int, int], int] = {}

    def due(source: int, count: int, step: int) -> int:
        found = bisect_left(columns[source], count, lo=step - first)
        if found < len(columns[source]):
            return first + found
        if (source, count) not in beyond:
            beyond[source, count] = targets.due(source, count, last)
        return beyond[source, count]

    # Plain lists: for the few sources of a plan they are ten times as fast as arrays of a few
    # numbers.
    rows = [list(row)]
    for step, (must, may) in enumerate(
        zip(low[1:].tolist(), high[1:].tolist(), strict=True), start=first + 1
    ):
        count = list(map(max, rows[-1], must))
        left = step * targets.batch - sum(count)
        if left:
            ready = [(due(s, c + 1, step), s) for s, c in enumerate(count) if c < may[s]]
            if not 0 < left <= len(ready):
                raise PlanError(
                    f"step {step}: the mixture's targets do not sum to the batch of {targets.batch}"
                )
            for _, s in sorted(ready)[:left]:
                count[s] += 1
        rows.append(count)
    return np.array(rows, dtype=np.int64)


def _hash(rows: Counts) -> str:
    return digest("counts", str(rows.shape), np.ascontiguousarray(rows, dtype="<i8").tobytes())


@dataclass
class CountTable:
    """The counts of one phase. `marks` are rows [chunks + 1] x [sources], the last that of the
    phase's end."""

    targets: Targets
    marks: tuple[tuple[int, ...], ...]
    hashes: tuple[str, ...]
    _kept: dict[int, Counts] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def make(cls, targets: Targets) -> CountTable:
        """Go through all steps of the phase."""
        marks, hashes = [(0,) * len(targets.weights)], []
        for first in range(0, targets.steps, CHUNK):
            rows = make_rows(targets, first, min(first + CHUNK, targets.steps), marks[-1])
            marks.append(tuple(rows[-1].tolist()))
            hashes.append(_hash(rows))
        return cls(targets, tuple(marks), tuple(hashes))

    @classmethod
    def from_json(cls, targets: Targets, value: Mapping[str, Any]) -> CountTable:
        """The table that `to_json` wrote; PlanError where it is of another number of steps."""
        table = cls(targets, tuple(tuple(m) for m in value["marks"]), tuple(value["hashes"]))
        if len(table.hashes) != -(-targets.steps // CHUNK) or len(table.marks) != len(table.hashes) + 1:
            raise PlanError(
                f"a count table of {len(table.hashes)} chunks for {targets.steps} steps: the plan is"
                f" damaged, make it anew"
            )
        return table

    def to_json(self) -> dict[str, Any]:
        """Marks and hashes; the targets follow from the phase."""
        return {"marks": [list(m) for m in self.marks], "hashes": list(self.hashes)}

    def chunk(self, index: int) -> Counts:
        """The rows of one chunk, made again and compared; PlanError where they are not those that
        were planned."""
        if index not in self._kept:
            first = index * CHUNK
            rows = make_rows(self.targets, first, min(first + CHUNK, self.targets.steps), self.marks[index])
            if _hash(rows) != self.hashes[index]:
                raise PlanError(
                    f"the counts of steps {first} on are not those that were planned: this version"
                    f" mixes in another way"
                )
            while len(self._kept) > 1:
                self._kept.pop(next(iter(self._kept)))
            self._kept[index] = rows
        return self._kept[index]

    def at(self, step: int) -> Counts:
        """Sequences of each source that the first `step` steps of the phase read, int64
        [sources]."""
        if step == self.targets.steps:
            return np.array(self.marks[-1], dtype=np.int64)
        row: Counts = self.chunk(step // CHUNK)[step % CHUNK]
        return row

    def step_of(self, source: int, read: int) -> int:
        """The step of the phase that makes read number `read` (from 0) of a source."""
        chunk = bisect_left(self.marks, read + 1, key=lambda mark: mark[source]) - 1
        return chunk * CHUNK + int(np.searchsorted(self.chunk(chunk)[:, source], read, "right")) - 1
