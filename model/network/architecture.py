"""The network: a LLaMA-style decoder with Hugging Face parameter names.

Belongs here: blocks, weights, generation. Does not belong here: attention (attention.py), the loss
(loss.py), the blocks as stages of a pipeline (pipeline.py), parallelism
(model/training/strategy.py), files (model/checkpoints/export.py). Shape letters: B batch, L length, D
hidden, V vocabulary."""

from __future__ import annotations

import hashlib
import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from model.network.attention import Attention, KeyValueCache, Rotary, attention_mask
from model.network.config import ModelConfig
from model.network.loss import OutputHead


def norm(config: ModelConfig) -> nn.Module:
    """RMSNorm (LLaMA) or LayerNorm (GPT-7B of paper Table 9); both compute in fp32 inside torch's
    kernels."""
    return (
        nn.RMSNorm(config.hidden, eps=config.norm_eps)
        if config.norm == "rms"
        else nn.LayerNorm(config.hidden, eps=config.norm_eps)
    )


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
        mask = attention_mask(self.config, x, documents_BL)
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
