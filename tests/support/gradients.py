"""Gradients as AdamW gets them, of one fixed batch on any number of ranks.

`main([given, folder])` runs on a rank inside `tests.support.ranks`: it trains one step under the
`deepspeed` entry `given` and writes this rank's pieces of every gradient; `gradients` joins them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from model.network.config import ModelConfig
from model.training import distributed
from model.training.strategy import Strategy

CONFIG = ModelConfig(num_layers=2, hidden=32, num_heads=2, ffn=48, vocab_size=97, context=64)
SEQUENCES, LENGTH = 8, 32


def pieces(engine: Any) -> dict[str, torch.Tensor]:
    """This rank's piece of each gradient, flat, by Hugging Face name; fp32."""
    optimizer, found = engine.optimizer, {}
    if hasattr(optimizer, "fp32_partitioned_groups_flat"):
        names = {id(p): n for n, p in engine.parameters()}
        for params, flat in zip(optimizer.fp16_groups, optimizer.fp32_partitioned_groups_flat, strict=True):
            start = 0
            for p in params if flat.grad is not None else ():  # updated group by group
                found[names[id(p)]] = flat.grad.narrow(0, start, p.ds_tensor.ds_numel)
                start += p.ds_tensor.ds_numel
        return found
    flats = [p for g in optimizer.optimizer.param_groups for p in g["params"]]
    for name, p in engine.parameters():
        if p._hp_mapping is not None:
            piece, address = p._hp_mapping.hp_fragment, p._hp_mapping.hp_fragment_address
            first = piece.data_ptr() - address.start * piece.element_size()
            for flat in (f for f in flats if f.data_ptr() == first):  # ZeRO-2 updates group by group
                found[name] = flat.grad.narrow(0, address.start, address.numel)
    return found


def main(arguments: list[str]) -> int:
    """One step on this rank's share of the batch; `folder/<rank>.pt` holds its pieces."""
    given, folder = json.loads(arguments[0]), Path(arguments[1])
    distributed.start()
    rank = distributed.rank()
    strategy = Strategy.parse(given, SEQUENCES, 1, distributed.world_size())
    engine = strategy.build(CONFIG, seed=1)
    engine.set_rate(1e-3)
    kept: dict[str, torch.Tensor] = {}
    engine.optimizer.optimizer.register_step_pre_hook(
        lambda *_: kept.update({n: g.detach().clone().flatten() for n, g in pieces(engine).items()})
    )
    data = torch.from_numpy(np.random.default_rng(1).integers(3, 97, (SEQUENCES, LENGTH + 1)))
    own = data[strategy.data_rank(rank) :: strategy.data_ranks]
    batches = [(row[None, :-1], row[None, 1:], None) for row in own]
    engine.train_batch(batches, strategy.data_ranks * len(batches) / (SEQUENCES * LENGTH))
    torch.save(kept, folder / f"{rank}.pt")
    distributed.stop()
    return 0


def gradients(folder: Path) -> dict[str, torch.Tensor]:
    """Whole gradients by name, flat, from what the ranks wrote."""
    from model.network.architecture import Skywork

    found: dict[str, list[torch.Tensor]] = {}
    for path in sorted(folder.glob("*.pt"), key=lambda p: int(p.stem)):
        for name, piece in torch.load(path, weights_only=True).items():
            found.setdefault(name, []).append(piece)
    with torch.device("meta"):
        sizes = {n: p.numel() for n, p in Skywork(CONFIG).named_parameters()}
    return {n: torch.cat(found[n])[:size] for n, size in sizes.items()}
