"""Which documents are drawn, and that neither parts nor the engine matter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from pipelines.tokenizer.pretokens import count_pretokens
from pipelines.tokenizer.sample import draw_sample, quotas
from tests.support.tokenizer_samples import corpus, sample_texts

CONFIG = TokenizerConfig.proportional("test", 1_500, sample_chars=100_000)


def test_everything_is_drawn_where_it_fits(tmp_path: Path) -> None:
    lake, texts = Lake(tmp_path), sample_texts()
    counts, drawn = draw_sample(lake, InProcess(), [corpus(lake, texts)], CONFIG, "staging/s")
    assert counts == count_pretokens([text for _, text in texts])
    assert sum(d["documents"] for d in drawn.values()) == len(texts) and not lake.folders("staging")


def test_a_small_domain_is_taken_whole_and_the_rest_is_shared(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    texts = [("zh", "汉" * 100)] + [("en", "a" * 100)] * 50 + [("fr", "b" * 100)] * 50
    config = CONFIG.model_copy(update={"sample_chars": 2_100})
    _, drawn = draw_sample(lake, InProcess(), [corpus(lake, texts)], config, "staging/s")
    assert {d: v["characters"] for d, v in drawn.items()} == {
        "zh-webpages": 100,
        "en-webpages": 1_000,
        "fr-webpages": 1_000,
    }


def test_weights_are_shares_of_the_sample() -> None:
    config = CONFIG.model_copy(update={"sample_chars": 400, "weights": {"zh-webpages": 3.0}})
    assert quotas({"zh-webpages": 1_000, "en-webpages": 1_000}, config) == {
        "zh-webpages": 300,
        "en-webpages": 100,
    }
    assert quotas({"zh-webpages": 120, "en-webpages": 1_000}, config) == {
        "zh-webpages": 120,
        "en-webpages": 280,
    }


def test_parts_and_engine_do_not_matter(tmp_path: Path, spark: Spark) -> None:
    config, found = CONFIG.model_copy(update={"sample_chars": 8_000}), []
    for parts, engine in ((1, InProcess()), (4, InProcess()), (3, spark)):
        lake = Lake(tmp_path / str(parts))
        found.append(
            draw_sample(lake, engine, [corpus(lake, sample_texts(200), parts=parts)], config, "staging/s")
        )
    assert found[0] == found[1] == found[2]
    assert list(found[0][0]) == list(found[1][0]) == list(found[2][0])


def test_a_sample_that_broke_off_is_taken_up_again(tmp_path: Path) -> None:
    lake, texts = Lake(tmp_path), sample_texts()
    texts_corpus = corpus(lake, texts)

    class Breaks(InProcess):
        calls = 0

        def map_parts(self, count: int, work: Callable[[int], None]) -> None:
            self.calls += 1
            super().map_parts(count if self.calls == 1 else count - 1, work)
            if self.calls == 2:
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        draw_sample(lake, Breaks(), [texts_corpus], CONFIG, "staging/s")
    assert lake.folders("staging")
    counts, _ = draw_sample(lake, InProcess(), [texts_corpus], CONFIG, "staging/s")
    assert counts == count_pretokens([text for _, text in texts])
