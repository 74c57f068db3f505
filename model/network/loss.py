"""The output embedding and its loss, whose logits are never held whole.

Belongs here: cross-entropy and its gradients, chunk by chunk. Does not belong here: the network
before it (architecture.py), losses of evaluation (model/evaluate). Shape letters: T targets, D
hidden, V vocabulary."""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor, nn

from model.network.config import CHUNK_LOGITS, GPU_CHUNK_LOGITS

IGNORE = -100
CACHED_LOGITS = 1 << 21
"""Logits that a CPU turns into losses and gradients at once: in fp32 (8 MiB) they stay in
its cache. Fewer at a time would make its threads meet too often."""


def losses_and_gradient(logits_TV: Tensor, targets_T: Tensor) -> Tensor:
    """The loss of each target [T], fp32 (0 where ignored); the logits become their own gradient."""
    used = targets_T != IGNORE
    targets = targets_T.clamp(min=0)[:, None]
    log_p = torch.log_softmax(logits_TV.float(), dim=-1)
    # p - 1 at the target, p elsewhere
    at_target = torch.arange(logits_TV.shape[1], device=logits_TV.device) == targets
    logits_TV.copy_((log_p.exp() - at_target.float()) * used[:, None])
    return torch.where(used, -log_p.gather(1, targets)[:, 0], 0.0)


@functools.cache
def compiled_losses_and_gradient() -> Any:
    """`losses_and_gradient` as one kernel, which reads the logits twice and writes them once."""
    return torch.compile(losses_and_gradient)


class ChunkedCrossEntropy(torch.autograd.Function):
    """Sum of cross-entropies whose logits are never held whole.

    Each chunk's logits give its losses and, at once, the gradients of the hidden states and of the
    head; nothing is recomputed in the backward pass, which only scales. The logits' own gradient
    takes their place in memory.
    """

    @staticmethod
    def forward(ctx: Any, h_TD: Tensor, weight_VD: Tensor, targets_T: Tensor) -> tuple[Tensor, Tensor]:
        """The sum [] in fp32, and the loss of each target [T] (0 where ignored)."""
        T, V = h_TD.shape[0], weight_VD.shape[0]
        size = max(1, min(T, (GPU_CHUNK_LOGITS if h_TD.is_cuda else CHUNK_LOGITS) // V))
        training = ctx.needs_input_grad[0] or ctx.needs_input_grad[1]
        # One buffer for all chunks: to a CPU, fresh memory costs more than what is computed in it.
        logits = h_TD.new_empty(size, V)
        losses = h_TD.new_empty(T, dtype=torch.float32)
        grad_h, grad_w = torch.empty_like(h_TD) if training else None, None
        differentiate = compiled_losses_and_gradient() if h_TD.is_cuda else CachedRows(logits, training)
        for i in range(0, T, size):
            h = h_TD[i : i + size]
            chunk = torch.matmul(h, weight_VD.T, out=logits[: len(h)])
            losses[i : i + size] = differentiate(chunk, targets_T[i : i + size])
            if grad_h is not None:
                torch.matmul(chunk, weight_VD, out=grad_h[i : i + size])
                of_chunk = chunk.T @ h if size >= T else (chunk.T @ h).float()
                grad_w = of_chunk if grad_w is None else grad_w.add_(of_chunk)
        ctx.save_for_backward(grad_h, grad_w.to(weight_VD.dtype) if grad_w is not None else None)
        ctx.mark_non_differentiable(losses)
        return losses.sum(), losses

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, None]:
        """Scale what the forward pass kept."""
        grad_h, grad_w = ctx.saved_tensors
        return grad_h * grads[0].to(grad_h.dtype), grad_w * grads[0].to(grad_w.dtype), None


class CachedRows:
    """`losses_and_gradient` on a CPU: as many rows at a time as its cache holds in fp32. Without
    `training` the logits stay as they are."""

    def __init__(self, logits_TV: Tensor, training: bool) -> None:
        self.rows = max(1, min(len(logits_TV), CACHED_LOGITS // logits_TV.shape[1]))
        self.training = training
        self.wide, self.scores = logits_TV.new_empty(2, self.rows, logits_TV.shape[1], dtype=torch.float32)

    def __call__(self, logits_TV: Tensor, targets_T: Tensor) -> Tensor:
        """As `losses_and_gradient`."""
        losses = []
        for part, at in zip(
            torch.split(logits_TV, self.rows), torch.split(targets_T, self.rows), strict=True
        ):
            used, targets = at[:, None] != IGNORE, at[:, None].clamp(min=0)
            wide = self.wide[: len(part)].copy_(part)
            log_p = torch.log_softmax(wide, dim=-1, out=self.scores[: len(part)])
            losses.append(torch.where(used, -log_p.gather(1, targets), 0.0)[:, 0])
            if self.training:
                log_p.exp_().scatter_add_(1, targets, log_p.new_full((1, 1), -1.0).expand_as(targets))
                part.copy_(log_p.mul_(used))
        return torch.cat(losses)


class OutputHead(nn.Linear):
    """The output embedding: logits, or the loss when targets are given (so that ZeRO-3 gathers it
    for both)."""

    def forward(self, x: Tensor, targets: Tensor | None = None) -> Any:
        """x [..., D] -> logits [..., V]; with targets [...]: the sum of losses and each loss
        [...]."""
        if targets is None:
            return super().forward(x)
        apply: Any = ChunkedCrossEntropy.apply
        total, losses = apply(x.reshape(-1, x.shape[-1]), self.weight, targets.reshape(-1).long())
        return total, losses.view(targets.shape)
