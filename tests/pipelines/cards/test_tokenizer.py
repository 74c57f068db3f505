"""Class sizes of the presets."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pipelines.cards.base import CardError
from pipelines.cards.tokenizer import RESERVED, TokenizerConfig
from pipelines.lake import Lake


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


def test_a_lake_may_have_tokenizer_cards_of_its_own(lake: Lake) -> None:
    assert TokenizerConfig.of(lake, "demo") == TokenizerConfig.preset("demo")
    with pytest.raises(
        CardError, match=r"'mine' is neither full .*cards/tokenizers/mine\.yaml does not exist"
    ):
        TokenizerConfig.of(lake, "mine")
    lake.write_bytes("cards/tokenizers/mine.yaml", b"name: mine\nwords: 100\nextends: inputs/base.json\n")
    mine = TokenizerConfig.of(lake, "mine")
    assert (mine.words, mine.extends) == (100, str(lake.local("inputs/base.json")))
    lake.write_bytes("cards/tokenizers/full.yaml", b"name: other\n")
    with pytest.raises(CardError, match=r"full\.yaml says `name: other`.*write `name: full`"):
        TokenizerConfig.of(lake, "full")


def test_where_the_extended_file_lies_is_no_parameter() -> None:
    one, other = (TokenizerConfig(name="x", extends=path) for path in ("/a.json", "/b.json"))
    assert one.parameters() == other.parameters() and "extends" not in one.parameters()
