"""Attention: rotary positions, masks, kernels, the cache of keys and values.

Belongs here: what positions see and how scores are computed, on a CPU and on a GPU. Does not belong
here: the block around it (architecture.py). Shape letters: B batch, L length, D hidden, N heads, K
key heads, H head width."""

from __future__ import annotations

import contextlib
import functools
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from model.network.config import ModelConfig

FLEX_HEAD = 16
"""Smallest head that flex attention takes on a GPU (torch 2.11, `_inductor/kernel/flex`)."""
TRAINING_KERNELS = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]
"""Attention on a GPU in training, the fastest first (measured by benchmarks/gpu/blocks.py)."""


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


def attention_mask(config: ModelConfig, x_BLD: Tensor, documents_BL: Tensor | None) -> Any:
    """What a position of the stream may see: its own document where the model asks for that; None
    (all before it) else, or the same as blocks where training on a GPU has to repeat its bits."""
    flex = x_BLD.is_cuda and config.head_dim >= FLEX_HEAD
    if documents_BL is not None and config.document_attention:
        return document_blocks(documents_BL) if flex else document_mask(documents_BL)
    repeats = torch.is_grad_enabled() and torch.are_deterministic_algorithms_enabled()
    flex = flex and repeats and not config.dropout
    return causal_blocks(x_BLD.shape[1], x_BLD.device) if flex else None


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
