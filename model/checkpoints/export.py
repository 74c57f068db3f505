"""Export to a Hugging Face folder, and import from one.

Belongs here: safetensors, config.json, tokenizer.json. Does not belong here: training checkpoints
(write.py).
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.checkpoints.gpt2 import from_gpt2, state_from_gpt2, state_to_gpt2, to_gpt2
from model.checkpoints.manifest import sha256, write_json
from model.checkpoints.reading import only_data
from model.checkpoints.tokenizer_files import write_tokenizer
from model.checkpoints.verify import verify_checkpoint
from model.network.config import ModelConfig
from model.plan.run_file import RunFile
from model.training import distributed
from pipelines.lake.outputs import refuse_foreign, replacing_folder

if TYPE_CHECKING:
    from model.network.architecture import Skywork

KIND = "export"
"""What a folder that is written here says of itself (pipelines/lake/outputs.py)."""
SHARD_BYTES = 5 << 30
"""Largest safetensors file, as Hugging Face cuts them."""


def weights_hash(files: list[Path]) -> str:
    """SHA-256 of the weights: of the file where there is one, else over the files' hashes in the
    order of their names."""
    if len(files) == 1:
        return sha256(files[0])
    h = hashlib.sha256()
    for f in sorted(files):
        h.update(f.name.encode() + bytes.fromhex(sha256(f)))
    return h.hexdigest()


def export_model(
    state: dict[str, Any],
    config: ModelConfig,
    tokenizer: Path | None,
    folder: Path,
    record: Mapping[str, Any] | None = None,
) -> str:
    """Write a model folder that `AutoModelForCausalLM.from_pretrained` reads; returns the hash of
    its weights.

    `state` maps Hugging Face names to tensors; `record`, with that hash, becomes `stage.json`. The
    folder appears as a whole. OutputError where something else than an earlier export is there.
    """
    with replacing_folder(folder, KIND) as partial:
        h = _write_model(state, config, tokenizer, partial)
        if record is not None:
            write_json(partial / "stage.json", {**record, "weights_hash": h})
    return h


def config_json(config: ModelConfig) -> dict[str, Any]:
    """config.json of a model: a Llama's, or a GPT-2's where its positions are learned. ValueError
    for a shape that is neither."""
    return to_gpt2(config) if config.shape_of == "gpt2" else config.to_llama()


def _read_config(folder: Path) -> ModelConfig:
    values = json.loads((folder / "config.json").read_text())
    return from_gpt2(values) if values.get("model_type") == "gpt2" else ModelConfig.from_llama(values)


def _write_model(state: dict[str, Any], config: ModelConfig, tokenizer: Path | None, folder: Path) -> str:
    from safetensors.torch import save_file

    values = config_json(config)
    if values["model_type"] == "gpt2":
        state = state_to_gpt2(state, config)
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
        ["model.safetensors"]
        if len(shards) == 1
        else [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    )
    for name, tensors in zip(names, shards, strict=True):
        save_file(tensors, str(folder / name), metadata={"format": "pt"})
    if len(shards) > 1:
        total = sum(t.nbytes for s in shards for t in s.values())
        where = {key: name for name, tensors in zip(names, shards, strict=True) for key in tensors}
        write_json(
            folder / "model.safetensors.index.json", {"metadata": {"total_size": total}, "weight_map": where}
        )
    dtype = str(next(iter(state.values())).dtype).removeprefix("torch.")
    ids = write_tokenizer(tokenizer, config.context, folder) if tokenizer is not None else {}
    write_json(folder / "config.json", values | ids | {"torch_dtype": dtype})
    for name in names:  # safetensors lets nobody else read them, whatever the umask
        os.chmod(folder / name, (folder / "config.json").stat().st_mode)
    return weights_hash([folder / n for n in names])


@dataclass(frozen=True)
class StageEnd:
    """Where a stage's training ended: what its record says beside the weights and the losses."""

    stage: str
    step: int
    tokens: int
    skipped_steps: int
    checkpoint: Path
    sequence_length: int


def export_stage(
    run_dir: Path, end: StageEnd, state: dict[str, Any], config: ModelConfig, tokenizer: Path | None
) -> dict[str, Any]:
    """Write `export/<stage>` of a stage trained to its end, with its `stage.json`. Every rank
    calls it; rank 0 writes and returns the record, the others return an empty one.

    `state` are the weights by Hugging Face name (rank 0's); the losses are read from the run's
    logs."""
    record: dict[str, Any] = {}
    if distributed.rank() == 0:
        folder = run_dir / "export" / end.stage
        logs = {
            n: (run_dir / "logs" / f"{n}.jsonl").read_text().splitlines() for n in ("steps", "validation")
        }
        record = {
            "stage": end.stage,
            "step": end.step,
            "tokens": end.tokens,
            "sequence_length": end.sequence_length,
            "parameters": config.num_parameters,
            "loss": json.loads(logs["steps"][-1])["loss"],
            "validation_loss": {
                r["domain"]: r["loss"] for r in map(json.loads, logs["validation"]) if r["step"] == end.step
            },
            "checkpoint": str(end.checkpoint),
            "export": str(folder),
            "world_size": distributed.world_size(),
            "skipped_steps": end.skipped_steps,
        }
        trained = config.trained_at(end.sequence_length)
        record["weights_hash"] = export_model(state, trained, tokenizer, folder, record)
    distributed.barrier()
    return record


def checkpoint_state(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    """All weights of a verified checkpoint under Hugging Face names, in the precision of training.

    `record` is its manifest. CheckpointError for files that hold more than states.
    """
    with only_data(str(path)):
        return _state(path, record)


def _state(path: Path, record: dict[str, Any]) -> dict[str, Any]:
    import torch

    strategy, num_layers = record["strategy"], record["model"]["num_layers"]
    if strategy["pipeline_stages"] > 1:
        from model.network.pipeline import hugging_face_name

        state: dict[str, Any] = {}
        for index in range(num_layers + 2):
            (file,) = path.glob(f"layer_{index:02d}-*model_states.pt")
            layer = torch.load(file, map_location="cpu", weights_only=True, mmap=True)
            state |= {hugging_face_name(index, n, num_layers): p for n, p in layer.items()}
        return state
    if strategy["zero_stage"] == 3:
        from deepspeed.utils.zero_to_fp32 import get_fp32_state_dict_from_zero_checkpoint

        dtype = torch.bfloat16 if strategy["bf16"] else torch.float32
        whole = get_fp32_state_dict_from_zero_checkpoint(str(path.parent), tag=path.name)
        return {n: p.to(dtype) for n, p in whole.items()}
    whole = torch.load(path / "mp_rank_00_model_states.pt", map_location="cpu", weights_only=True, mmap=True)
    return dict(whole["module"])


def export_checkpoint(run_dir: Path, tag: str, folder: Path) -> str:
    """Write checkpoint `tag` of a run as a Hugging Face folder; returns the hash of its weights.
    CheckpointError if it does not verify, OutputError
    where something else than an earlier export is in the folder."""
    refuse_foreign(folder, KIND)  # before the checkpoint is read, which takes long
    path = run_dir / "checkpoints" / tag
    record = verify_checkpoint(path)
    run = RunFile.load(run_dir)
    state = checkpoint_state(path, record)
    length = run.plan.sequence_length
    config = ModelConfig.from_json(record["model"]).trained_at(length)
    known = {k: record[k] for k in ("stage", "step", "tokens", "tag")}
    known |= {"sequence_length": length, "checkpoint": str(path)}
    return export_model(state, config, run.tokenizer_file, folder, known)


def load_model(folder: Path, dtype: Any = None) -> Skywork:
    """The model of a folder that `export_model` (or Hugging Face) wrote. ValueError if names or
    shapes differ."""
    import torch
    from safetensors.torch import load_file

    from model.network.architecture import Skywork

    try:
        config = _read_config(folder)
    except ValueError as error:
        raise ValueError(f"{folder}: {error}") from None
    with torch.device("meta"):
        model = Skywork(config)
    state: dict[str, Any] = {}
    files = sorted(folder.glob("*.safetensors"))
    if not files:
        raise FileNotFoundError(f"{folder} has no .safetensors file: export a checkpoint there first")
    for f in files:
        state.update(load_file(str(f)))
    if config.positions == "absolute":
        state = state_from_gpt2(state, config)
    if dtype is not None:
        state = {k: v.to(dtype) for k, v in state.items()}
    try:
        model.load_state_dict(state, assign=True)
    except RuntimeError as e:
        raise ValueError(f"{folder} does not hold this model: {e}") from e
    return model.eval()
