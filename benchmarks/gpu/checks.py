"""`python -m benchmarks.gpu.checks`: what must hold on a GPU as it does on a CPU.

Belongs here: equality of kernels, strategies, restarts and exports on the device. Does not belong
here: speed (train_step.py, blocks.py). Each check prints a line; a failed one says what differs.
"""

from __future__ import annotations

import contextlib
import math
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.gpu.common import GPU, distance, line
from model.network import attention, loss
from model.network.architecture import Skywork
from model.network.config import ModelConfig
from model.training import distributed
from model.training.engine import PipelinedEngine, TrainingEngine
from model.training.strategy import Strategy

CONFIG = (
    ModelConfig(num_layers=2, hidden=256, num_heads=2, ffn=704, vocab_size=4_096, context=512)
    if GPU
    else ModelConfig(num_layers=2, hidden=32, num_heads=2, ffn=64, vocab_size=300, context=64)
)
ROWS, LENGTH = 4, CONFIG.context
BACKEND = "inductor" if GPU else "aot_eager"
"""Of torch.compile: on a CPU the graph alone, for no time is measured."""
DTYPE = torch.bfloat16 if GPU else torch.float32
NEAR = 2e-2 if GPU else 1e-4
"""Relative norm of a difference between two orders of computing in DTYPE: bf16 keeps 8 bits."""
RATE = 3e-3


def batch(seed: int = 1) -> tuple[Tensor, Tensor, Tensor]:
    """ids and targets int64 [B, L], document numbers int32 [B, L] of unequal documents."""
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(0, CONFIG.vocab_size, (ROWS, LENGTH + 1), generator=generator)
    cuts = torch.rand(ROWS, LENGTH, generator=generator) < 8.0 / LENGTH
    device = distributed.device()
    documents = cuts.cumsum(1).int()
    return ids[:, :-1].to(device), ids[:, 1:].to(device), documents.to(device)


def network(config: ModelConfig = CONFIG, dtype: torch.dtype = DTYPE) -> Skywork:
    """A model on the device, with equal weights at every call."""
    return Skywork(config, seed=1).to(distributed.device(), dtype)


def gradients(model: Skywork, documents: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """The mean loss, and all gradients in one vector (fp32)."""
    ids, targets, _ = batch()
    loss = model(ids, targets, documents)[0] / targets.numel()
    found = torch.autograd.grad(loss, list(model.parameters()))
    return loss.detach(), torch.cat([g.float().flatten() for g in found])


def near(name: str, found: Tensor, wanted: Tensor, bound: float = NEAR) -> float:
    """The distance; AssertionError where it is over the bound."""
    d = distance(found, wanted)
    assert d <= bound, f"{name}: relative difference {d:.3g}, at most {bound:.3g} is expected"
    return d


def engine(given: dict[str, Any] | None = None, seed: int = 1) -> TrainingEngine:
    """A training engine of `CONFIG` on one rank, two micro batches a step."""
    precision = {} if GPU else {"bf16": {"enabled": False}}
    return Strategy.parse(precision | (given or {}), ROWS, ROWS // 2, 1).build(CONFIG, seed)


def steps(of: TrainingEngine, numbers: range) -> list[float]:
    """Mean losses of training steps on the batches of these numbers."""
    out = []
    for i in numbers:
        parts = zip(*(t.split(ROWS // 2) for t in batch(i)), strict=True)
        of.set_rate(RATE)
        out.append(float(of.train_batch(list(parts), 1.0 / (ROWS * LENGTH)).sum()) / (ROWS * LENGTH))
    return out


def bf16_step() -> dict[str, float]:
    """Twelve steps on one batch lower its loss by a tenth."""
    of = engine()
    of.set_rate(RATE)
    first = steps(of, range(1))[0]
    for _ in range(11):
        last = steps(of, range(1))[0]
    assert math.isfinite(last) and last < 0.9 * first, f"loss {first:.4f} went to {last:.4f}"
    return {"first_loss": first, "last_loss": last}


def compiled_blocks() -> dict[str, float]:
    """Compiled blocks give the losses and gradients of plain ones."""
    plain, compiled = network(), network()
    for layer in compiled.model.layers:
        layer.compile(backend=BACKEND)
    wanted, found = gradients(plain), gradients(compiled)
    return {"loss": near("loss", found[0], wanted[0]), "gradients": near("gradients", found[1], wanted[1])}


def causal_attention() -> dict[str, float]:
    """The kernels that training takes, the fastest and those that repeat, give what plain scores give;
    those that repeat give the same bits twice."""
    before = torch.are_deterministic_algorithms_enabled()
    out = {}
    try:
        torch.use_deterministic_algorithms(False)
        config = ModelConfig.from_json(CONFIG.to_json() | {"document_attention": True})
        with plain_mask():
            wanted = gradients(network(config), torch.zeros_like(batch()[2]))
        for name in ("fastest", "deterministic"):
            torch.use_deterministic_algorithms(name == "deterministic")
            found = gradients(network())
            for key, f, w in zip(("loss", "gradients"), found, wanted, strict=True):
                out[f"{name}_{key}"] = near(f"{name} {key}", f, w)
        again = gradients(network())
    finally:
        torch.use_deterministic_algorithms(before)
    assert all(map(torch.equal, again, found)), "deterministic kernels gave other bits the second time"
    return out


def document_attention() -> dict[str, float]:
    """Flex attention over blocks gives what the plain mask gives, compiled or not; a document sees
    nothing of the one before."""
    config = ModelConfig.from_json(CONFIG.to_json() | {"document_attention": True})
    documents = batch()[2]
    with plain_mask():
        wanted = gradients(network(config), documents)
    out = {}
    for name in ("eager", "compiled"):
        model = network(config)
        if name == "compiled":
            for layer in model.model.layers:
                layer.compile(backend=BACKEND)
        # Flex attention has no backward pass on a CPU, where the mask itself is used.
        found = gradients(model, documents)
        for key, f, w in zip(("loss", "gradients"), found, wanted, strict=True):
            out[f"{name}_{key}"] = near(f"{name} {key}", f, w)
    ids = batch()[0]
    changed = torch.where(documents == 0, (ids + 1) % CONFIG.vocab_size, ids)
    model = network(config).eval()
    with torch.no_grad():
        a, b = model(ids, None, documents), model(changed, None, documents)
    later = documents > 0
    assert torch.equal(a[later], b[later]), "a document sees the one before it"
    return out


@contextlib.contextmanager
def plain_mask() -> Iterator[None]:
    """Boolean masks in place of flex attention."""
    kept = attention.document_blocks
    attention.document_blocks = attention.document_mask
    try:
        yield
    finally:
        attention.document_blocks = kept


def loss_head() -> dict[str, float]:
    """The chunked loss and both its gradients equal cross-entropy over whole logits in fp32."""
    generator = torch.Generator().manual_seed(1)
    device, rows = distributed.device(), 1_000
    h = torch.randn(rows, CONFIG.hidden, generator=generator).to(device, DTYPE).requires_grad_()
    weight = (torch.randn(CONFIG.vocab_size, CONFIG.hidden, generator=generator) / 16).to(device, DTYPE)
    weight.requires_grad_()
    targets = torch.randint(0, CONFIG.vocab_size, (rows,), generator=generator).to(device)
    targets[::7] = loss.IGNORE
    apply: Any = loss.ChunkedCrossEntropy.apply
    wide = h.detach().float().requires_grad_(), weight.detach().float().requires_grad_()
    wanted = F.cross_entropy(wide[0] @ wide[1].T, targets, reduction="none", ignore_index=loss.IGNORE)
    wanted_gradients = torch.autograd.grad(wanted.sum(), wide)
    out = {}
    kept = loss.CHUNK_LOGITS, loss.GPU_CHUNK_LOGITS
    for name, chunk in (("whole", kept[1]), ("chunks", 300 * CONFIG.vocab_size)):
        loss.CHUNK_LOGITS = loss.GPU_CHUNK_LOGITS = chunk
        try:
            total, losses = apply(h, weight, targets)
        finally:
            loss.CHUNK_LOGITS, loss.GPU_CHUNK_LOGITS = kept
        out[f"{name}_losses"] = near("losses", losses, wanted, 5e-3)
        for key, found, w in zip(
            ("hidden", "head"), torch.autograd.grad(total, (h, weight)), wanted_gradients, strict=True
        ):
            out[f"{name}_{key}"] = near(f"gradient of {key}", found, w)
    return out


def strategies() -> dict[str, float]:
    """ZeRO-1, 2, 3, recomputed activations and a pipeline of one stage give one curve."""
    wanted = steps(engine(), range(4))
    out = {}
    for name, given in {
        "zero2": {"zero_optimization": {"stage": 2}},
        "zero3": {"zero_optimization": {"stage": 3}},
        "checkpointing": {"checkpoint_activations": True},
    }.items():
        out[name] = curve(name, steps(engine(given), range(4)), wanted)
    out["pipeline"] = curve("pipeline", steps(pipeline_of_one(), range(4)), wanted)
    return out


def curve(name: str, found: list[float], wanted: list[float]) -> float:
    """Largest relative difference of two curves; AssertionError over 5e-3."""
    d = max(abs(a - b) / b for a, b in zip(found, wanted, strict=True))
    assert d <= 5e-3, f"{name}: losses {found}, where ZeRO-1 has {wanted}"
    return d


def pipeline_of_one() -> TrainingEngine:
    """DeepSpeed's pipeline engine with a single stage, which a run would not choose."""
    import deepspeed

    from model.network.architecture import decay_groups
    from model.network.pipeline import Pipeline

    strategy = Strategy.parse({} if GPU else {"bf16": {"enabled": False}}, ROWS, ROWS // 2, 1)
    module = Pipeline(CONFIG, 1, 1)
    optimizer = torch.optim.AdamW(decay_groups(module, 0.1), lr=0.0, betas=(0.9, 0.95), eps=1e-8)
    settings = strategy.config | {"gradient_clipping": 1.0}
    inner, _, _, _ = deepspeed.initialize(model=module, optimizer=optimizer, config=settings)
    inner.train()
    return PipelinedEngine(inner, CONFIG)


def resume() -> dict[str, float]:
    """Three steps, a checkpoint and three more give the bits of six steps, for each ZeRO stage."""
    out = {}
    for stage in (1, 2, 3):
        given = {"zero_optimization": {"stage": stage}, "compile_blocks": GPU}
        with tempfile.TemporaryDirectory() as folder:
            whole = engine(given)
            before = steps(whole, range(3))
            whole.inner.save_checkpoint(folder, tag="three")
            wanted = before, steps(whole, range(3, 6)), whole.weights()
            other = engine(given, seed=2)
            other.load(Path(folder), "three")
            found = before, steps(other, range(3, 6)), other.weights()
        assert found[1] == wanted[1], f"ZeRO-{stage}: losses {found[1]}, uninterrupted {wanted[1]}"
        same = [torch.equal(found[2][n], w) for n, w in wanted[2].items()]
        assert all(same), f"ZeRO-{stage}: {same.count(False)} of {len(same)} weights differ"
        out[f"zero{stage}_weights_equal"] = float(len(same))
    return out


def export_and_scorer() -> dict[str, float]:
    """An export reads in transformers with our logits; the scorer's losses and its greedy
    continuation are those of transformers."""
    import transformers

    from model.checkpoints.export import export_model
    from model.evaluate.scorer import load_scorer

    with tempfile.TemporaryDirectory() as folder:
        tokenizer, export = Path(folder) / "tokenizer.json", Path(folder) / "export"
        plain_tokenizer(CONFIG.vocab_size, tokenizer)
        ours = network(dtype=torch.float32).eval()
        export_model(ours.state_dict(), CONFIG, tokenizer, export)
        theirs = transformers.LlamaForCausalLM.from_pretrained(export, dtype=torch.float32)
        theirs = theirs.to(distributed.device()).eval()
        scorer = load_scorer(export)
        ids = batch()[0][:, :50]
        with torch.no_grad():
            logits = theirs(ids).logits
            d = near("logits", ours(ids), logits, 1e-3)
            losses = F.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none"
            )
            found = torch.from_numpy(scorer.token_losses(ids.tolist())[0]).to(losses)
            wanted = losses.view(ROWS, -1)[0]
            scored = near("scorer's losses", found[-len(wanted) :], wanted, NEAR)
            asked = {"max_new_tokens": 12, "do_sample": False, "eos_token_id": None, "pad_token_id": 0}
            greedy = theirs.generate(ids[:, :20], **asked)
        assert torch.equal(ours.generate(ids[:, :20], 12), greedy), "greedy continuations differ"
    return {"logits": d, "scorer_losses": scored, "greedy_tokens": float(greedy[:, 20:].numel())}


def plain_tokenizer(size: int, path: Path) -> None:
    """A tokenizer.json of `size` words `t0`, `t1`, ..., with the control pieces of ours."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    pieces = ["<unk>", "<s>", "</s>", "<pad>"] + [f"t{i}" for i in range(4, size)]
    words = Tokenizer(models.WordLevel({p: i for i, p in enumerate(pieces)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    words.add_special_tokens(pieces[:4])
    words.save(str(path))


CHECKS: tuple[Callable[[], dict[str, float]], ...] = (
    bf16_step,
    compiled_blocks,
    loss_head,
    causal_attention,
    document_attention,
    resume,
    strategies,
    export_and_scorer,
)


def main() -> None:
    """Run all checks; the exit code is 1 where one failed."""
    distributed.start()
    failed = []
    for check in CHECKS:
        started = time.monotonic()
        torch._dynamo.reset()
        try:
            metrics: dict[str, Any] = {"ok": 1.0} | check()
        except Exception as error:
            failed.append(check.__name__)
            print(traceback.format_exc(limit=-4), flush=True)
            metrics = {"ok": 0.0, "error": f"{type(error).__name__}: {error}"[:600]}
        line(f"checks/{check.__name__}", metrics | {"seconds": round(time.monotonic() - started, 2)})
        if GPU:
            torch.cuda.empty_cache()
    metrics = {"passed": len(CHECKS) - len(failed), "failed": len(failed)}
    line("checks", metrics | {"names_of_failed": failed}, {"failed": 0})
    distributed.stop()
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
