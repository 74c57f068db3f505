"""The GPT-7B of the paper's ablation (Table 9) as `GPT2LMHeadModel` of Hugging Face.

Belongs here: config.json and names of a model with learned positions, LayerNorm and GELU, both
ways. Does not belong here: models that are Llama (model/network/config.py), files (export.py).

GPT-2 keeps linear weights transposed, joins queries, keys and values, and has biases, which are
zeros here.
"""

from __future__ import annotations

from typing import Any

from model.network.config import ModelConfig

OUTER = {
    "model.embed_tokens.weight": "transformer.wte.weight",
    "model.embed_positions.weight": "transformer.wpe.weight",
    "model.norm.weight": "transformer.ln_f.weight",
    "model.norm.bias": "transformer.ln_f.bias",
    "lm_head.weight": "lm_head.weight",
}
"""Our names and GPT-2's, of what is no block's."""
NORMS = {
    f"{ours}.{part}": f"{theirs}.{part}"
    for ours, theirs in (("input_layernorm", "ln_1"), ("post_attention_layernorm", "ln_2"))
    for part in ("weight", "bias")
}
LINEAR = {"self_attn.o_proj": "attn.c_proj", "mlp.up_proj": "mlp.c_fc", "mlp.down_proj": "mlp.c_proj"}
JOINED, PARTS = "attn.c_attn", ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj")


def to_gpt2(config: ModelConfig) -> dict[str, Any]:
    """config.json of `GPT2LMHeadModel`. ValueError for grouped keys, which GPT-2 does not have."""
    if config.num_kv_heads != config.num_heads:
        raise ValueError("a model with learned positions is written as GPT-2, which has no grouped keys")
    return ({"document_attention": True} if config.document_attention else {}) | {
        "architectures": ["GPT2LMHeadModel"],
        "model_type": "gpt2",
        "vocab_size": config.vocab_size,
        "n_positions": config.context,
        "n_embd": config.hidden,
        "n_layer": config.num_layers,
        "n_head": config.num_heads,
        "n_inner": config.ffn,
        "activation_function": "gelu",
        "layer_norm_epsilon": config.norm_eps,
        "initializer_range": config.init_std,
        "embd_pdrop": 0.0,  # ours drops inside the blocks alone
        "attn_pdrop": config.dropout,
        "resid_pdrop": config.dropout,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "tie_word_embeddings": False,
    }


def from_gpt2(value: dict[str, Any]) -> ModelConfig:
    """The config of a config.json that `to_gpt2` wrote; ValueError where it asks for what this
    network does not compute."""
    wanted = {"activation_function": "gelu", "tie_word_embeddings": False}
    if other := [f"{k} {value.get(k)!r}" for k, v in wanted.items() if value.get(k) != v]:
        raise ValueError(f"config.json asks for {'; '.join(other)}: this network does not compute it")
    return ModelConfig(
        num_layers=value["n_layer"],
        hidden=value["n_embd"],
        num_heads=value["n_head"],
        ffn=value["n_inner"],
        vocab_size=value["vocab_size"],
        context=value["n_positions"],
        norm_eps=value["layer_norm_epsilon"],
        init_std=value.get("initializer_range", 0.02),
        dropout=value.get("resid_pdrop", 0.0),
        document_attention=value.get("document_attention", False),
        positions="absolute",
        norm="layer",
        activation="gelu",
    )


def state_to_gpt2(state: dict[str, Any], config: ModelConfig) -> dict[str, Any]:
    """Our weights under GPT-2's names."""
    import torch

    out = {theirs: state[ours] for ours, theirs in OUTER.items()}
    for i in range(config.num_layers):
        ours, theirs = f"model.layers.{i}", f"transformer.h.{i}"
        out |= {f"{theirs}.{b}": state[f"{ours}.{a}"] for a, b in NORMS.items()}
        linear = {b: state[f"{ours}.{a}.weight"] for a, b in LINEAR.items()}
        linear[JOINED] = torch.cat([state[f"{ours}.{p}.weight"] for p in PARTS])
        for name, weight in linear.items():
            out[f"{theirs}.{name}.weight"] = weight.T
            out[f"{theirs}.{name}.bias"] = weight.new_zeros(len(weight))
    return out


def state_from_gpt2(state: dict[str, Any], config: ModelConfig) -> dict[str, Any]:
    """GPT-2's weights under our names; ValueError where a bias is not zero. What is missing is
    left out, for the model to name."""
    rest = dict(state)
    out = {ours: rest.pop(theirs) for ours, theirs in OUTER.items() if theirs in rest}
    for i in range(config.num_layers):
        ours, theirs = f"model.layers.{i}", f"transformer.h.{i}"
        out |= {f"{ours}.{a}": rest.pop(f"{theirs}.{b}") for a, b in NORMS.items() if f"{theirs}.{b}" in rest}
        for name in (*LINEAR.values(), JOINED):
            bias = rest.pop(f"{theirs}.{name}.bias", None)
            if bias is not None and bool(bias.any()):
                raise ValueError(f"{theirs}.{name} has a bias, which this network does not")
        for a, b in LINEAR.items():
            if f"{theirs}.{b}.weight" in rest:
                out[f"{ours}.{a}.weight"] = rest.pop(f"{theirs}.{b}.weight").T.contiguous()
        if f"{theirs}.{JOINED}.weight" in rest:
            parts = rest.pop(f"{theirs}.{JOINED}.weight").T.chunk(3)
            out |= {f"{ours}.{p}.weight": w.contiguous() for p, w in zip(PARTS, parts, strict=True)}
    return out | rest
