"""The network: a LLaMA-style decoder with Hugging Face parameter names.

Belongs here: blocks, loss, generation. Does not belong here: the blocks as stages of a pipeline
(pipeline.py), parallelism (model/training/strategy.py), files (model/checkpoints/export.py). Shape
letters: B batch, L length, D hidden, N heads, K key heads, H head width, V vocabulary."""

from __future__ import annotations

import contextlib
import functools
import hashlib
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint

from model.network.config import CHUNK_LOGITS, GPU_CHUNK_LOGITS, ModelConfig

IGNORE = -100
CACHED_LOGITS = 1 << 21
"""Of them, those that a CPU turns into losses and gradients at once: in fp32 (8 MiB) they stay in
its cache. Fewer at a time would make its threads meet too often."""
FLEX_HEAD = 16
"""Smallest head that flex attention takes on a GPU (torch 2.11, `_inductor/kernel/flex`)."""
TRAINING_KERNELS = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]
"""Attention on a GPU in training, the fastest first (measured by benchmarks/gpu/blocks.py)."""


def norm(config: ModelConfig) -> nn.Module:
    """RMSNorm (LLaMA) or LayerNorm (GPT-7B of paper Table 9); both compute in fp32 inside torch's
    kernels."""
    return (
        nn.RMSNorm(config.hidden, eps=config.norm_eps)
        if config.norm == "rms"
        else nn.LayerNorm(config.hidden, eps=config.norm_eps)
    )


class Rotary:
    """Cosines and sines of RoPE in the half-split layout of GPT-NeoX and Hugging Face.

    Not a module: its tables are computed in fp32 and cast, where a buffer would be cast to bf16
    first.
    """

    def __init__(self, config: ModelConfig) -> None:
        self.head_dim, self.theta = config.head_dim, config.rope_theta
        self.tables: dict[Any, tuple[Tensor, Tensor]] = {}

    def __call__(self, start: int, length: int, like: Tensor) -> tuple[Tensor, Tensor]:
        """cos and sin [L, H] of positions start .. start + length, signed as `rotate` takes
        them."""
        key = (start, length, like.device, like.dtype)
        if key not in self.tables:
            if len(self.tables) > 8:
                self.tables.clear()
            inverse = 1.0 / self.theta ** (
                torch.arange(0, self.head_dim, 2, dtype=torch.int64).float() / self.head_dim
            )
            angles = torch.outer(torch.arange(start, start + length).float(), inverse)
            cos, sin = angles.cos(), angles.sin()
            tables = torch.cat([cos, cos], dim=-1), torch.cat([-sin, sin], dim=-1)
            self.tables[key] = (tables[0].to(like.device, like.dtype), tables[1].to(like.device, like.dtype))
        return self.tables[key]


def rotate(x_BNLH: Tensor, cos_LH: Tensor, sin_LH: Tensor) -> Tensor:
    """Turn each pair (i, i + H/2) by its angle; the sines of the first half are negative."""
    return x_BNLH * cos_LH + x_BNLH.roll(x_BNLH.shape[-1] // 2, dims=-1) * sin_LH


def document_mask(documents_BL: Tensor) -> Tensor:
    """[B, 1, L, L], true where a position may look: back, and within its document."""
    same = documents_BL[:, :, None] == documents_BL[:, None, :]
    return (same & torch.ones(same.shape[-2:], dtype=torch.bool, device=same.device).tril())[:, None]


def document_blocks(documents_BL: Tensor) -> Any:
    """`document_mask` for flex attention on a GPU: blocks of keys that no query may see are never
    computed."""
    from torch.nn.attention.flex_attention import create_block_mask

    def visible(b: Tensor, _head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return (q >= k) & (documents_BL[b, q] == documents_BL[b, k])

    B, L = documents_BL.shape
    return create_block_mask(visible, B, None, L, L, device=documents_BL.device)


@functools.cache
def causal_blocks(length: int, device: torch.device) -> Any:
    """The causal mask for flex attention on a GPU, whose backward pass gives equal bits in every
    run and takes less time than torch's other kernels that do (benchmarks/gpu/blocks.py)."""
    from torch.nn.attention.flex_attention import create_block_mask

    def visible(_b: Tensor, _head: Tensor, q: Tensor, k: Tensor) -> Tensor:
        return q >= k

    return create_block_mask(visible, None, None, length, length, device=device)


@functools.cache
def flex_kernel(compiled: bool) -> Any:
    """Flex attention; uncompiled it computes every score and serves as its own reference on a
    CPU."""
    from torch.nn.attention.flex_attention import flex_attention

    return torch.compile(flex_attention) if compiled else flex_attention


def attend(q_BNLH: Tensor, k_BKLH: Tensor, v_BKLH: Tensor, mask: Any, causal: bool, dropout: float) -> Tensor:
    """Scaled dot products [B, N, L, H]; `mask` is boolean (true: may look), a BlockMask of flex
    attention, or None."""
    grouped = q_BNLH.shape[1] != k_BKLH.shape[1]
    if mask is None or isinstance(mask, Tensor):
        # cuDNN plans each new shape anew: worth it in training, where all steps have one shape.
        plans = q_BNLH.is_cuda and mask is None and q_BNLH.requires_grad
        with sdpa_kernel(TRAINING_KERNELS, set_priority=True) if plans else contextlib.nullcontext():
            return F.scaled_dot_product_attention(
                q_BNLH,
                k_BKLH,
                v_BKLH,
                attn_mask=mask,
                is_causal=causal,
                dropout_p=dropout,
                enable_gqa=grouped,
            )
    if dropout:
        raise ValueError("flex attention has no dropout: train this shape without document_attention")
    return flex_kernel(q_BNLH.is_cuda)(q_BNLH, k_BKLH, v_BKLH, block_mask=mask, enable_gqa=grouped)


class KeyValueCache:
    """Keys and values of the positions seen, for one layer."""

    def __init__(self) -> None:
        self.keys: Tensor | None = None
        self.values: Tensor | None = None

    @property
    def length(self) -> int:
        """Positions held."""
        return 0 if self.keys is None else self.keys.shape[2]

    def extend(self, keys: Tensor, values: Tensor) -> tuple[Tensor, Tensor]:
        """Append, and return everything held."""
        self.keys = keys if self.keys is None else torch.cat([self.keys, keys], dim=2)
        self.values = values if self.values is None else torch.cat([self.values, values], dim=2)
        return self.keys, self.values


class Attention(nn.Module):
    """Causal self-attention; keys and values may be shared by groups of heads."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        kv = config.num_kv_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden, config.hidden, bias=False)
        self.k_proj = nn.Linear(config.hidden, kv, bias=False)
        self.v_proj = nn.Linear(config.hidden, kv, bias=False)
        self.o_proj = nn.Linear(config.hidden, config.hidden, bias=False)

    def forward(
        self,
        x_BLD: Tensor,
        angles: tuple[Tensor, Tensor] | None = None,
        mask: Any = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """x [B, L, D] -> [B, L, D]. `angles`: cosines and sines of the positions, where they are
        told by rotation; a mask (see `attend`) replaces the causal one."""
        B, L, D = x_BLD.shape
        heads = (B, L, -1, self.config.head_dim)
        q = self.q_proj(x_BLD).view(heads).transpose(1, 2)
        k = self.k_proj(x_BLD).view(heads).transpose(1, 2)
        v = self.v_proj(x_BLD).view(heads).transpose(1, 2)
        past = cache.length if cache is not None else 0
        if angles is not None:
            q, k = rotate(q, *angles), rotate(k, *angles)
        if cache is not None:
            k, v = cache.extend(k, v)
        if past and mask is None and L > 1:
            mask = torch.ones(L, past + L, dtype=torch.bool, device=q.device).tril(past)
        y = attend(q, k, v, mask, mask is None and not past, self.config.dropout if self.training else 0.0)
        return self.o_proj(y.transpose(1, 2).reshape(B, L, D))


class FeedForward(nn.Module):
    """SwiGLU, or GELU for the GPT-7B of the ablation."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gated = config.activation == "swiglu"
        if self.gated:
            self.gate_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.up_proj = nn.Linear(config.hidden, config.ffn, bias=False)
        self.down_proj = nn.Linear(config.ffn, config.hidden, bias=False)

    def forward(self, x_BLD: Tensor) -> Tensor:
        """[B, L, D] -> [B, L, D]."""
        return self.down_proj(
            F.silu(self.gate_proj(x_BLD)) * self.up_proj(x_BLD) if self.gated else F.gelu(self.up_proj(x_BLD))
        )


class Block(nn.Module):
    """Pre-norm attention and feed-forward, each added to the stream."""

    def __init__(self, config: ModelConfig, rotary: Rotary) -> None:
        super().__init__()
        self.config, self.rotary = config, rotary
        self.checkpointing = False
        self.input_layernorm = norm(config)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = norm(config)
        self.mlp = FeedForward(config)

    def forward(self, x_BLD: Tensor, mask: Any = None, cache: KeyValueCache | None = None) -> Tensor:
        """[B, L, D] -> [B, L, D]. With `checkpointing` activations are recomputed in the backward
        pass."""
        rotary = self.config.positions == "rotary"
        past = cache.length if cache is not None else 0
        angles = self.rotary(past, x_BLD.shape[1], x_BLD) if rotary else None
        if self.checkpointing and self.training:
            return checkpoint(self.compute, x_BLD, angles, mask, use_reentrant=False)
        return self.compute(x_BLD, angles, mask, cache)

    def compute(
        self,
        x_BLD: Tensor,
        angles: tuple[Tensor, Tensor] | None = None,
        mask: Any = None,
        cache: KeyValueCache | None = None,
    ) -> Tensor:
        """The block itself."""
        dropout = self.config.dropout
        attended = self.self_attn(self.input_layernorm(x_BLD), angles, mask, cache)
        x_BLD = x_BLD + F.dropout(attended, dropout, self.training)
        return x_BLD + F.dropout(self.mlp(self.post_attention_layernorm(x_BLD)), dropout, self.training)

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Compile `compute` alone: angles and masks are made once, outside, and would bring work of
        the CPU into the graph."""
        self.compute = torch.compile(self.compute, *args, **kwargs)  # type: ignore[method-assign]

    def mask(self, x_BLD: Tensor, documents_BL: Tensor | None) -> Any:
        """What a position of the stream may see: its own document where the model asks for that; None
        (all before it) else, or the same as blocks where training on a GPU has to repeat its bits."""
        flex = x_BLD.is_cuda and self.config.head_dim >= FLEX_HEAD
        if documents_BL is not None and self.config.document_attention:
            return document_blocks(documents_BL) if flex else document_mask(documents_BL)
        repeats = torch.is_grad_enabled() and torch.are_deterministic_algorithms_enabled()
        flex = flex and repeats and not self.config.dropout
        return causal_blocks(x_BLD.shape[1], x_BLD.device) if flex else None


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


class Decoder(nn.Module):
    """Embedding, blocks, last norm: the part that Hugging Face calls `model`."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        rotary = Rotary(config)
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden)
        if config.positions == "absolute":
            self.embed_positions = nn.Embedding(config.context, config.hidden)
        self.layers = nn.ModuleList(Block(config, rotary) for _ in range(config.num_layers))
        self.norm = norm(config)

    def forward(
        self, ids_BL: Tensor, documents_BL: Tensor | None = None, caches: list[KeyValueCache] | None = None
    ) -> Tensor:
        """ids [B, L] (and document numbers [B, L]) -> normed states [B, L, D]."""
        x = self.embed_tokens(ids_BL.long())
        if self.config.positions == "absolute":
            past = caches[0].length if caches else 0
            x = x + self.embed_positions(torch.arange(past, past + ids_BL.shape[1], device=x.device))
        mask = self.layers[0].mask(x, documents_BL)  # type: ignore[operator]
        for i, layer in enumerate(self.layers):
            x = layer(x, mask, caches[i] if caches else None)
        return self.norm(x)


class Skywork(nn.Module):
    """The language model. `forward(ids)` gives logits, `forward(ids, targets)` the loss."""

    def __init__(self, config: ModelConfig, seed: int | None = None) -> None:
        """Weights are drawn from `seed` where given, else from torch's own generator."""
        super().__init__()
        self.config = config
        self.model = Decoder(config)
        self.lm_head = OutputHead(config.hidden, config.vocab_size, bias=False)
        if self.lm_head.weight.device.type != "meta":
            initialize(self, config, seed)

    def forward(
        self,
        ids_BL: Tensor,
        targets_BL: Tensor | None = None,
        documents_BL: Tensor | None = None,
        caches: list[KeyValueCache] | None = None,
    ) -> Any:
        """Logits [B, L, V]; with targets (-100 is ignored): the sum of losses [] and each loss [B,
        L], both fp32."""
        return self.lm_head(self.model(ids_BL, documents_BL, caches), targets_BL)

    @torch.no_grad()
    def generate(self, ids_BL: Tensor, num_tokens: int, eos: int | None = None) -> Tensor:
        """Greedy continuation [B, L + up to num_tokens]; rows that ended repeat `eos`."""
        self.eval()
        caches = [KeyValueCache() for _ in self.model.layers]
        step, done = ids_BL, torch.zeros(ids_BL.shape[0], dtype=torch.bool, device=ids_BL.device)
        for _ in range(num_tokens):
            states = self.model(step, None, caches)
            step = self.lm_head(states[:, -1:]).argmax(-1)
            if eos is not None:
                step = torch.where(done[:, None], eos, step)
                done |= step[:, 0] == eos
            ids_BL = torch.cat([ids_BL, step.to(ids_BL.dtype)], dim=1)
            if eos is not None and bool(done.all()):
                break
        return ids_BL


def initialize(module: nn.Module, config: ModelConfig, seed: int | None = None, prefix: str = "") -> None:
    """Normal(0, init_std) for every matrix; outputs into the stream divided by sqrt(2 layers)
    (GPT-2); norms at one.

    Each matrix has a generator of its own, from (seed, Hugging Face name): a stage of a pipeline
    draws the same weights as the whole model. `prefix` is what the module's names lack of that
    name.
    """
    for name, p in module.named_parameters():
        if p.dim() >= 2:
            residual = name.endswith(("o_proj.weight", "down_proj.weight"))
            key = hashlib.blake2b(f"{seed}\0{prefix}{name}".encode(), digest_size=7).digest()
            generator = None if seed is None else torch.Generator().manual_seed(int.from_bytes(key, "little"))
            with torch.no_grad():
                p.normal_(
                    0.0,
                    config.init_std / (math.sqrt(2 * config.num_layers) if residual else 1.0),
                    generator=generator,
                )


def decay_groups(module: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """Optimizer groups: decay for matrices of blocks and head; none for norms and embeddings (a
    choice of ours, the paper is silent)."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for name, p in module.named_parameters():
        vector = len(getattr(p, "ds_shape", p.shape)) < 2  # ZeRO-3 keeps the shape apart
        (plain if "norm" in name or "embed" in name or vector else decayed).append(p)
    groups = [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]
    return [g for g in groups if g["params"]]
