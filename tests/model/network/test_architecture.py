from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from model.network.architecture import Block, Skywork, decay_groups, initialize
from model.network.attention import KeyValueCache, Rotary
from model.network.config import PRESETS, ModelConfig

GROUPED = ModelConfig(
    num_layers=2, hidden=64, num_heads=4, num_kv_heads=2, ffn=96, vocab_size=300, context=64
)
GPT = ModelConfig(
    num_layers=2,
    hidden=32,
    num_heads=2,
    ffn=64,
    vocab_size=300,
    context=64,
    positions="absolute",
    norm="layer",
    activation="gelu",
)


@pytest.fixture
def ids() -> torch.Tensor:
    return torch.randint(0, 300, (3, 34), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kv", [2, 4])
def test_logits_and_gradients_equal_huggingface_llama(ids: torch.Tensor, kv: int) -> None:
    transformers = pytest.importorskip("transformers")
    config = ModelConfig.from_json(GROUPED.to_json() | {"num_kv_heads": kv})
    ours = Skywork(config, seed=1)
    theirs = transformers.LlamaForCausalLM(
        transformers.LlamaConfig(**config.to_llama(), attn_implementation="sdpa")
    )
    theirs.load_state_dict(ours.state_dict())
    x, y = ids[:, :-1], ids[:, 1:]
    logits = theirs(x).logits
    torch.testing.assert_close(ours(x), logits, atol=1e-5, rtol=0)
    ours(x, y)[0].backward()
    F.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="sum").backward()
    named = dict(theirs.named_parameters())
    for name, p in ours.named_parameters():
        scale = float(named[name].grad.abs().max())
        torch.testing.assert_close(p.grad / scale, named[name].grad / scale, atol=1e-5, rtol=0)


@pytest.mark.parametrize("config", [GROUPED, GPT], ids=["llama", "gpt"])
def test_cached_logits_equal_uncached_in_any_cut(ids: torch.Tensor, config: ModelConfig) -> None:
    model = Skywork(config, seed=1).eval()
    caches = [KeyValueCache() for _ in model.model.layers]
    with torch.no_grad():
        parts = [model(ids[:, a:b], caches=caches) for a, b in ((0, 10), (10, 11), (11, 30), (30, 34))]
        torch.testing.assert_close(torch.cat(parts, dim=1), model(ids), atol=1e-5, rtol=0)


def test_generation_is_the_argmax_of_uncached_logits(ids: torch.Tensor) -> None:
    model = Skywork(GROUPED, seed=1)
    out = model.generate(ids[:, :8], 5)
    assert out.shape == (3, 13)
    with torch.no_grad():
        for i in range(8, 13):
            assert torch.equal(model(out[:, :i])[:, -1].argmax(-1), out[:, i])


def test_activation_checkpointing_changes_no_gradient(
    ids: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = Skywork(GROUPED, seed=1)
    plain = torch.autograd.grad(model(ids[:, :-1], ids[:, 1:])[0], list(model.parameters()))
    computed = []
    for layer in model.model.layers:
        layer.checkpointing = True
        monkeypatch.setattr(layer, "compute", lambda *args, of=layer.compute: computed.append(1) or of(*args))
    again = torch.autograd.grad(model(ids[:, :-1], ids[:, 1:])[0], list(model.parameters()))
    assert all(torch.equal(a, b) for a, b in zip(plain, again, strict=True))
    assert len(computed) == 2 * GROUPED.num_layers, "computed once: nothing was recomputed"


@pytest.mark.parametrize("name", list(PRESETS))
def test_parameter_counts_hold_on_the_meta_device(name: str) -> None:
    with torch.device("meta"):
        model = Skywork(PRESETS[name])
    assert sum(p.numel() for p in model.parameters()) == PRESETS[name].num_parameters


def test_gpt_shape_of_the_ablation_trains(ids: torch.Tensor) -> None:
    model = Skywork(GPT, seed=1)
    model(ids[:, :-1], ids[:, 1:])[0].backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.full
def test_compiled_blocks_change_neither_loss_nor_gradients(ids: torch.Tensor) -> None:
    config = ModelConfig.from_json(GROUPED.to_json() | {"document_attention": True})
    eager, compiled = (Skywork(config, seed=1) for _ in range(2))
    for layer in compiled.model.layers:
        layer.compile()
    documents = (torch.arange(33)[None] // torch.tensor([[7], [12], [33]])).int()
    for given in (None, documents):
        losses = [model(ids[:, :-1], ids[:, 1:], given)[0] for model in (eager, compiled)]
        torch.testing.assert_close(losses[1], losses[0], atol=1e-5, rtol=1e-6)
        wanted, found = (
            torch.autograd.grad(loss, list(m.parameters()))
            for loss, m in zip(losses, (eager, compiled), strict=True)
        )
        for a, b in zip(found, wanted, strict=True):
            torch.testing.assert_close(a, b, atol=2e-5, rtol=1e-4)


def test_a_compiled_block_is_one_graph_on_the_device_of_its_input() -> None:
    """Work of the CPU in the graph (angles, masks) would make the compiler build C++ beside GPU
    kernels, and move its results to the device at each call."""
    graphs = []

    def backend(graph: torch.fx.GraphModule, _: object) -> object:
        graphs.append(graph)
        return graph.forward

    config = PRESETS["1b"]
    with torch.device("meta"):
        block = Block(config, Rotary(config))
        x = torch.empty(1, 16, config.hidden, requires_grad=True)
    block.compile(backend=backend, fullgraph=True)
    block(x)
    assert len(graphs) == 1
    values = [node.meta.get("example_value") for node in graphs[0].graph.nodes]
    assert {v.device.type for v in values if isinstance(v, torch.Tensor)} == {"meta"}


def test_norms_and_embeddings_do_not_decay() -> None:
    model = Skywork(GROUPED, seed=1)
    decayed, plain = decay_groups(model, 0.1)
    names = {id(p): n for n, p in model.named_parameters()}
    assert all("norm" in names[id(p)] or "embed" in names[id(p)] for p in plain["params"])
    assert len(decayed["params"]) == 2 * 7 + 1 and plain["weight_decay"] == 0.0


def test_weights_do_not_depend_on_the_order_of_construction() -> None:
    whole, again = Skywork(GROUPED, seed=1), Skywork(GROUPED, seed=1)
    initialize(again.lm_head, GROUPED, 1, "lm_head.")
    assert all(torch.equal(a, b) for a, b in zip(whole.parameters(), again.parameters(), strict=True))
    assert not torch.equal(Skywork(GROUPED, seed=2).lm_head.weight, whole.lm_head.weight)
