"""The network cut into pipeline stages: DeepSpeed's LayerSpec list over the blocks of
architecture.py.

Belongs here: what travels between stages, and names. Does not belong here: the blocks, schedules
(DeepSpeed's 1F1B).

Between stages travel the stream [B, L, D] and the document numbers int32 [B, L]: four bytes a
token, where a mask would be L bits. Layers are cut evenly, embedding and head counting as one each:
at 13b both are about a block.
"""

from __future__ import annotations

from typing import Any

import torch
from deepspeed.pipe import LayerSpec, PipelineModule
from torch import Tensor, nn

from model.network.architecture import Block, initialize, norm
from model.network.attention import Rotary, attention_mask
from model.network.config import ModelConfig
from model.network.loss import OutputHead

State = tuple[Tensor, Tensor]


class First(nn.Module):
    """Token (and absolute position) embeddings."""

    def __init__(self, config: ModelConfig, seed: int) -> None:
        super().__init__()
        self.config = config
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden)
        if config.positions == "absolute":
            self.embed_positions = nn.Embedding(config.context, config.hidden)
        initialize(self, config, seed, "model.")

    def forward(self, state: State) -> State:
        """(ids [B, L], documents [B, L]) -> (stream [B, L, D], documents)."""
        ids, documents = state
        x = self.embed_tokens(ids)
        if self.config.positions == "absolute":
            x = x + self.embed_positions(torch.arange(ids.shape[1], device=x.device))
        return x, documents


class Middle(Block):
    """A block that passes the document numbers on."""

    def __init__(self, config: ModelConfig, seed: int, index: int) -> None:
        super().__init__(config, Rotary(config))
        initialize(self, config, seed, f"model.layers.{index}.")

    def forward(self, state: State) -> State:  # type: ignore[override]
        """(stream, documents) -> (stream, documents)."""
        x, documents = state
        return super().forward(x, attention_mask(self.config, x, documents)), documents


class Last(nn.Module):
    """The last norm; holds the head, which the loss applies chunk by chunk."""

    def __init__(self, config: ModelConfig, seed: int) -> None:
        super().__init__()
        self.norm = norm(config)
        self.lm_head = OutputHead(config.hidden, config.vocab_size, bias=False)
        initialize(self, config, seed)

    def forward(self, state: State) -> Tensor:
        """(stream, documents) -> normed stream [B, L, D]."""
        return self.norm(state[0])


class Pipeline(PipelineModule):
    """This rank's stage. On the last one `rows` gathers each sample's loss sum, micro batch by
    micro batch."""

    def __init__(self, config: ModelConfig, seed: int, num_stages: int) -> None:
        layers = [LayerSpec(First, config, seed)]
        layers += [LayerSpec(Middle, config, seed, i) for i in range(config.num_layers)]
        layers += [LayerSpec(Last, config, seed)]
        self.config, self.scale, self.rows = config, 1.0, list[Tensor]()
        super().__init__(layers=layers, num_stages=num_stages, partition_method="uniform", loss_fn=self.loss)

    def loss(self, states_BLD: Tensor, targets_BL: Tensor) -> Tensor:
        """The micro batch's share of the step's loss."""
        total, losses = self.forward_funcs[-1].lm_head(states_BLD, targets_BL)
        self.rows.append(losses.double().sum(dim=1))
        return total * self.scale

    def blocks(self) -> list[Block]:
        """The blocks of this stage."""
        return [m for m in self.forward_funcs if isinstance(m, Block)]

    def hugging_face_name(self, name: str) -> str:
        """`3.mlp.up_proj.weight` -> `model.layers.2.mlp.up_proj.weight`."""
        index, _, rest = name.partition(".")
        return hugging_face_name(int(index), rest, self.config.num_layers)


def hugging_face_name(index: int, rest: str, num_layers: int) -> str:
    """The name in `LlamaForCausalLM` of parameter `rest` of layer `index` of the list."""
    if index == 0:
        return f"model.{rest}"
    if index <= num_layers:
        return f"model.layers.{index - 1}.{rest}"
    return rest if rest.startswith("lm_head") else f"model.{rest}"


def micro_batch(ids: Any, targets: Any, documents: Any) -> tuple[State, Any]:
    """What the first and the last stage take from the loader; documents are zeros where the model
    ignores them."""
    return (ids, torch.zeros_like(ids, dtype=torch.int32) if documents is None else documents), targets
