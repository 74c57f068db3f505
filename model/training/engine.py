"""DeepSpeed's two engines as the loop sees them: a step, an evaluation, all weights.

Belongs here: what differs between data-parallel and pipeline execution. Does not belong here: which
of them (strategy.py), the loop (train.py).

A batch is a list of micro batches (ids, targets, documents): int64 [B, L], int64 [B, L], int32 [B,
L] or None.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.checkpoints.reading import only_data
from model.network.config import ModelConfig
from model.training import distributed

Batch = Sequence[tuple[Tensor, Tensor, Tensor | None]]


class TrainingEngine:
    """Every rank holds the whole model, or its share of it under ZeRO."""

    reports = True
    """Whether this rank knows losses: summed over the ranks that report, each sample counts
    once."""

    def __init__(self, inner: Any, config: ModelConfig) -> None:
        self.inner, self.config = inner, config

    @property
    def optimizer(self) -> Any:
        """DeepSpeed's optimizer."""
        return self.inner.optimizer

    def set_rate(self, rate: float) -> None:
        """The learning rate of the next update."""
        for group in self.optimizer.param_groups:
            group["lr"] = rate

    def train_batch(self, batches: Batch, scale: float) -> Tensor:
        """One update on the sum of losses times `scale`; each sample's loss sum [samples], float64
        on the CPU."""
        rows = []
        for ids, targets, documents in batches:
            total, losses = self.inner(ids, targets, documents)
            self.inner.backward(total * scale)
            self.inner.step()
            rows.append(losses.detach().double().sum(dim=1))
        return torch.cat(rows).cpu()

    def evaluate(self, batches: Batch) -> Tensor:
        """Each sample's loss sum [samples], float64 on the CPU, without dropout or gradients."""
        self.inner.module.eval()
        with torch.no_grad():
            rows = [
                self.inner.module(ids, targets, documents)[1].double().sum(dim=1)
                for ids, targets, documents in batches
            ]
        self.inner.module.train()
        return torch.cat(rows).cpu()

    def load(self, folder: Path, tag: str) -> None:
        """All states of a checkpoint that `save_checkpoint` wrote, or that was converted for this
        number of ranks. CheckpointError for files that hold more than states."""
        with only_data(str(folder / tag)):
            self.inner.load_checkpoint(str(folder), tag=tag)
        # Left on, ZeRO-3 would save the model states of rank 0 alone (DeepSpeed issue 7546).
        self.inner._config.load_universal_checkpoint = False

    def gradient_norm(self) -> float | None:
        """Of the last update, before clipping, over the whole model; None if it was not finite."""
        norm = self.inner.get_global_grad_norm()
        return float(norm) if norm is not None and math.isfinite(float(norm)) else None

    def skipped(self) -> bool:
        """Whether the last update was left out because a gradient was not finite: equal on every
        rank."""
        return bool(getattr(self.optimizer, "overflow", False))

    def parameters(self) -> list[tuple[str, Any]]:
        """(Hugging Face name, parameter) of this rank."""
        return list(self.inner.module.named_parameters())

    def weights(self) -> dict[str, Any]:
        """All weights under Hugging Face names; complete on rank 0, called on every rank."""
        if self.inner.zero_optimization_stage() == 3:
            return dict(self.inner._zero3_consolidated_16bit_state_dict() or {})
        return dict(self.inner.module.state_dict())


class PipelinedEngine(TrainingEngine):
    """Every rank holds one stage; the last stage's ranks know the losses."""

    def __init__(self, inner: Any, config: ModelConfig) -> None:
        super().__init__(inner, config)
        self.reports = inner.is_last_stage()

    def _rows(self, batches: Batch) -> Tensor:
        module = self.inner.module
        rows = (
            torch.cat(module.rows).cpu()
            if self.reports
            else torch.zeros(sum(len(b[0]) for b in batches), dtype=torch.float64)
        )
        module.rows.clear()
        return rows

    def train_batch(self, batches: Batch, scale: float) -> Tensor:
        """As TrainingEngine's; zeros on ranks that do not report."""
        from model.network.pipeline import micro_batch

        self.inner.module.scale = scale
        self.inner.train_batch(iter([micro_batch(*b) for b in batches]))
        return self._rows(batches)

    def evaluate(self, batches: Batch) -> Tensor:
        """As TrainingEngine's; zeros on ranks that do not report."""
        from model.network.pipeline import micro_batch

        # Sequences may be of another length than in training: buffers between stages are made anew,
        # before and after.
        self.inner.reset_activation_shape()
        self.inner.eval_batch(
            iter([micro_batch(*b) for b in batches]),
            reduce_output=None,
            bcast_loss=False,
            num_micro_batches=len(batches),
        )
        self.inner.reset_activation_shape()
        self.inner.module.train()
        return self._rows(batches)

    def parameters(self) -> list[tuple[str, Any]]:
        """(Hugging Face name, parameter) of this stage."""
        return [(self.inner.module.hugging_face_name(n), p) for n, p in self.inner.module.named_parameters()]

    def weights(self) -> dict[str, Any]:
        """As TrainingEngine's: the first rank of each stage sends its layers to rank 0."""
        import torch.distributed as dist

        from model.network.architecture import Skywork

        module, rank = self.inner.module, distributed.rank()
        mine = dict(self.parameters())
        with torch.device("meta"):
            shapes = {n: p.shape for n, p in Skywork(self.config).named_parameters()}
        kind = next(iter(mine.values())).dtype
        # One rank a stage has data rank 0; which stage holds a name is known to its owner alone.
        data_ranks = distributed.world_size() // module.num_stages
        owns = [float(n in mine and rank % data_ranks == 0) for n in shapes]
        owners = distributed.gather_rows(owns).argmax(dim=0).tolist()
        state: dict[str, Any] = {}
        for (name, shape), owner in zip(shapes.items(), owners, strict=True):
            if rank == 0:
                state[name] = (
                    mine[name].detach().clone()
                    if owner == 0
                    else torch.empty(shape, dtype=kind, device=self.inner.device)
                )
                if owner:
                    dist.recv(state[name].view(torch.uint8), src=owner)
            elif rank == owner:
                dist.send(mine[name].detach().contiguous().view(torch.uint8), dst=0)
        return state
