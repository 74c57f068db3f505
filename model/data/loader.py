"""The batches of a plan, read from token shards: a pure function of (plan, step).

Belongs here: which sequences a step reads and where they lie, in any world size. Does not belong here: the
format of shards (pipelines/shards), devices and tensors (train.py). No torch.

Sample p of a step's global batch goes to data-parallel rank p mod dp_size. World size, micro batch and
restarts choose who reads a sample, never which samples there are; so the loader has no state but the step.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.data.order import PassOrder
from model.mixture import PlanError
from model.plan import Plan
from pipelines.lake import canonical_json, digest

Tokens = npt.NDArray[np.uint16]


class MicroBatch(NamedTuple):
    """One micro batch of m samples of L tokens.

    `inputs`, `targets`: uint16 [m, L], targets shifted by one; `sources`: int64 [m], index into plan.sources;
    `starts`: bool [m, L], True where the input token is the first of a document.
    """

    inputs: Tokens
    targets: Tokens
    sources: npt.NDArray[np.int64]
    starts: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Sample:
    """One sequence: which source, which pass over it, its place in the source (in sequences)."""

    source: str
    reading: int
    position: int


class Loader:
    """Batches of a plan for one data-parallel rank.

    `shard_dirs` are the folders of the shard sets, by corpus. PlanError where they are not the shards the plan
    was made for, or where ranks times micro batch do not divide the global batch.
    """

    def __init__(self, plan: Plan, shard_dirs: Mapping[str, str | Path], dp_rank: int = 0, dp_size: int = 1, micro_batch: int = 1) -> None:
        from pipelines.shards.reader import ShardSet

        if plan.global_batch % (dp_size * micro_batch):
            raise PlanError(
                f"global batch {plan.global_batch} is not divided by {dp_size} data-parallel ranks x micro batch {micro_batch}:"
                " change the micro batch, or the world size"
            )
        if not 0 <= dp_rank < dp_size:
            raise PlanError(f"data-parallel rank {dp_rank} of {dp_size}")
        self.plan, self.dp_rank, self.dp_size, self.micro_batch = plan, dp_rank, dp_size, micro_batch
        wanted = sorted({s.corpus for s in plan.sources})
        missing = [c for c in wanted if c not in shard_dirs]
        if missing:
            raise PlanError(f"the plan reads the corpora {', '.join(wanted)}; no shards were given for {', '.join(missing)}")
        self._sets = {c: ShardSet.open(shard_dirs[c], plan.tokenizer_hash or None) for c in wanted}
        self._orders: dict[tuple[int, int], PassOrder] = {}
        self._check()

    def _check(self) -> None:
        changed = []
        for source in self.plan.sources:
            entry = self._sets[source.corpus].listing["sources"].get(source.shard_name)
            if entry is None:
                changed.append(f"{source.name} is gone")
            elif digest("source", canonical_json(entry)) != source.fingerprint:
                changed.append(f"{source.name} has {entry['tokens']} tokens and another manifest, planned were {source.tokens} tokens")
        if changed:
            raise PlanError(f"these are not the shards of plan {self.plan.name}: {'; '.join(changed)}")

    @property
    def fingerprint(self) -> str:
        """Identity of what is read: the plan with the hashes of its manifests. The same for every rank and world size."""
        return self.plan.hash

    @property
    def micro_batches(self) -> int:
        """Micro batches of this rank per step (gradient accumulation steps)."""
        return self.plan.global_batch // (self.dp_size * self.micro_batch)

    # which samples

    def _assignment(self, step: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Source index and read number (over the whole run) of each of the step's samples, [global_batch]."""
        before, after = self.plan.counts(step), self.plan.counts(step + 1)
        count = after - before
        sources = np.repeat(np.arange(len(count)), count)
        nth = np.arange(len(sources)) - np.repeat(np.cumsum(count) - count, count)
        # A source's samples are spread evenly over the batch, so ranks see like mixtures.
        place = np.lexsort((sources, (2 * nth + 1) / np.repeat(2 * np.maximum(count, 1), count)))
        return sources[place], (before[sources] + nth)[place]

    def _order(self, source: int, reading: int) -> PassOrder:
        key = (source, reading)
        if key not in self._orders:
            if len(self._orders) > 4 * len(self.plan.sources):
                self._orders.clear()
            s = self.plan.sources[source]
            self._orders[key] = PassOrder(s.sequences, self.plan.seed, s.name, reading)
        return self._orders[key]

    def _positions(self, step: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Source index, pass and position of every sample of the step's global batch."""
        sources, reads = self._assignment(step)
        size = np.array([s.sequences for s in self.plan.sources], dtype=np.int64)[sources]
        reading, index = reads // size, reads % size
        position = np.empty_like(index)
        for key in {(int(s), int(r)) for s, r in zip(sources, reading, strict=True)}:
            chosen = (sources == key[0]) & (reading == key[1])
            position[chosen] = self._order(*key).position(index[chosen])
        return sources, reading, position

    def samples(self, step: int) -> list[Sample]:
        """The step's global batch, in order."""
        sources, reading, position = self._positions(step)
        names = [s.name for s in self.plan.sources]
        return [Sample(names[s], int(r), int(p)) for s, r, p in zip(sources, reading, position, strict=True)]

    def sample_ids(self, step: int) -> list[str]:
        """The global batch as text, `<source>:<pass>:<position>`: the same for every rank and world size."""
        return [f"{s.source}:{s.reading}:{s.position}" for s in self.samples(step)]

    # reading them

    def batch(self, step: int) -> list[MicroBatch]:
        """The micro batches of this rank for one step."""
        sources, _, position = (a[self.dp_rank :: self.dp_size] for a in self._positions(step))
        length, m = self.plan.sequence_length, self.micro_batch
        tokens = np.empty((len(sources), length + 1), dtype=np.uint16)
        starts = np.zeros((len(sources), length), dtype=np.bool_)
        for row, (s, p) in enumerate(zip(sources.tolist(), position.tolist(), strict=True)):
            source = self.plan.sources[s]
            shards = self._sets[source.corpus]
            tokens[row] = shards.tokens(source.shard_name, p * length, length + 1)
            starts[row, shards.document_starts(source.shard_name, p * length, length)] = True
        cuts = range(0, len(sources), m)
        return [MicroBatch(tokens[i : i + m, :-1], tokens[i : i + m, 1:], sources[i : i + m], starts[i : i + m]) for i in cuts]

    def reads_of(self, source: int, first: int, last: int) -> list[tuple[int, int]]:
        """(step, sample) of every sample of the run that holds any of the tokens [first, last) of a source."""
        s, length = self.plan.sources[source], self.plan.sequence_length
        wanted = np.arange(first // length, min(s.sequences, (last - 1) // length + 1))
        total = int(self.plan.counts(self.plan.steps)[source])
        found = []
        for reading in range(-(-total // s.sequences)):
            numbers = reading * s.sequences + self._order(source, reading).index(wanted) if len(wanted) else wanted
            for number in numbers[numbers < total].tolist():
                step = self.plan.step_of(source, number)
                sources, reads = self._assignment(step)
                found.append((step, int(np.flatnonzero((sources == source) & (reads == number))[0])))
        return found

    def trace(self, step: int, sample: int) -> list[dict[str, Any]]:
        """The documents that sample number `sample` of the step's global batch is made of, first to last.

        Each is what the shards' provenance says (doc_id, url, dump, file, offset) with `start` and `end`, the
        tokens of the sequence that it fills, and `document_token`, where in the document that begins.
        """
        chosen = self.samples(step)[sample]
        corpus, _, name = chosen.source.partition("/")
        shards, length = self._sets[corpus], self.plan.sequence_length
        begin = chosen.position * length
        cuts = sorted({0, *shards.document_starts(name, begin, length).tolist(), length})
        found = []
        for first, last in itertools.pairwise(cuts):
            document = shards.document_of(name, begin + first)
            token = begin + first - document.pop("start")
            document.pop("end")
            found.append({**document, "source": chosen.source, "start": first, "end": last, "document_token": token})
        return found
