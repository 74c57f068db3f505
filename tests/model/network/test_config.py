from __future__ import annotations

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
    with pytest.raises(ValueError, match="only rotary"):
        PRESETS["gpt-7b"].to_llama()


def test_debug_takes_the_tokenizers_vocabulary_and_is_small() -> None:
    assert model_config("debug", 8192).vocab_size == 8192
    assert 1_000_000 < model_config("debug", 8192).num_parameters < 2_000_000


def test_config_and_plan_import_no_torch() -> None:
    code = "import sys, model.network.config, model.plan.plan; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
