"""Sequences of shards on S3, fetched before they are read, into a bounded local cache.

Belongs here: which ranges to fetch, when, and where they are kept meanwhile. Does not belong here:
which sequences a step reads (loader.py), requests and errors (pipelines/shards/storage.py). No
torch.

The plan names every sequence long before it is read, so nothing is guessed. Steps are taken in
stretches; while one is read the next is fetched. Within a stretch the wanted sequences of a source
are put in order, and neighbours are fetched as one range where what lies between them is little.
Stretches grow from one step, so that a run starts at once, to as many as half the cache holds.
"""

from __future__ import annotations

import os
import tempfile
from bisect import bisect_right
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.shards.format import TOKEN
from pipelines.shards.reader import ShardSet

CACHE_BYTES = 1 << 30
MAX_WASTE = 0.1  # bytes of a range that nobody wants, of those that somebody does
RANGE_BYTES = 4 << 20  # of one request: large ones are cut, to be fetched at the same time
THREADS = 16  # requests of 8 KiB at 20 ms each give some 6 MB/s: three million tokens a second

Tokens = npt.NDArray[np.uint16]


class Need(NamedTuple):
    """Tokens [first, last) of a source."""

    shards: ShardSet
    source: str
    first: int
    last: int


def merge(needs: Iterable[Need]) -> list[Need]:
    """Ranges that cover every need, in order; at most MAX_WASTE more than the needs themselves."""
    ordered = sorted(set(needs), key=lambda n: (n.shards.root, n.source, n.first))
    found: list[Need] = []
    wanted = waste = 0
    for need in ordered:
        last = found[-1] if found else None
        gap = need.first - last.last if last else 0
        near = (
            last is not None
            and last[:2] == need[:2]
            and (need.last - last.first) * TOKEN.itemsize <= RANGE_BYTES
        )
        if last is not None and near and waste + max(0, gap) <= MAX_WASTE * wanted:
            waste += max(0, gap)
            wanted += need.last - max(need.first, last.last)
            found[-1] = last._replace(last=max(last.last, need.last))
        else:
            found.append(need)
            wanted, waste = need.last - need.first, 0
    return found


class Stretch:
    """The ranges of some steps, in one file that is deleted when the process ends, however it
    ends."""

    def __init__(
        self, first: int, last: int, needs: Iterable[Need], pool: ThreadPoolExecutor, folder: str | None
    ) -> None:
        self.first, self.last = first, last
        self._file = tempfile.TemporaryFile(prefix="skypile-readahead-", dir=folder)
        self._index: dict[
            tuple[str, str], tuple[list[int], list[int]]
        ] = {}  # (set, source) -> starts, offsets in tokens
        self._jobs: list[Future[None]] = []
        at = 0
        for need in merge(needs):
            starts, offsets = self._index.setdefault((need.shards.root, need.source), ([], []))
            starts.append(need.first)
            offsets.append(at)
            self._jobs.append(pool.submit(self._fetch, need, at))
            at += need.last - need.first
        self.tokens = at
        self._map: Tokens | None = None

    def _fetch(self, need: Need, at: int) -> None:
        tokens = need.shards.tokens(need.source, need.first, need.last - need.first)
        os.pwrite(self._file.fileno(), tokens.tobytes(), at * TOKEN.itemsize)

    def read(self, need: Need) -> Tokens:
        """The tokens of a need of this stretch. Waits for what is still on its way; raises what a
        fetch raised."""
        if self._map is None:
            for job in self._jobs:
                job.result()
            self._map = np.memmap(self._file, TOKEN, mode="r", shape=(self.tokens,))
        starts, offsets = self._index[need.shards.root, need.source]
        row = bisect_right(starts, need.first) - 1
        at = offsets[row] + need.first - starts[row]
        return self._map[at : at + need.last - need.first]

    def close(self) -> None:
        """Give up what has not been fetched, and free the file."""
        for job in self._jobs:
            job.cancel()
        self._map = None
        self._file.close()


class ReadAhead:
    """Reads the needs of step after step. `needs(step)` are those of this rank, all of about
    `step_bytes`."""

    def __init__(
        self,
        needs: Callable[[int], list[Need]],
        steps: int,
        step_bytes: int,
        cache_bytes: int = CACHE_BYTES,
        folder: str | None = None,
    ) -> None:
        self._needs, self._steps, self._folder = needs, steps, folder
        # Two stretches lie in the cache at a time, each with its waste.
        self._most = max(1, int(cache_bytes / 2 / (1 + MAX_WASTE) / max(1, step_bytes)))
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="readahead")
        self._now: Stretch | None = None
        self._next: Stretch | None = None

    def _stretch(self, first: int, count: int) -> Stretch | None:
        last = min(self._steps, first + min(count, self._most))
        if first >= last:
            return None
        return Stretch(
            first,
            last,
            (n for step in range(first, last) for n in self._needs(step)),
            self._pool,
            self._folder,
        )

    def at(self, step: int) -> Stretch:
        """The stretch that holds a step, with the next one on its way. A step out of turn begins
        anew there."""
        if self._now is not None and self._now.first <= step < self._now.last:
            return self._now
        turn = self._next is not None and self._next.first <= step < self._next.last
        for old in (self._now,) if turn else (self._now, self._next):
            if old is not None:
                old.close()
        self._now = self._next if turn else self._stretch(step, 1)
        if self._now is None:
            raise ValueError(f"step {step} of {self._steps}")
        self._next = self._stretch(self._now.last, 2 * (self._now.last - self._now.first))
        return self._now

    @property
    def cached_bytes(self) -> int:
        """Bytes of the cache that are taken, or will be when what is on its way has come."""
        return sum(s.tokens * TOKEN.itemsize for s in (self._now, self._next) if s is not None)

    def close(self) -> None:
        """Stop fetching and free the cache."""
        for old in (self._now, self._next):
            if old is not None:
                old.close()
        self._now = self._next = None
        self._pool.shutdown(wait=True, cancel_futures=True)
