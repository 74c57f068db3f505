"""The paper's formulas against its tables, domains by name."""

from __future__ import annotations

import gzip
import json
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from model.checkpoints.export import export_model
from model.evaluate import language_loss
from model.evaluate.language_loss import (
    cut_characters,
    domain_perplexity,
    geometric_mean,
    last_in_loop,
    losses_of_documents,
    normalised_loss,
    stream_losses,
    stream_windows,
    validation_loss,
)
from model.evaluate.scorer import load_scorer
from model.network.architecture import Skywork
from model.network.config import ModelConfig
from model.training import distributed
from model.training.validation import Validation
from pipelines.shards.reader import ShardSet
from tests.support.evaluation import CONFIG
from tests.support.evaluation import scorer as tiny
from tests.support.training_runs import VOCABULARY

# Table 6 of the paper: six perplexities and the printed average.
TABLE_6 = {
    "ChatGLM3-6B": ((12.48, 23.48, 5.07, 18.45, 5.67, 7.47), 10.25),
    "MOSS-7B": ((20.83, 39.66, 11.08, 31.24, 10.59, 13.25), 18.50),
    "InternLM-7B": ((13.43, 24.90, 5.88, 19.78, 6.17, 8.10), 11.17),
    "Qwen-7B": ((13.39, 25.16, 5.55, 19.26, 5.76, 7.78), 10.83),
    "Baichuan2-7B": ((12.89, 23.26, 5.34, 18.36, 5.68, 7.62), 10.41),
    "LLaMA2-13B": ((23.26, 50.66, 18.09, 32.52, 14.85, 16.55), 23.54),
    "Xverse-13B": ((12.55, 23.49, 5.20, 17.69, 5.54, 7.46), 10.19),
    "Baichuan-13B": ((12.38, 22.46, 5.21, 17.59, 5.42, 7.37), 10.03),
    "Baichuan2-13B": ((12.14, 21.85, 5.05, 17.15, 5.35, 7.24), 9.81),
    "Qwen-14B": ((11.90, 22.43, 4.89, 16.94, 5.24, 7.03), 9.67),
    "InternLM-20B": ((12.34, 22.06, 5.75, 17.45, 5.73, 7.78), 10.34),
    "Aquila2-34B": ((14.62, 29.09, 5.72, 21.78, 5.83, 8.45), 11.73),
    "Skywork-13B": ((11.58, 21.84, 4.76, 17.28, 4.92, 6.82), 9.42),
}


@pytest.mark.parametrize("model", TABLE_6)
def test_average_of_table_6(model: str) -> None:
    perplexities, printed = TABLE_6[model]
    assert geometric_mean(perplexities) == pytest.approx(printed, abs=0.011)


def test_cut_and_normalise() -> None:
    assert len(cut_characters("字" * 5000)) == 1365
    assert normalised_loss(2.0, 300, 200) == pytest.approx(3.0)
    with pytest.raises(ValueError):
        normalised_loss(2.0, 300, 0)
    with pytest.raises(ValueError):
        geometric_mean([])


@pytest.mark.parametrize("length", [0, 1, 2, 8, 9, 16, 17, 50])
def test_windows_predict_every_token_once(length: int) -> None:
    predicted = [t for start, count in stream_windows(length, 8) for t in range(start + 1, start + count)]
    assert predicted == list(range(1, length))


def test_domains_are_averaged_and_missing_ones_named(tmp_path: Path) -> None:
    assert "missing" in domain_perplexity(tiny(), None)
    for domain in language_loss.DOMAINS[:-1]:
        with gzip.open(tmp_path / f"zh_{domain}.jsonl.gz", "wt", encoding="utf-8") as stream:
            stream.write("".join(json.dumps({"text": f"{domain} abc {i}"}) + "\n" for i in range(3)))
    report = domain_perplexity(tiny(), tmp_path)
    assert "zh_general.jsonl" in report["domains"]["general"]["missing"]
    assert "geometric_mean" not in report and "general" in report["missing"]
    (tmp_path / "zh_general.jsonl").write_text(json.dumps({"text": "abcdef"}) + "\n", encoding="utf-8")
    report = domain_perplexity(tiny(), tmp_path, reference={"general": 10})
    general = report["domains"]["general"]
    assert general["tokens"] == 5 and general["loss_normalised"] == pytest.approx(general["loss"] / 2)
    logs = [math.log(report["domains"][d]["perplexity"]) for d in language_loss.DOMAINS]
    assert math.log(report["geometric_mean"]) == pytest.approx(sum(logs) / 6)
    # Six bytes, five predicted: bits per byte counts all bytes of the text.
    assert general["bits_per_byte"] == pytest.approx(general["loss"] * 5 / math.log(2) / 6)


class Loop:
    """An engine that evaluates as the training loop does, without DeepSpeed."""

    reports = True
    inner = SimpleNamespace(device="cpu")

    def __init__(self, network: Skywork) -> None:
        self.network = network

    @torch.no_grad()
    def evaluate(self, batches: Any) -> torch.Tensor:
        return torch.cat([self.network(i, t.contiguous(), d)[1].double().sum(1) for i, t, d in batches])


@pytest.mark.parametrize("boundaries", [False, True])
def test_in_loop_and_exported_losses_agree_on_equal_text(
    shards: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundaries: bool
) -> None:
    """The preset's context is not what was trained: the run's sequence length is, and the export
    says so, as it says whether the model looks across documents."""
    from tokenizers import Tokenizer, models

    monkeypatch.setattr(distributed, "total", lambda values: [float(v) for v in values])
    config = ModelConfig(
        num_layers=2,
        hidden=16,
        num_heads=2,
        ffn=24,
        vocab_size=VOCABULARY,
        init_std=0.6,
        document_attention=boundaries,
    )
    network = Skywork(config, seed=0).eval()
    Tokenizer(models.WordLevel({str(i): i for i in range(VOCABULARY)}, "0")).save(
        str(tmp_path / "tokenizer.json")
    )
    export = tmp_path / "export" / "stage2"
    export_model(network.state_dict(), config.trained_at(32), tmp_path / "tokenizer.json", export)
    (export / "stage.json").write_text(
        json.dumps({"step": 8, "sequence_length": 32, "checkpoint": str(tmp_path / "checkpoints" / "8")})
    )
    loop = Validation(shards["validation"], 32, 4, 5, 0, 1, boundaries)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "validation.jsonl").write_text(
        "".join(json.dumps(r) + "\n" for step in (4, 8) for r in loop.run(Loop(network), step, 3.0))
    )
    scorer = load_scorer(export, "cpu")
    assert scorer.context == 32 and scorer.boundaries == boundaries
    in_loop = last_in_loop(tmp_path, export, 32)
    report = validation_loss(scorer, shards["validation"], export / "tokenizer.json", in_loop=in_loop)
    for domain in ("web-en", "web-zh"):
        both = report["domains"][domain]["in_loop"]
        assert both["tokens"] == 5 * 32 and both["agrees"]
        assert both["loss_exported"] == pytest.approx(both["loss"], rel=1e-5)
    if boundaries:
        scorer.boundaries = False  # as a loader that forgets them
        report = validation_loss(scorer, shards["validation"], export / "tokenizer.json", in_loop=in_loop)
        assert not report["domains"]["web-en"]["in_loop"]["agrees"]


def test_losses_of_documents_sum_to_those_of_the_stream(shards: dict[str, Path]) -> None:
    """Whatever the windows; a document has as many predicted tokens as it holds, the first of the
    stream one less."""
    one = tiny(context=16)
    one.network = Skywork(CONFIG.model_copy(update={"vocab_size": VOCABULARY}), seed=0).eval()
    one.vocab_size = VOCABULARY
    found = losses_of_documents(one, shards["validation"])
    opened = ShardSet.open(shards["validation"])
    for source, losses in found.items():
        length = opened.sources[source].tokens
        assert losses.tokens.tolist()[:2] == [36, 37] and losses.tokens.sum() == length - 1
        rows = [row for _, row in stream_losses(one, opened, source, length)]
        assert losses.nll.sum() == pytest.approx(float(np.concatenate(rows).sum(dtype=np.float64)))


def test_losses_of_another_length_or_run_are_not_set_side_by_side(tmp_path: Path) -> None:
    assert last_in_loop(tmp_path, tmp_path, 32) == {}
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "validation.jsonl").write_text('{"step": 8, "domain": "a", "loss": 1.0}\n')
    record = {"step": 8, "sequence_length": 32, "checkpoint": str(tmp_path / "checkpoints" / "8")}
    (tmp_path / "stage.json").write_text(json.dumps(record))
    assert last_in_loop(tmp_path, tmp_path, 32)["a"]["loss"] == 1.0
    assert last_in_loop(tmp_path, tmp_path, 64) == {}
    assert last_in_loop(tmp_path / "logs", tmp_path, 32) == {}
