"""Figures of the report, against counting by hand and against the peers' own code."""

from __future__ import annotations

import marshal
from pathlib import Path

import pytest

from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.report import (
    _segmenter,
    count_words,
    load_peers,
    measure_tokenizer,
    tokenizer_report_stage,
)
from tests.support.tokenizer_samples import corpus, sample_texts


def test_measure_counts_bytes_characters_words_and_fallback() -> None:
    figures = measure_tokenizer(
        lambda texts: [[1, 2, 9] for _ in texts], ["ab中", "xyz"], frozenset([9]), words=4
    )
    assert figures == {
        "tokens": 6,
        "bytes_per_token": 1.3333,
        "characters_per_token": 1.0,
        "fertility": 1.5,
        "fallback_share": 0.333333,
    }


def test_words_are_those_of_jieba_and_runs_elsewhere() -> None:
    assert count_words(["我们研究 two words"]) == 4


def test_report_has_every_domain_and_unused_ids(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    tokenizer = build(
        lake,
        InProcess(),
        tokenizer_stage([corpus(lake, sample_texts())], TokenizerConfig.proportional("test", 1_200, 50_000)),
    ).dataset
    held_out = corpus(lake, sample_texts(10, seed=1), name="validation_sets", domain="web-zh")
    stage = tokenizer_report_stage(
        tokenizer, held_out, None, lambda name, report: f"{name}: {report['unused_ids']}"
    )
    dataset = build(lake, InProcess(), stage).dataset
    report = dataset.read_json("report.json")
    page = dataset.local("report.html").read_text(encoding="utf-8")
    assert page == f"{tokenizer.manifest.partition}: {report['unused_ids']}"
    assert set(report["domains"]) == {"web-zh"} and report["domains"]["web-zh"]["ours"]["bytes_per_token"] > 2
    assert 0 < report["unused_ids"]["ours"] < 1_200


def test_peers_have_their_published_sizes_and_encode(shared_data: Path) -> None:
    peers = load_peers(shared_data / "tokenizers")
    assert {n: p[1] for n, p in peers.items() if n in ("llama2-tokenizer", "chinese-llama", "qwen")} == {
        "llama2-tokenizer": 32_000,
        "chinese-llama": 49_953,
        "qwen": 151_643,
    }
    encode, _, falls = peers["llama2-tokenizer"]
    (ids,) = encode(["龘"])
    assert sum(i in falls for i in ids) == 3
    for encode, _, _ in peers.values():
        assert all(len(ids) < 12 for ids in encode(["hello world", "中文"]))


def test_words_are_cut_by_no_cache_that_others_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """jieba's default reads `jieba.cache` of the machine's temporary files."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "jieba.cache").write_bytes(marshal.dumps(({"我们": 1, "我们今天": 9**9}, 9**9)))
    _segmenter.cache_clear()
    assert count_words(["我们今天"]) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["jieba.cache"]
    _segmenter.cache_clear()
