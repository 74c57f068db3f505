"""Export to a Hugging Face folder, and import from one.

Belongs here: safetensors, config.json, tokenizer.json. Does not belong here: training checkpoints (checkpoint.py).
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.checkpoint import sha256, write_json
from model.config import ModelConfig

if TYPE_CHECKING:
    from model.architecture import Skywork

SHARD_BYTES = 5 << 30
"""Largest safetensors file, as Hugging Face cuts them."""


def weights_hash(files: list[Path]) -> str:
    """SHA-256 of the weights: of the file where there is one, else over the files' hashes in the order of their names."""
    if len(files) == 1:
        return sha256(files[0])
    h = hashlib.sha256()
    for f in sorted(files):
        h.update(f.name.encode() + bytes.fromhex(sha256(f)))
    return h.hexdigest()


def export(state: dict[str, Any], config: ModelConfig, tokenizer: Path | None, folder: Path) -> str:
    """Write a model folder that `AutoModelForCausalLM.from_pretrained` reads; returns the hash of its weights.

    `state` maps Hugging Face names to tensors. The folder appears as a whole.
    """
    from safetensors.torch import save_file

    values = config.to_llama()
    partial = folder.with_name(folder.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    shards: list[dict[str, Any]] = [{}]
    size = 0
    for name, tensor in state.items():
        tensor = tensor.detach().cpu().contiguous()
        if shards[-1] and size + tensor.nbytes > SHARD_BYTES:
            shards.append({})
            size = 0
        shards[-1][name] = tensor
        size += tensor.nbytes
    names = (
        ["model.safetensors"] if len(shards) == 1 else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    )
    for name, tensors in zip(names, shards, strict=True):
        save_file(tensors, str(partial / name), metadata={"format": "pt"})
    if len(shards) > 1:
        total = sum(t.nbytes for s in shards for t in s.values())
        where = {key: name for name, tensors in zip(names, shards, strict=True) for key in tensors}
        write_json(partial / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where})
    dtype = str(next(iter(state.values())).dtype).removeprefix("torch.")
    write_json(partial / "config.json", values | {"torch_dtype": dtype})
    if tokenizer is not None and tokenizer.exists():
        shutil.copyfile(tokenizer, partial / "tokenizer.json")
        write_json(
            partial / "tokenizer_config.json",
            {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"},
        )
    h = weights_hash([partial / n for n in names])
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return h


def load(folder: Path, dtype: Any = None) -> Skywork:
    """The model of a folder that `export` (or Hugging Face) wrote. ValueError if names or shapes differ."""
    import torch
    from safetensors.torch import load_file

    from model.architecture import Skywork

    config = ModelConfig.from_llama(json.loads((folder / "config.json").read_text()))
    with torch.device("meta"):
        model = Skywork(config)
    state: dict[str, Any] = {}
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder} has no .safetensors file: export a checkpoint there first")
    for f in files:
        state.update(load_file(str(f)))
    if dtype is not None:
        state = {k: v.to(dtype) for k, v in state.items()}
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as e:
        raise ValueError(f"{folder} does not hold this model: {e}") from e
    return model.eval()
