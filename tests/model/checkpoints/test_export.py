from __future__ import annotations

from pathlib import Path

import pytest
import torch

from model.checkpoints import export as exporting
from model.checkpoints import gpt2
from model.network.architecture import Skywork
from model.network.config import ModelConfig
from pipelines.lake.outputs import OutputError

CONFIG = ModelConfig(num_layers=2, hidden=64, num_heads=4, num_kv_heads=2, ffn=96, vocab_size=300, context=64)


@pytest.mark.parametrize("shard_bytes", [5 << 30, 40_000])
def test_export_is_read_back_by_us_and_by_transformers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shard_bytes: int
) -> None:
    transformers = pytest.importorskip("transformers")
    monkeypatch.setattr(exporting, "SHARD_BYTES", shard_bytes)
    model = Skywork(CONFIG, seed=1).eval()
    first = exporting.export_model(model.state_dict(), CONFIG, None, tmp_path / "out")
    ours = exporting.load_model(tmp_path / "out")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(ours(ids), model(ids))
        torch.testing.assert_close(theirs(ids).logits, model(ids), atol=1e-5, rtol=0)
    modes = {p.stat().st_mode for p in (tmp_path / "out").iterdir() if not p.name.startswith(".")}
    assert len(modes) == 1, "weights are as readable as the rest"
    assert exporting.export_model(model.state_dict(), CONFIG, None, tmp_path / "again") == first
    assert (
        exporting.export_model(Skywork(CONFIG, seed=2).state_dict(), CONFIG, None, tmp_path / "other")
        != first
    )


GPT = CONFIG.model_copy(
    update={
        "num_kv_heads": 4,
        "positions": "absolute",
        "norm": "layer",
        "activation": "gelu",
        "dropout": 0.1,
    }
)


def test_the_gpt_of_the_ablation_is_read_back_by_us_and_by_transformers(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    model = Skywork(GPT, seed=1).eval()
    with torch.no_grad():  # norms that do something
        for name, p in model.named_parameters():
            if "norm" in name:
                p.add_(torch.randn_like(p) * 0.1)
    exporting.export_model(model.state_dict(), GPT, None, tmp_path / "out")
    ours = exporting.load_model(tmp_path / "out")
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "out", dtype=torch.float32)
    ids = torch.arange(20)[None]
    with torch.no_grad():
        assert torch.equal(ours(ids), model(ids))
        torch.testing.assert_close(theirs.eval()(ids).logits, model(ids), atol=1e-5, rtol=0)
    assert ours.config == GPT


def test_a_gpt_2_with_biases_is_refused(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.GPT2Config(**gpt2.to_gpt2(GPT))
    foreign = transformers.GPT2LMHeadModel(config)
    torch.nn.init.ones_(foreign.transformer.h[1].mlp.c_fc.bias)
    foreign.save_pretrained(tmp_path / "foreign")
    with pytest.raises(ValueError, match=r"transformer\.h\.1\.mlp\.c_fc has a bias"):
        exporting.load_model(tmp_path / "foreign")


def test_a_folder_of_another_model_is_refused(tmp_path: Path) -> None:
    state = Skywork(CONFIG, seed=1).state_dict()
    del state["model.norm.weight"]
    exporting.export_model(state, CONFIG, None, tmp_path / "out")
    with pytest.raises(ValueError, match=r"model\.norm\.weight"):
        exporting.load_model(tmp_path / "out")
    with pytest.raises(FileNotFoundError):
        exporting.load_model(tmp_path / "nowhere")


def test_a_sliding_window_is_read_up_to_its_length_and_scaled_angles_are_refused(tmp_path: Path) -> None:
    """Against transformers, whose Mistral looks back over 16 positions: equal up to there, and what
    differs is refused by the folder's name."""
    transformers = pytest.importorskip("transformers")
    torch.manual_seed(0)
    shape = {"vocab_size": 300, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2}
    shape |= {"num_attention_heads": 4, "num_key_value_heads": 2, "max_position_embeddings": 64}
    mistral = transformers.MistralForCausalLM(
        transformers.MistralConfig(**shape, sliding_window=16, attn_implementation="eager")
    ).eval()
    mistral.save_pretrained(tmp_path / "mistral")
    ours = exporting.load_model(tmp_path / "mistral")
    assert ours.config.context == 16
    ids = torch.randint(0, 300, (1, 40))
    with torch.no_grad():
        theirs, whole = mistral(ids).logits, ours(ids)
    torch.testing.assert_close(theirs[:, :16], whole[:, :16], atol=1e-5, rtol=0)
    assert (theirs - whole)[:, -1].abs().max() > 1e-3  # beyond the window the two differ
    scaled = transformers.LlamaConfig(**shape, rope_scaling={"rope_type": "linear", "factor": 4.0})
    transformers.LlamaForCausalLM(scaled).save_pretrained(tmp_path / "scaled")
    with pytest.raises(ValueError, match=r"scaled: config\.json asks for rope_.* of type 'linear'"):
        exporting.load_model(tmp_path / "scaled")


def test_an_export_replaces_an_earlier_one_and_nothing_else(tmp_path: Path) -> None:
    state, out = Skywork(CONFIG, seed=1).state_dict(), tmp_path / "out"
    exporting.export_model(state, CONFIG, None, out)
    exporting.export_model(state, CONFIG, None, out, {"step": 3})
    assert '"step": 3' in (out / "stage.json").read_text()
    (out / "thesis.tex").write_text("years of work")
    with pytest.raises(OutputError, match=r"thesis\.tex, which is not part of it"):
        exporting.export_model(state, CONFIG, None, out)
    assert (out / "thesis.tex").read_text() == "years of work"
