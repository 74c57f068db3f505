from __future__ import annotations

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.tokenizer.pieces import train_pieces
from pipelines.tokenizer.pretokens import count_pretokens
from tests.support.tokenizer_samples import sample_texts

CONFIG = TokenizerConfig.proportional("test", 1_200, sample_chars=50_000)


def test_a_text_of_one_language_still_fills_every_class() -> None:
    pieces = train_pieces(count_pretokens(["only english words here"]), CONFIG)
    assert (
        len(pieces.latin) == CONFIG.latin - 256
        and len(pieces.characters) == CONFIG.characters
        and len(pieces.words) == CONFIG.words
    )


def test_pieces_do_not_depend_on_the_order_of_the_counts() -> None:
    counts = count_pretokens([text for _, text in sample_texts(5)])
    assert train_pieces(counts, CONFIG) == train_pieces(dict(reversed(counts.items())), CONFIG)
