"""Class sizes of the presets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.base import CardError
from pipelines.tokenizer.config import RESERVED, TokenizerConfig


def test_full_preset_has_the_sizes_of_the_paper() -> None:
    config = TokenizerConfig.preset("full")
    assert (config.latin, config.characters, config.words, len(RESERVED), config.vocab_size) == (
        32_000,
        8_000,
        25_519,
        17,
        65_536,
    )
    assert RESERVED[:4] == ("<unk>", "<s>", "</s>", "<pad>") and len(set(RESERVED)) == 17


@pytest.mark.parametrize("size", [1_000, 8_192, 20_011, 65_536])
def test_smaller_vocabularies_keep_the_proportions_and_the_exact_size(size: int) -> None:
    config = TokenizerConfig.proportional("small", size)
    assert config.vocab_size == size
    assert abs(config.latin / size - 32_000 / 65_536) < 0.01
    assert abs(config.characters / size - 8_000 / 65_536) < 0.01


def test_unknown_preset_and_oversized_vocabulary_are_refused() -> None:
    with pytest.raises(CardError, match="full"):
        TokenizerConfig.preset("giant")
    with pytest.raises(ValidationError, match="uint16"):
        TokenizerConfig(name="big", words=40_000)
    with pytest.raises(ValidationError, match="256 bytes"):
        TokenizerConfig(name="none", latin=200)
