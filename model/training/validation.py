"""Loss and bits per byte on every validation domain, in the loop, shared among the ranks.

Belongs here: which sequences are read and the figures of each domain. Does not belong here: when
the loop asks (train.py), the evaluation of an exported model (evaluate/).
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np

from model.data.documents import document_numbers
from model.training import distributed
from pipelines.shards.reader import ShardSet


class Validation:
    """Non-overlapping sequences of each domain; every call reads the sequences of the first."""

    def __init__(
        self,
        folder: Path,
        length: int,
        micro_batch: int,
        max_sequences: int,
        data_rank: int,
        data_ranks: int,
        boundaries: bool = False,
    ) -> None:
        """`boundaries`: the model attends within a document only, here as in training."""
        self.data_rank, self.data_ranks, self.boundaries = data_rank, data_ranks, boundaries
        self.shards, self.length, self.micro_batch, self.max_sequences = (
            ShardSet.open(folder),
            length,
            micro_batch,
            max_sequences,
        )
        self.last: dict[str, float] = {}
        self.last_train = math.inf

    def run(self, engine: Any, step: int, train_loss: float) -> list[dict[str, Any]]:
        """One record a domain: token-weighted mean loss (nats) and bits per byte; equal on every
        rank.

        `overfitting` is true where the domain's loss rose since the last time though the training
        loss fell.
        """
        import torch

        records = []
        data_ranks, data_rank = self.data_ranks, self.data_rank
        for name, source in self.shards.sources.items():
            if source.tokens < 2:
                continue
            length = min(self.length, source.tokens - 1)
            count = min(self.max_sequences, (source.tokens - 1) // length)
            batches, used = [], []
            for b in range(math.ceil(count / (self.micro_batch * data_ranks))):
                first = (b * data_ranks + data_rank) * self.micro_batch
                rows = [min(i, count - 1) for i in range(first, first + self.micro_batch)]
                # Every rank runs every batch, as ranks move weights and states together; rows
                # beyond the end do not count.
                data = np.stack([self.shards.tokens(name, i * length, length + 1) for i in rows]).astype(
                    np.int64
                )
                ids = torch.from_numpy(data).to(engine.inner.device)
                documents = (
                    torch.from_numpy(document_numbers(data[:, :-1])).to(engine.inner.device)
                    if self.boundaries
                    else None
                )
                batches.append((ids[:, :-1], ids[:, 1:], documents))
                used += [i < count for i in range(first, first + self.micro_batch)]
            sums = engine.evaluate(batches)[torch.tensor(used)]
            counted = engine.reports * len(sums) * length
            loss, targets = float(sums.sum()), float(counted)
            loss, targets = distributed.total([loss, targets])
            mean = loss / targets
            bits = mean / math.log(2) * source.tokens / max(1, source.text_bytes)
            worse = name in self.last and mean > self.last[name] and train_loss < self.last_train
            self.last[name] = mean
            records.append(
                {
                    "step": step,
                    "domain": name,
                    "loss": mean,
                    "bits_per_byte": bits,
                    "tokens": int(targets),
                    "overfitting": worse,
                }
            )
        self.last_train = train_loss
        return records
