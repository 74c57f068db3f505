"""`python -m benchmarks.gpu.train_step`: a whole training step of the 1b model at context 4,096 in
bf16, its peak memory and profile, beside transformers' LlamaForCausalLM.

Shape, tokens a step (32,768, as each of the paper's 512 GPUs reads), DeepSpeed configuration (ZeRO-1,
fp32 gradient sums), fused AdamW and clipping are equal. Both models do not fit side by side, so they
follow each other, each with the matmul rate measured beside it; transformers runs as it is, compiled
by layers and as a whole, with the largest micro batch that fits, and the faster of the two counts.
"""

from __future__ import annotations

import argparse
import gc
import time
from typing import Any

import torch

from benchmarks.gpu.common import GPU, line, matmul_flops, seconds_of, step_shares
from benchmarks.gpu.step_profile import profile_step
from model.cost.memory import Layout, memory_bytes
from model.network.config import PRESETS, ModelConfig
from model.training import distributed
from model.training.engine import TrainingEngine
from model.training.strategy import BETAS, CLIP, EPSILON, WEIGHT_DECAY, Strategy

CONFIG = (
    PRESETS["1b"]
    if GPU
    else ModelConfig.from_json(PRESETS["debug"].to_json() | {"num_layers": 2, "vocab_size": 512})
)
LENGTH = 4_096 if GPU else 64
GLOBAL_BATCH, MICRO_BATCH = 8, 4
ROUNDS = 6 if GPU else 1
GOAL = {"mfu_paper_of_matmul": 0.6, "ratio_huggingface_compiled": 1.3}


def tokens() -> torch.Tensor:
    """Random ids int64 [GLOBAL_BATCH, LENGTH + 1]."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(0, CONFIG.vocab_size, (GLOBAL_BATCH, LENGTH + 1), generator=generator)
    return ids.to(distributed.device())


def free() -> None:
    """Give back what no name holds any more, and begin a new peak."""
    gc.collect()
    torch._dynamo.reset()
    if GPU:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def ours(deepspeed_entry: dict[str, Any], profiled: bool = False) -> dict[str, float]:
    """Speed and memory of our step under a run's `deepspeed` entry; prints the profile too where
    asked."""
    started = time.monotonic()
    strategy = Strategy.parse(deepspeed_entry, GLOBAL_BATCH, MICRO_BATCH, 1)
    engine: TrainingEngine = strategy.build(CONFIG, 1)
    ids = tokens()
    parts: list[Any] = [(t[:, :-1].contiguous(), t[:, 1:].contiguous(), None) for t in ids.split(MICRO_BATCH)]

    def step() -> None:
        engine.train_batch(parts, 1.0 / (GLOBAL_BATCH * LENGTH))

    step()
    ready = time.monotonic() - started
    rate = GLOBAL_BATCH * LENGTH / seconds_of(step, ROUNDS, warm=2 if GPU else 0)
    matmul = matmul_flops()
    layout = Layout(
        global_batch=GLOBAL_BATCH,
        micro_batch=MICRO_BATCH,
        checkpoint_activations=strategy.checkpoint_activations,
    )
    estimate = sum(memory_bytes(CONFIG, layout, 1, LENGTH).values())
    metrics = {
        "tokens_per_second": rate,
        "matmul_tflops": matmul / 1e12,
        **step_shares(CONFIG, LENGTH, rate, matmul),
        "seconds_to_first_step": ready,
        "micro_batch": float(MICRO_BATCH),
        "peak_bytes": float(distributed.memory_bytes()),
        "estimated_bytes": estimate,
        "peak_over_estimate": distributed.memory_bytes() / estimate,
    }
    if profiled:
        line("profile", profile_step(engine, step), {})
    # Its states would stay on the device beside the next one's.
    engine.inner.destroy()
    return metrics


class HuggingFace:
    """transformers' model under the same DeepSpeed, with what fits of the micro batch."""

    def __init__(self) -> None:
        import transformers

        with distributed.device():
            self.config = transformers.LlamaConfig(**CONFIG.to_llama(), attn_implementation="sdpa")
            self.network = transformers.LlamaForCausalLM(self.config)

    def measure(self, compiled: str) -> dict[str, float]:
        """Tokens per second, the micro batch and the peak."""
        micro = MICRO_BATCH
        while True:
            try:
                return self.steps(compiled, micro)
            except torch.OutOfMemoryError:
                micro //= 2
            if not micro:
                raise MemoryError("transformers' model does not fit with one sequence")
            free()

    def steps(self, compiled: str, micro: int) -> dict[str, float]:
        """As `measure`, with this micro batch. `compiled`: nothing, `layers`, or the `whole` model,
        whose attention then takes a mask that is held in memory: transformers leaves the mask out
        only where it is not traced."""
        import deepspeed

        strategy = Strategy.parse({}, GLOBAL_BATCH, micro, 1)
        optimizer = torch.optim.AdamW(
            self.network.parameters(),
            lr=0.0,
            betas=BETAS,
            eps=EPSILON,
            weight_decay=WEIGHT_DECAY,
            fused=GPU or None,
        )
        settings = strategy.config | {"gradient_clipping": CLIP}
        engine, _, _, _ = deepspeed.initialize(model=self.network, optimizer=optimizer, config=settings)
        engine.train()
        modules = {"whole": [self.network], "layers": self.network.model.layers}.get(compiled, [])
        for module in modules:
            module.compile()
        ids = tokens()

        def step() -> None:
            for part in ids.split(micro):
                # The same positions: LlamaForCausalLM shifts labels itself and would drop one.
                out = engine(
                    input_ids=part[:, :-1],
                    labels=part[:, :-1],
                    shift_labels=part[:, 1:].contiguous(),
                    use_cache=False,
                )
                engine.backward(out.loss)
                engine.step()

        try:
            rate = GLOBAL_BATCH * LENGTH / seconds_of(step, max(1, ROUNDS // 2), warm=2 if GPU else 0)
            return {
                "tokens_per_second": rate,
                "micro_batch": float(micro),
                "peak_bytes": float(distributed.memory_bytes()),
            }
        finally:
            engine.destroy()
            for module in modules:
                module._compiled_call_impl = None


def main() -> None:
    """Ours, then transformers', one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only-ours", action="store_true", help="leave transformers' model out")
    alone = parser.parse_args().only_ours
    distributed.start()
    precision: dict[str, Any] = {} if GPU else {"bf16": {"enabled": False}}
    found = ours(precision | {"compile_blocks": GPU}, profiled=True)
    line("train_step/ours", found, GOAL)
    free()
    fast = found
    if GPU:
        entry = precision | {"compile_blocks": True, "deterministic": False}
        fast = ours(entry, profiled=True)
        line("train_step/not_deterministic", fast, GOAL)
        free()
    if not alone:
        theirs = HuggingFace()
        best = 0.0
        for compiled in ("", "layers", "whole"):
            name = f"huggingface_compiled_{compiled}" if compiled else "huggingface"
            try:
                result = theirs.measure(compiled if GPU else "")
            except Exception as error:
                line(f"train_step/{name}", {"error": f"{type(error).__name__}: {error}"[:400]})
                continue
            result[f"ratio_{name}"] = found["tokens_per_second"] / result["tokens_per_second"]
            line(f"train_step/{name}", result)
            free()
            best = max(best, result["tokens_per_second"]) if compiled else best
        ratios = {"huggingface_compiled": found, "huggingface_compiled_not_deterministic": fast}
        rates = {f"ratio_{k}": v["tokens_per_second"] / best if best else 0.0 for k, v in ratios.items()}
        line("train_step/beside", rates, GOAL)
    distributed.stop()


if __name__ == "__main__":
    main()
