"""`python -m benchmarks.gpu.blocks`: full-width blocks of the 7b and 13b models, forward and
backward, and the kernels of their attention.

Belongs here: rates of blocks without embeddings, head and update. Does not belong here: whole steps
(train_step.py). Shares are of the blocks' own operations, by the paper's count (6 N + 12 layers
hidden length) and by the exact one."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch.nn.attention import SDPBackend, sdpa_kernel

from benchmarks.gpu.common import GPU, flops_shares, line, matmul_flops, seconds_of
from model.network.architecture import Block
from model.network.attention import Rotary, causal_blocks, document_blocks, document_mask, flex_kernel
from model.network.config import PRESETS, ModelConfig
from model.training import distributed

LENGTH = 4_096 if GPU else 64
ROWS, LAYERS, ROUNDS = (2, 4, 10) if GPU else (1, 1, 1)
KERNELS = {"cudnn": SDPBackend.CUDNN_ATTENTION, "flash": SDPBackend.FLASH_ATTENTION}


def shape(name: str) -> ModelConfig:
    """A preset at full width; narrow in a dry run."""
    return PRESETS[name] if GPU else PRESETS["debug"]


def of_blocks(config: ModelConfig, checkpointing: bool) -> dict[str, float]:
    """Tokens per second through `LAYERS` compiled blocks, forward and backward, and shares of
    peak."""
    rotary = Rotary(config)
    with distributed.device():
        blocks = [Block(config, rotary).to(torch.bfloat16) for _ in range(LAYERS)]
    for block in blocks:
        block.checkpointing = checkpointing
        if GPU:
            block.compile()
    x = torch.randn(ROWS, LENGTH, config.hidden, device=distributed.device(), dtype=torch.bfloat16)
    x.requires_grad_()
    gradient = torch.randn_like(x)

    def pass_through() -> None:
        y = x
        for block in blocks:
            y = block(y)
        y.backward(gradient)

    rate = ROWS * LENGTH / seconds_of(pass_through, ROUNDS, warm=3 if GPU else 0)
    embeddings = 2 * config.vocab_size * config.hidden + config.hidden
    weights = (config.num_parameters - embeddings) / config.num_layers * LAYERS
    paper = 6.0 * weights + 12.0 * LAYERS * config.hidden * LENGTH
    exact = 6.0 * weights + 6.0 * LAYERS * config.hidden * (LENGTH + 1)
    matmul = matmul_flops()
    return {
        "tokens_per_second": rate,
        "matmul_tflops": matmul / 1e12,
        "paper_tflops": paper * rate / 1e12,
        **flops_shares(paper * rate, exact * rate, matmul),
    }


def of_attention(config: ModelConfig) -> dict[str, float]:
    """Milliseconds of causal attention by kernel, and within documents: forward and backward of one
    layer at the 1b shape."""
    heads = (ROWS, config.num_heads, LENGTH, config.head_dim)
    q, k, v, gradient = (
        torch.randn(heads, device=distributed.device(), dtype=torch.bfloat16, requires_grad=i < 3)
        for i in range(4)
    )
    found: dict[str, float] = {}

    def timed(name: str, call: Any) -> None:
        def both() -> None:
            call().backward(gradient)

        found[f"{name}_ms"] = 1e3 * seconds_of(both, ROUNDS)

    def causal() -> torch.Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)

    for name, kernel in KERNELS.items() if GPU else ():
        with sdpa_kernel(kernel):
            timed(name, causal)
    timed("default", causal)
    torch.use_deterministic_algorithms(True)
    timed("deterministic", causal)
    torch.use_deterministic_algorithms(False)
    if GPU:
        causal_mask, repeats = causal_blocks(LENGTH, q.device), flex_kernel(True)
        timed("deterministic_flex", lambda: repeats(q, k, v, block_mask=causal_mask))
    documents = (torch.arange(LENGTH, device=q.device) // (LENGTH // 8)).expand(ROWS, -1).int()
    if GPU:
        blocks = document_blocks(documents)
        flex = flex_kernel(True)
        timed("eight_documents_flex", lambda: flex(q, k, v, block_mask=blocks))
        found["document_mask_ms"] = 1e3 * seconds_of(lambda: document_blocks(documents), ROUNDS)
    mask = document_mask(documents)
    timed("eight_documents_plain_mask", lambda: F.scaled_dot_product_attention(q, k, v, attn_mask=mask))
    return found


def main() -> None:
    """One line for each width, and one for attention."""
    distributed.start()
    torch.manual_seed(1)
    for name in ("7b", "13b"):
        for checkpointing in (False, True):
            goal = {"mfu_paper_of_peak": 0.5} if name == "7b" and not checkpointing else {}
            words = "_recomputed" if checkpointing else ""
            line(f"blocks/{name}{words}", of_blocks(shape(name), checkpointing), goal)
            torch._dynamo.reset()
    line("blocks/attention", of_attention(shape("1b")))
    distributed.stop()


if __name__ == "__main__":
    main()
