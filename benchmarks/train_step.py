"""`python -m benchmarks.train_step`: tokens per second of a training step against transformers'
LlamaForCausalLM.

Same shape, weights, batch, precision and DeepSpeed configuration (ZeRO-1, bf16, fp32 gradient
accumulation), one rank. Steps of the two alternate, so that both meet the same load; the ratio is
of medians of wall-clock seconds. On a CPU the ratio of CPU seconds over all threads stands beside
it: it leaves out idle threads, and counts spinning ones. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from typing import Any

from model.network.config import PRESETS, ModelConfig
from model.training import distributed
from model.training.strategy import Strategy


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a smaller model and fewer steps")
    quick = parser.parse_args().quick
    distributed.start()
    import deepspeed
    import torch
    import transformers

    torch.manual_seed(1)
    config = PRESETS["debug" if quick else "tiny"]
    config = ModelConfig.from_json(config.to_json() | {"vocab_size": 8_192 if quick else 65_536})
    rows, length, rounds = (4, 256, 7) if quick else (4, 512, 9)
    strategy = Strategy.parse({}, rows, rows, 1)
    ours = strategy.build(config, 1).inner
    network = transformers.LlamaForCausalLM(transformers.LlamaConfig(**config.to_llama()))
    optimizer = torch.optim.AdamW(network.parameters(), lr=0.0, betas=(0.9, 0.95), weight_decay=0.1)
    theirs, _, _, _ = deepspeed.initialize(
        model=network, optimizer=optimizer, config=strategy.config | {"gradient_clipping": 1.0}
    )
    theirs.train()
    ids = torch.randint(0, config.vocab_size, (rows, length + 1), device=ours.device)

    def our_step() -> Any:
        total, _ = ours(ids[:, :-1], ids[:, 1:])
        ours.backward(total / (rows * length))
        ours.step()

    def their_step() -> Any:
        # The same positions: LlamaForCausalLM shifts labels itself and would drop one.
        loss = theirs(
            input_ids=ids[:, :-1], labels=ids[:, :-1], shift_labels=ids[:, 1:].contiguous(), use_cache=False
        ).loss
        theirs.backward(loss)
        theirs.step()

    gpu = torch.cuda.is_available()
    seconds: dict[str, list[tuple[float, float]]] = {"ours": [], "huggingface": []}
    for i in range(rounds + 1):
        for name, step in (("ours", our_step), ("huggingface", their_step)):
            started = time.perf_counter(), time.process_time()
            step()
            if gpu:
                torch.cuda.synchronize()
            if i:
                seconds[name].append((time.perf_counter() - started[0], time.process_time() - started[1]))
    wall, cpu = (
        {n: rows * length / statistics.median(s[k] for s in of) for n, of in seconds.items()} for k in (0, 1)
    )
    metrics = {f"tokens_per_second_{n}": r for n, r in wall.items()}
    metrics |= {
        "ratio_huggingface": wall["ours"] / wall["huggingface"],
        "parameters_13b": PRESETS["13b"].num_parameters,
    }
    if not gpu:
        metrics |= {f"tokens_per_cpu_second_{n}": r for n, r in cpu.items()}
        metrics["ratio_huggingface_cpu_seconds"] = cpu["ours"] / cpu["huggingface"]
    for name, value in metrics.items():
        print(f"{name:<36}{value:>18,.2f}")
    distributed.stop()
    device = torch.cuda.get_device_name() if gpu else f"{platform.machine()} CPU, {os.cpu_count()} cores"
    command = "python -m benchmarks.train_step" + (" --quick" if quick else "")
    out = {
        "name": "train_step",
        "metrics": metrics,
        "goal": {"ratio_huggingface": 1.2, "parameters_13b": 13_854_269_952},
    }
    print(json.dumps(out | {"hardware": device, "command": command}))


if __name__ == "__main__":
    main()
