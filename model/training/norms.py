"""Norms by layer group: gradients, weights and updates of every step.

Belongs here: measuring what AdamW sees. Does not belong here: clipping (DeepSpeed's).

Two hooks on the inner AdamW, whose parameters are this rank's flat fp32 partitions under every ZeRO
stage: before the update the gradient (clipped; scaled back by the caller), after it what has
changed. Sums of squares add up over ranks, for every weight lies in one partition. Costs a copy of
the partition during the update.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch

DEPTHS = 4
"""Groups that the blocks are told apart by, from the first to the last."""
KINDS = ("gradient", "weight", "update")


def group_names(num_layers: int) -> list[str]:
    """embedding, blocks 0-12 ..., head: at most DEPTHS groups of blocks."""
    cuts = [num_layers * i // DEPTHS for i in range(DEPTHS + 1)]
    blocks = [f"blocks-{a}-{b - 1}" for a, b in pairwise(cuts) if b > a]
    return ["embedding", *blocks, "head"]


def group_of(name: str, num_layers: int) -> int:
    """Index in `group_names` of a parameter's Hugging Face name."""
    names = group_names(num_layers)
    if not name.startswith("model.layers."):
        return 0 if "embed" in name else len(names) - 1
    layer = int(name.split(".")[2])
    return next(
        i for i, n in enumerate(names) if n.startswith("blocks") and layer <= int(n.rpartition("-")[2])
    )


class Norms:
    """Sums of squares [groups x kinds] of this rank's last update."""

    def __init__(self, engine: Any, num_layers: int) -> None:
        self.names, self.num_layers = group_names(num_layers), num_layers
        self.engine, self.before = engine, list[Any]()
        self.sums = torch.zeros(len(self.names), len(KINDS), dtype=torch.float64)
        inner = engine.optimizer.optimizer
        inner.register_step_pre_hook(self._before)
        inner.register_step_post_hook(self._after)

    def _spans(self) -> dict[int, list[tuple[int, int, int]]]:
        """id of a flat partition's storage -> (group, start, length) of each piece of a parameter
        in it."""
        spans: dict[int, list[tuple[int, int, int]]] = {}
        optimizer = self.engine.optimizer
        named = {id(p): group_of(n, self.num_layers) for n, p in self.engine.parameters()}
        if hasattr(
            optimizer, "fp32_partitioned_groups_flat"
        ):  # ZeRO-3: pieces of equal order, one after another
            for params, flat in zip(
                optimizer.fp16_groups, optimizer.fp32_partitioned_groups_flat, strict=True
            ):
                start = 0
                for p in params:
                    spans.setdefault(flat.data_ptr(), []).append((named[id(p)], start, p.ds_tensor.ds_numel))
                    start += p.ds_tensor.ds_numel
            return spans
        for _, p in self.engine.parameters():
            if p._hp_mapping is not None:
                piece, address = p._hp_mapping.hp_fragment, p._hp_mapping.hp_fragment_address
                flat = piece.data_ptr() - address.start * piece.element_size()
                spans.setdefault(flat, []).append((named[id(p)], address.start, address.numel))
        return spans

    def reset(self) -> None:
        """Before a step: an update that is left out measures nothing."""
        self.sums.zero_()
        self.before.clear()

    @torch.no_grad()
    def _before(self, optimizer: Any, _args: Any, _kwargs: Any) -> None:
        spans = self._spans()
        self.before = []
        for group in optimizer.param_groups:
            for flat in group["params"]:
                if flat.grad is not None and flat.data_ptr() in spans:
                    pieces = spans[flat.data_ptr()]
                    self.before.append((flat, flat.detach().clone(), pieces))
                    self._add(flat.grad, pieces, 0)
                    self._add(flat, pieces, 1)

    @torch.no_grad()
    def _after(self, _optimizer: Any, _args: Any, _kwargs: Any) -> None:
        for flat, old, pieces in self.before:
            self._add(old.sub_(flat), pieces, 2)
        self.before = []

    def _add(self, values: torch.Tensor, pieces: list[tuple[int, int, int]], kind: int) -> None:
        squares = torch.stack(
            [values.narrow(0, start, length).float().square().sum() for _, start, length in pieces]
        )
        groups = torch.tensor([g for g, _, _ in pieces])
        self.sums[:, kind].index_add_(0, groups, squares.double().cpu())

    def record(self, total: torch.Tensor, gradient_norm: float | None) -> dict[str, dict[str, float]]:
        """From the sums over all ranks [groups, kinds]: the norm of the unclipped gradient and
        update / weight, by group."""
        clipped = float(total[:, 0].sum()) ** 0.5
        if gradient_norm is None or clipped == 0.0:
            return {}
        scale = gradient_norm / clipped
        gradient, weight, update = (total[:, i].sqrt().tolist() for i in range(len(KINDS)))
        return {
            "gradient_norm_by_group": {n: g * scale for n, g in zip(self.names, gradient, strict=True)},
            "update_ratio_by_group": {
                n: u / w for n, u, w in zip(self.names, update, weight, strict=True) if w
            },
        }
