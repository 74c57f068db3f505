"""Shapes of the model: presets, parameter counts, FLOPs.

Belongs here: numbers that describe a network, without torch, so that plans, reports and Dagster can
read them. Does not belong here: the network itself (architecture.py), schedules (model/plan).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

CHUNK_LOGITS = 1 << 26
"""Logits held at once by the loss: 2^26 (128 MiB in bf16), 1,024 positions of a 65,536
vocabulary."""
GPU_CHUNK_LOGITS = 1 << 28
"""As CHUNK_LOGITS on a GPU, where they are held in bf16 alone (512 MiB) and fewer chunks mean fewer
sums of the head's gradient."""


class ModelConfig(BaseModel):
    """A LLaMA-style decoder; the defaults that the paper leaves open are named with their
    source."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    num_layers: int = Field(gt=0)
    """Blocks."""
    hidden: int = Field(gt=0)
    """Width of the stream."""
    num_heads: int = Field(gt=0)
    """Heads of attention; they divide `hidden`."""
    ffn: int = Field(gt=0)
    """Width of the feed-forward layer."""
    vocab_size: int = Field(default=65_536, gt=0)
    """Rows of both embeddings (paper 3.3)."""
    num_kv_heads: int = Field(default=0, ge=0)
    """Groups of keys and values; 0 means one per head (MHA, paper Table 3)."""
    context: int = Field(default=4_096, gt=0)
    """Tokens that a position may look back over (paper Table 3)."""
    rope_theta: float = Field(default=10_000.0, gt=0)
    """Base of the rotary angles (LLaMA; the paper is silent)."""
    norm_eps: float = Field(default=1e-6, gt=0)
    """Added to the variance in a norm (config.json of the released model)."""
    init_std: float = Field(default=0.02, gt=0)
    """Of the first weights (GPT-2, LLaMA in transformers); residual outputs are divided by
    sqrt(2 layers)."""
    positions: Literal["rotary", "absolute"] = "rotary"
    """How positions are told: absolute for the GPT-7B of paper Table 9."""
    norm: Literal["rms", "layer"] = "rms"
    """RMSNorm, or LayerNorm for the GPT-7B of paper Table 9."""
    activation: Literal["swiglu", "gelu"] = "swiglu"
    """Of the feed-forward layer: GELU for the GPT-7B of paper Table 9."""
    dropout: float = Field(default=0.0, ge=0, lt=1)
    """Share of activations left out in training (paper Table 9: 0.1 for GPT-7B only)."""
    document_attention: StrictBool = False
    """Attend within a document only. The paper does not mention it."""

    @model_validator(mode="before")
    @classmethod
    def _one_key_head_per_head(cls, value: Any) -> Any:
        if isinstance(value, dict) and not value.get("num_kv_heads") and "num_heads" in value:
            return {**value, "num_kv_heads": value["num_heads"]}
        return value

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden % self.num_heads or self.num_heads % self.num_kv_heads:
            raise ValueError(
                f"heads {self.num_heads} must divide hidden {self.hidden},"
                f" and key heads {self.num_kv_heads} must divide the heads"
            )
        return self

    @property
    def head_dim(self) -> int:
        """Width of one head."""
        return self.hidden // self.num_heads

    @property
    def max_position_embeddings(self) -> int:
        """The context, under Hugging Face's name."""
        return self.context

    @property
    def num_parameters(self) -> int:
        """Every weight, both embeddings included; tests hold it against the network on the meta
        device."""
        d, kv = self.hidden, self.num_kv_heads * self.head_dim
        norm = d if self.norm == "rms" else 2 * d
        layer = 2 * d * d + 2 * d * kv + (3 if self.activation == "swiglu" else 2) * d * self.ffn + 2 * norm
        return (
            self.num_layers * layer
            + 2 * self.vocab_size * d
            + norm
            + (self.context * d if self.positions == "absolute" else 0)
        )

    def flops_per_token(self, length: int) -> float:
        """The paper's count for one trained token: 6 N + 12 layers hidden length (paper 3.5, within
        1 % of Table 10)."""
        return 6.0 * self.num_parameters + 12.0 * self.num_layers * self.hidden * length

    def exact_flops_per_token(self, length: int) -> float:
        """Multiplications and additions of the matrix products alone: no input embedding, causal
        half of attention."""
        d, kv = self.hidden, self.num_kv_heads * self.head_dim
        layer = 2 * d * d + 2 * d * kv + (3 if self.activation == "swiglu" else 2) * d * self.ffn
        return 6.0 * (self.num_layers * layer + self.vocab_size * d) + 6.0 * self.num_layers * d * (
            length + 1
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values, as `from_json` reads them."""
        return self.model_dump()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> ModelConfig:
        """Read plain values; ValueError names every wrong or unknown key."""
        if unknown := sorted(set(value) - set(cls.model_fields)):
            raise ValueError(
                f"unknown model keys {', '.join(unknown)}: known are {', '.join(cls.model_fields)}"
            )
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            wrong = [f"{'.'.join(map(str, e['loc'])) or 'model'}: {e['msg']}" for e in error.errors()]
            raise ValueError("; ".join(wrong)) from None

    def trained_at(self, length: int) -> ModelConfig:
        """With the context that a run trained, which is its sequence length: beyond it a model is
        not known to predict anything. Learned positions stay as many as there are."""
        return self if self.positions == "absolute" else self.model_copy(update={"context": length})

    @property
    def shape_of(self) -> Literal["llama", "gpt2"]:
        """The architecture of Hugging Face as which a trained model is exported. ValueError where
        there is none."""
        parts = (self.positions, self.norm, self.activation)
        if parts == ("rotary", "rms", "swiglu"):
            return "llama"
        if parts == ("absolute", "layer", "gelu"):
            return "gpt2"
        raise ValueError(
            f"no model of Hugging Face has {self.positions} positions, {self.norm} norm and"
            f" {self.activation} together, so that it could not be exported: take rotary, rms, swiglu"
            " (LLaMA) or absolute, layer, gelu (the GPT-7B of paper Table 9)"
        )

    def to_llama(self) -> dict[str, Any]:
        """config.json of `LlamaForCausalLM`; refuses shapes that Llama cannot express."""
        if self.shape_of != "llama":
            raise ValueError(
                "only rotary, RMSNorm, SwiGLU models can be written as Llama;"
                " this one differs (paper Table 9, GPT-7B)"
            )
        # A key of ours, which Hugging Face ignores: its Llama attends across document boundaries.
        boundaries = {"document_attention": True} if self.document_attention else {}
        return boundaries | {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            "vocab_size": self.vocab_size,
            "hidden_size": self.hidden,
            "intermediate_size": self.ffn,
            "num_hidden_layers": self.num_layers,
            "num_attention_heads": self.num_heads,
            "num_key_value_heads": self.num_kv_heads,
            "head_dim": self.head_dim,
            "max_position_embeddings": self.context,
            "rms_norm_eps": self.norm_eps,
            "rope_theta": self.rope_theta,
            "hidden_act": "silu",
            "initializer_range": self.init_std,
            "tie_word_embeddings": False,
            "attention_bias": False,
            "mlp_bias": False,
            "bos_token_id": 1,
            "eos_token_id": 2,
        }

    @classmethod
    def from_llama(cls, value: dict[str, Any]) -> ModelConfig:
        """The config of a config.json of Llama, Mistral or Skywork. Raises ValueError where the
        file lacks a key, or asks for what this network does not compute."""
        lacks = [k for k in LLAMA_KEYS if not isinstance(value.get(k), (int, float))]
        if lacks:
            raise ValueError(f"config.json lacks {', '.join(lacks)}: it is not of a Llama model")
        if asked := _not_computed(value):
            raise ValueError(
                f"config.json asks for {'; '.join(asked)}: this network does not compute it, and scores"
                " without it would be wrong"
            )
        context = value["max_position_embeddings"]
        # Up to its window a sliding attention is a causal one.
        if value.get("sliding_window") and value.get("use_sliding_window", True):
            context = min(context, value["sliding_window"])
        return cls(
            num_layers=value["num_hidden_layers"],
            hidden=value["hidden_size"],
            num_heads=value["num_attention_heads"],
            num_kv_heads=value.get("num_key_value_heads") or 0,
            ffn=value["intermediate_size"],
            vocab_size=value["vocab_size"],
            context=context,
            norm_eps=value["rms_norm_eps"],
            rope_theta=value.get("rope_theta")
            or (value.get("rope_parameters") or {}).get("rope_theta", 10_000.0),
            init_std=value.get("initializer_range", 0.02),
            document_attention=value.get("document_attention", False),
        )


LLAMA_KEYS = (
    "num_hidden_layers",
    "hidden_size",
    "num_attention_heads",
    "intermediate_size",
    "vocab_size",
    "max_position_embeddings",
    "rms_norm_eps",
)
"""What a config.json must hold."""
LLAMA_TYPES = ("llama", "mistral", "skywork")
"""Architectures that are this network where `_not_computed` names nothing; others have the shapes
of one and compute something else (multipliers, norms of queries, biases)."""


def _not_computed(value: dict[str, Any]) -> list[str]:
    """What a config.json asks for beyond this network: `key value`, one each."""
    out = []
    if value.get("model_type", "llama") not in LLAMA_TYPES:
        out.append(f"model_type {value['model_type']!r}")
    if value.get("hidden_act", "silu") not in ("silu", "swish"):
        out.append(f"hidden_act {value['hidden_act']!r}")
    for key in ("rope_scaling", "rope_parameters"):
        rope = value.get(key) or {}
        kind = rope.get("rope_type") or rope.get("type") or "default"
        if kind != "default" and not (kind == "linear" and rope.get("factor") == 1):
            out.append(f"{key} of type {kind!r}")
        if rope.get("partial_rotary_factor", 1) != 1:
            out.append(f"{key} with partial_rotary_factor {rope['partial_rotary_factor']}")
    out += [f"{k} {value[k]}" for k in ("partial_rotary_factor",) if value.get(k, 1) != 1]
    switches = ("attention_bias", "mlp_bias", "bias", "tie_word_embeddings", "quantization_config")
    out += [k for k in switches if value.get(k)]
    width = value["hidden_size"] // value["num_attention_heads"]
    if value.get("head_dim") not in (None, width):
        out.append(f"head_dim {value['head_dim']} where hidden_size by heads is {width}")
    return out


PRESETS: dict[str, ModelConfig] = {
    # For tests and laptops; the vocabulary is that of the run's tokenizer (see `preset`).
    "debug": ModelConfig(num_layers=4, hidden=64, num_heads=4, ffn=176, vocab_size=8_192, context=4_096),
    "tiny": ModelConfig(num_layers=8, hidden=256, num_heads=4, ffn=704),
    # FFN is 8/3 of hidden and the head 128 wide, as in paper Table 3.
    "1b": ModelConfig(num_layers=20, hidden=2_048, num_heads=16, ffn=5_504),
    "7b": ModelConfig(num_layers=36, hidden=3_840, num_heads=30, ffn=10_240),
    # Paper Table 3.
    "13b": ModelConfig(num_layers=52, hidden=4_608, num_heads=36, ffn=12_288),
    # Paper Table 9.
    "llama-7b": ModelConfig(num_layers=32, hidden=4_096, num_heads=32, ffn=11_008),
    "gpt-7b": ModelConfig(
        num_layers=32,
        hidden=4_096,
        num_heads=32,
        ffn=16_384,
        positions="absolute",
        norm="layer",
        activation="gelu",
        dropout=0.1,
    ),
}


def preset(name: str, vocab_size: int | None = None) -> ModelConfig:
    """A preset by name, with the tokenizer's vocabulary where given. Raises ValueError for unknown
    names."""
    if name not in PRESETS:
        raise ValueError(f"unknown preset {name!r}: known are {', '.join(PRESETS)}")
    return PRESETS[name].model_copy(update={"vocab_size": vocab_size}) if vocab_size else PRESETS[name]


def model_config(value: str | dict[str, Any], vocab_size: int | None = None) -> ModelConfig:
    """The `model` entry of run.json: a preset's name, or every value of a config."""
    return preset(value, vocab_size) if isinstance(value, str) else ModelConfig.from_json(value)


def vocabulary(tokenizer: Path | None) -> int | None:
    """Number of tokens of a tokenizer.json, added ones included; None without a file."""
    if tokenizer is None:
        return None
    data = json.loads(tokenizer.read_text())
    ids = [*data["model"]["vocab"].values()] + [t["id"] for t in data.get("added_tokens", [])]
    return max(ids) + 1
