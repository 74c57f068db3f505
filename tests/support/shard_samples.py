"""What the tests of token shards are made of: texts of both languages, a small vocabulary, an order."""

from __future__ import annotations

from pipelines.cards.tokenizer import TokenizerConfig
from tests.support.tokenizer_samples import sample_texts

TEXTS = [*sample_texts(), ("en", ""), ("zh", "🚀龘\x00 </s> <0x41>")]
CONFIG = TokenizerConfig.proportional("test", 1_200, sample_chars=50_000)
SEED = 7
