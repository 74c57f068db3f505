"""The batches of a plan, read from token shards: a pure function of (plan, step).

Belongs here: which sequences a step reads and where they lie, in any world size. Does not belong
here: the format of shards (pipelines/shards), devices and tensors (train.py). No torch.

Sample p of a step's global batch goes to data-parallel rank p mod dp_size. World size, micro batch
and restarts choose who reads a sample, never which samples there are; so the loader has no state
but the step.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from model.data.order import Index, PassOrder
from model.data.readahead import CACHE_BYTES, Need, ReadAhead, Tokens
from model.plan.base import PlanError
from model.plan.plan import Plan, PlannedPhase
from pipelines.lake import canonical_json, digest
from pipelines.shards.format import END_OF_DOCUMENT, TOKEN
from pipelines.shards.reader import ShardSet


class MicroBatch(NamedTuple):
    """One micro batch of m samples of L tokens.

    `inputs`, `targets`: uint16 [m, L], targets shifted by one; `sources`: int64 [m], index into
    plan.sources; `starts`: bool [m, L], True where the input token is the first of a document.
    """

    inputs: Tokens
    targets: Tokens
    sources: npt.NDArray[np.int64]
    starts: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TrainingSample:
    """One sequence: which source, which pass over it, its place in the source (in sequences)."""

    source: str
    reading: int
    position: int


class Loader:
    """Batches of a plan for one data-parallel rank.

    `shards` are folders or s3:// addresses of the shard sets, by corpus; those of a release that
    has other ones by `<release>/<corpus>`. Sets on S3 are read ahead into a cache of `cache_bytes`
    on this machine. PlanError where they are not the shards the plan was made for, or where ranks
    times micro batch do not divide the global batch.
    """

    def __init__(
        self,
        plan: Plan,
        shards: Mapping[str, str | Path],
        dp_rank: int = 0,
        dp_size: int = 1,
        micro_batch: int = 1,
        cache_bytes: int = CACHE_BYTES,
    ) -> None:
        if plan.global_batch % (dp_size * micro_batch):
            raise PlanError(
                f"global batch {plan.global_batch} is not divided by {dp_size} data-parallel ranks x micro"
                f" batch {micro_batch}: change the micro batch, or the world size"
            )
        if not 0 <= dp_rank < dp_size:
            raise PlanError(f"data-parallel rank {dp_rank} of {dp_size}")
        self.plan, self.dp_rank, self.dp_size, self.micro_batch = plan, dp_rank, dp_size, micro_batch
        opened: dict[str, ShardSet] = {}
        self._sets: dict[tuple[str, str], ShardSet] = {}
        for release, corpus in sorted({(r, s.corpus) for s in plan.sources for r in s.held}):
            address = shards.get(f"{release}/{corpus}", shards.get(corpus))
            if address is None:
                raise PlanError(
                    f"the plan reads {corpus} of release {release}; no shards were given for {corpus}"
                )
            if str(address) not in opened:
                opened[str(address)] = ShardSet.open(address, plan.tokenizer_hash or None)
            self._sets[release, corpus] = opened[str(address)]
        self.shard_sets = tuple(opened.values())
        self._orders: dict[tuple[str, int, int, int], PassOrder] = {}
        self._check()
        rows = plan.global_batch // dp_size
        self.ahead: ReadAhead | None = None
        if any(s.is_remote for s in self.shard_sets):
            step_bytes = rows * (plan.sequence_length + 2) * TOKEN.itemsize
            self.ahead = ReadAhead(
                self._remote_needs,
                plan.steps,
                step_bytes,
                cache_bytes,
                os.environ.get("SKYPILE_CACHE") or None,
            )

    def _check(self) -> None:
        """Compare the manifests with those of the plan."""
        changed = []
        for source in self.plan.sources:
            for release, held in source.held.items():
                entry = self._sets[release, source.corpus].listing["sources"].get(source.shard_name)
                if entry is None:
                    changed.append(f"{source.name} of release {release} is gone")
                elif digest("source", canonical_json(entry)) != held.fingerprint:
                    changed.append(
                        f"{source.name} of release {release} has {entry['tokens']} tokens and another"
                        f" manifest, planned were {held.tokens} tokens"
                    )
        if changed:
            raise PlanError(f"these are not the shards of plan {self.plan.name}: {'; '.join(changed)}")

    def shards(self, release: str, corpus: str) -> ShardSet:
        """The shard set of one corpus in a release."""
        return self._sets[release, corpus]

    def verify(self, part: int = 0, parts: int = 1) -> None:
        """Refuse shards whose bytes are not those of their manifests, before any is read. Each of
        `parts` ranks takes its share.

        Of sets on S3 only the sizes are compared: the store checks its own bytes. ShardError names
        the file.
        """
        for shards in self.shard_sets:
            if shards.is_remote:
                shards.check_sizes(part, parts)
            else:
                shards.verify(part, parts)

    @property
    def micro_batches(self) -> int:
        """Micro batches of this rank per step (gradient accumulation steps)."""
        return self.plan.global_batch // (self.dp_size * self.micro_batch)

    # which samples

    def _assignment(self, step: int) -> tuple[Index, Index]:
        """Source index and read number (over the whole run) of each of the step's samples,
        [global_batch]."""
        before, after = self.plan.counts(step), self.plan.counts(step + 1)
        count = after - before
        sources = np.repeat(np.arange(len(count)), count)
        nth = np.arange(len(sources)) - np.repeat(np.cumsum(count) - count, count)
        # A source's samples are spread evenly over the batch, so ranks see like mixtures.
        place = np.lexsort((sources, (2 * nth + 1) / np.repeat(2 * np.maximum(count, 1), count)))
        return sources[place], (before[sources] + nth)[place]

    def _order(self, phase: PlannedPhase, source: int, reading: int) -> PassOrder:
        s = self.plan.sources[source]
        n = s.sequences(phase.release)
        key = (s.name, n, phase.seed, reading)
        if key not in self._orders:
            if len(self._orders) > 4 * len(self.plan.sources):
                self._orders.clear()
            self._orders[key] = PassOrder(n, phase.seed, s.name, reading)
        return self._orders[key]

    def _positions(self, step: int) -> tuple[Index, Index, Index]:
        """Source index, pass and position of every sample of the step's global batch."""
        sources, reads = self._assignment(step)
        index = self.plan.phase_index(step)
        phase, starts = self.plan.phases[index], self.plan.pass_starts[index]
        size = np.array([s.sequences(phase.release) for s in self.plan.sources], dtype=np.int64)[sources]
        since = reads - np.array([s.read for s in starts], dtype=np.int64)[sources]
        reading = np.array([s.reading for s in starts], dtype=np.int64)[sources] + since // size
        place = since % size
        position = np.empty_like(place)
        for key in {(int(s), int(r)) for s, r in zip(sources, reading, strict=True)}:
            chosen = (sources == key[0]) & (reading == key[1])
            position[chosen] = self._order(phase, *key).position(place[chosen])
        return sources, reading, position

    def samples(self, step: int) -> list[TrainingSample]:
        """The step's global batch, in order."""
        sources, reading, position = self._positions(step)
        names = [s.name for s in self.plan.sources]
        return [
            TrainingSample(names[s], int(r), int(p))
            for s, r, p in zip(sources, reading, position, strict=True)
        ]

    def sample_ids(self, step: int) -> list[str]:
        """The global batch as text, `<source>:<pass>:<position>`: the same for every rank and world
        size."""
        return [f"{s.source}:{s.reading}:{s.position}" for s in self.samples(step)]

    # reading them

    def _needs(self, step: int) -> tuple[Index, list[Need]]:
        """Source index of this rank's samples, and their tokens: the sequence, one before it and
        the last target."""
        sources, _, position = (a[self.dp_rank :: self.dp_size] for a in self._positions(step))
        release, length = self.plan.phase_at(step).release, self.plan.sequence_length
        needs = []
        for s, p in zip(sources.tolist(), position.tolist(), strict=True):
            source = self.plan.sources[s]
            needs.append(
                Need(
                    self._sets[release, source.corpus],
                    source.shard_name,
                    max(0, p * length - 1),
                    (p + 1) * length + 1,
                )
            )
        return sources, needs

    def _remote_needs(self, step: int) -> list[Need]:
        return [n for n in self._needs(step)[1] if n.shards.is_remote]

    def batch(self, step: int) -> list[MicroBatch]:
        """The micro batches of this rank for one step."""
        sources, needs = self._needs(step)
        length, m = self.plan.sequence_length, self.micro_batch
        stretch = self.ahead.at(step) if self.ahead else None
        # One token before the sequence tells whether its first token begins a document; before the
        # source's first token stands an end of document, so to speak.
        tokens = np.full((len(sources), length + 2), END_OF_DOCUMENT, dtype=np.uint16)
        for row, need in zip(tokens, needs, strict=True):
            read = (
                stretch.read(need)
                if stretch and need.shards.is_remote
                else need.shards.tokens(need.source, need.first, need.last - need.first)
            )
            row[length + 2 - len(read) :] = read
        starts = tokens[:, :-2] == END_OF_DOCUMENT
        cuts = range(0, len(sources), m)
        return [
            MicroBatch(tokens[i : i + m, 1:-1], tokens[i : i + m, 2:], sources[i : i + m], starts[i : i + m])
            for i in cuts
        ]

    def close(self) -> None:
        """Stop reading ahead and free the cache."""
        if self.ahead:
            self.ahead.close()

    # the audit's questions

    def reads_of(self, source: int, release: str, first: int, last: int) -> list[tuple[int, int]]:
        """(step, sample) of every sample of the run that holds any of the tokens [first, last) of a
        source in a release."""
        s, length, plan = self.plan.sources[source], self.plan.sequence_length, self.plan
        n = s.sequences(release)
        wanted = np.arange(first // length, min(n, (last - 1) // length + 1))
        found = []
        for index, phase in enumerate(plan.phases):
            if phase.release != release or not len(wanted):
                continue
            start = plan.pass_starts[index][source]
            begin, end = int(plan.carried[index][source]), int(plan.carried[index + 1][source])
            for turn in range((begin - start.read) // n, -(-(end - start.read) // n)):
                numbers = (
                    start.read + turn * n + self._order(phase, source, start.reading + turn).index(wanted)
                )
                for number in numbers[(numbers >= begin) & (numbers < end)].tolist():
                    step = plan.step_of(source, number)
                    sources, reads = self._assignment(step)
                    found.append((step, int(np.flatnonzero((sources == source) & (reads == number))[0])))
        return sorted(found)

    def trace(self, step: int, sample: int) -> list[dict[str, Any]]:
        """The documents that sample number `sample` of the step's global batch is made of, first to
        last.

        Each is what the shards' provenance says (doc_id, url, dump, file, offset) with `start` and
        `end`, the tokens of the sequence that it fills, and `document_token`, where in the document
        that begins.
        """
        chosen = self.samples(step)[sample]
        corpus, _, name = chosen.source.partition("/")
        release, length = self.plan.phase_at(step).release, self.plan.sequence_length
        shards = self._sets[release, corpus]
        begin = chosen.position * length
        cuts = sorted({0, *shards.document_starts(name, begin, length).tolist(), length})
        found = []
        for first, last in itertools.pairwise(cuts):
            document = shards.document_of(name, begin + first)
            token = begin + first - document.pop("start")
            document.pop("end")
            found.append(
                {
                    **document,
                    "release": release,
                    "source": chosen.source,
                    "start": first,
                    "end": last,
                    "document_token": token,
                }
            )
        return found
