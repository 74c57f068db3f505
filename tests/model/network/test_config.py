from __future__ import annotations

import re
import subprocess
import sys

import pytest

from model.network.config import PRESETS, ModelConfig, model_config, preset


def test_13b_has_the_parameters_of_paper_table_3() -> None:
    assert PRESETS["13b"].num_parameters == 13_854_269_952


def test_paper_flops_reproduce_table_10_within_one_percent() -> None:
    """Table 10: 176.2 TFLOP/s at 1,873 tokens per GPU and second."""
    assert PRESETS["13b"].flops_per_token(4096) == pytest.approx(176.2e12 / 1873, rel=0.01)
    assert PRESETS["13b"].exact_flops_per_token(4096) < PRESETS["13b"].flops_per_token(4096)


def test_exact_flops_of_a_hand_counted_model() -> None:
    config = ModelConfig(num_layers=1, hidden=4, num_heads=2, ffn=8, vocab_size=10)
    # Projections 4 x 16, feed-forward 3 x 32, head 40: 6 each. Attention over (L + 1) / 2 positions
    # on average: 12 x 4 x 2.
    assert config.exact_flops_per_token(3) == 6 * (64 + 96 + 40) + 12 * 4 * 2


def test_unknown_values_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown preset 'huge'"):
        preset("huge")
    with pytest.raises(ValueError, match="unknown model keys depth"):
        ModelConfig.from_json({"depth": 3})
    with pytest.raises(ValueError, match="must divide hidden"):
        ModelConfig(num_layers=1, hidden=10, num_heads=3, ffn=8)


def test_config_survives_json_and_llama_form() -> None:
    config = ModelConfig(
        num_layers=2, hidden=64, num_heads=4, num_kv_heads=2, ffn=96, vocab_size=300, context=64
    )
    assert ModelConfig.from_json(config.to_json()) == config
    assert ModelConfig.from_llama(config.to_llama()) == config
    within = config.model_copy(update={"document_attention": True})
    assert ModelConfig.from_llama(within.to_llama()) == within
    assert config.trained_at(16).to_llama()["max_position_embeddings"] == 16
    assert PRESETS["gpt-7b"].trained_at(16).context == PRESETS["gpt-7b"].context
    with pytest.raises(ValueError, match="only rotary"):
        PRESETS["gpt-7b"].to_llama()


LLAMA = ModelConfig(num_layers=2, hidden=64, num_heads=4, ffn=96, vocab_size=300, context=64).to_llama()


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "rope_scaling of type 'dynamic'"),
        ({"rope_scaling": {"type": "linear", "factor": 2.0}}, "rope_scaling of type 'linear'"),
        ({"rope_scaling": {"rope_type": "llama3", "factor": 8.0}}, "rope_scaling of type 'llama3'"),
        ({"rope_parameters": {"rope_type": "yarn", "factor": 4.0}}, "rope_parameters of type 'yarn'"),
        (
            {"rope_parameters": {"rope_type": "default", "partial_rotary_factor": 0.5}},
            "partial_rotary_factor",
        ),
        ({"partial_rotary_factor": 0.5}, "partial_rotary_factor 0.5"),
        ({"hidden_act": "gelu"}, "hidden_act 'gelu'"),
        ({"hidden_act": "gelu_pytorch_tanh"}, "hidden_act 'gelu_pytorch_tanh'"),
        ({"model_type": "gemma"}, "model_type 'gemma'"),
        ({"model_type": "granite"}, "model_type 'granite'"),
        ({"model_type": "qwen2"}, "model_type 'qwen2'"),
        ({"attention_bias": True}, "attention_bias"),
        ({"mlp_bias": True}, "mlp_bias"),
        ({"tie_word_embeddings": True}, "tie_word_embeddings"),
        ({"quantization_config": {"bits": 4}}, "quantization_config"),
        ({"head_dim": 32}, "head_dim 32"),
        ({"rms_norm_eps": None}, "lacks rms_norm_eps"),
    ],
)
def test_a_foreign_model_that_this_network_does_not_compute_is_refused(
    changes: dict[str, object], said: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(said)):
        ModelConfig.from_llama(LLAMA | changes)


def test_what_changes_nothing_is_read() -> None:
    ours = ModelConfig.from_llama(LLAMA)
    for same in (
        {"rope_scaling": None},
        {"rope_scaling": {"rope_type": "default"}},
        {"rope_scaling": {"type": "linear", "factor": 1.0}},
        {"model_type": "mistral", "sliding_window": None},
        {"model_type": "mistral", "sliding_window": 4096},
        {"sliding_window": 16, "use_sliding_window": False},
        {"hidden_act": "swish", "head_dim": None, "pretraining_tp": 2},
    ):
        assert ModelConfig.from_llama(LLAMA | same) == ours, same
    theta = {k: v for k, v in LLAMA.items() if k != "rope_theta"}
    theta["rope_parameters"] = {"rope_type": "default", "rope_theta": 5e5}
    assert ModelConfig.from_llama(theta).rope_theta == 5e5


def test_a_sliding_window_bounds_the_context() -> None:
    """A position that looks back over a window alone is a causal one up to the window's length."""
    assert ModelConfig.from_llama(LLAMA | {"model_type": "mistral", "sliding_window": 16}).context == 16


def test_debug_takes_the_tokenizers_vocabulary_and_is_small() -> None:
    assert model_config("debug", 8192).vocab_size == 8192
    assert 1_000_000 < model_config("debug", 8192).num_parameters < 2_000_000


def test_config_and_plan_import_no_torch() -> None:
    code = "import sys, model.network.config, model.plan.plan; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
