"""Leakage is detected: tiny models that were, and were not, trained on the test split of planted
pairs (paper 5.2).

Three splits of arithmetic questions are drawn from one source, so a model that has seen none, or
that has seen other text of that source, cannot tell them apart. Each model is trained on ordinary
text and what is planted in it.
"""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from model.evaluate.leakage import leakage
from model.evaluate.scorer import Scorer
from model.network.architecture import Skywork
from model.network.config import ModelConfig
from tests.support.evaluation import UNKNOWN, Characters

CONTEXT, SAMPLES, STEPS = 48, 16, 500
CONFIG = ModelConfig(num_layers=2, hidden=48, num_heads=2, ffn=96, vocab_size=UNKNOWN + 1, context=CONTEXT)
SPLITS = ("train", "test", "reference")


def pair(rng: random.Random) -> dict[str, str]:
    a, b = rng.randrange(100, 1000), rng.randrange(100, 1000)
    return {"question": f"q: {a} apples and {b} figs?", "answer": f"{a} + {b} = {a + b} #### {a + b}"}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pairs"), random.Random(0)
    for name in SPLITS:
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(pair(rng)) + "\n" for _ in range(SAMPLES)))
    return folder


def trained(data: Path, *planted: str) -> Scorer:
    """A model that has read fresh pairs of the same source all along, and in three quarters of each
    batch the planted splits."""
    generator, rng = torch.Generator().manual_seed(1), random.Random(2)
    texts = [
        json.loads(line) for name in planted for line in (data / f"{name}.jsonl").read_text().splitlines()
    ]
    network = Skywork(CONFIG, seed=3).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=6e-3, betas=(0.9, 0.95), weight_decay=0.0)
    for step in range(STEPS):
        rows = [pair(rng) for _ in range(4 if texts else 16)]
        rows += (
            [texts[int(i)] for i in torch.randint(len(texts), (12,), generator=generator)] if texts else []
        )
        ids = [
            Characters().encode(f"{r['question']} {r['answer']}", add_special_tokens=False).ids[:CONTEXT]
            for r in rows
        ]
        batch = torch.zeros(len(ids), max(map(len, ids)), dtype=torch.long)
        for row, sequence in zip(batch, ids, strict=True):
            row[: len(sequence)] = torch.tensor(sequence)
        for group in optimizer.param_groups:
            group["lr"] = 6e-3 * min(1.0, (step + 1) / 20) * (1 - step / STEPS)
        total, losses = network(batch[:, :-1], batch[:, 1:])
        (total / losses.numel()).backward()
        optimizer.step()
        optimizer.zero_grad()
    return Scorer(network.eval(), Characters(), CONTEXT, UNKNOWN + 1)


def report(data: Path, *planted: str) -> dict[str, Any]:
    return leakage(trained(data, *planted), data)


def test_a_model_trained_on_the_test_split_is_found(data: Path) -> None:
    found = report(data, "test")
    assert found["flags"] == {"test_leaked": True, "train_overfit": False}
    assert found["D1_interval"][1] < 0, "the whole interval of L_test - L_ref lies below zero"
    assert found["D2_interval"][1] < 0


def test_a_clean_model_is_not(data: Path) -> None:
    found = report(data)
    assert found["flags"] == {"test_leaked": False, "train_overfit": False}
    for name in ("D1_interval", "D2_interval"):
        assert found[name][0] < 0.05 and found[name][1] > -0.05, "the interval holds zero"


def test_a_model_trained_on_the_train_split_is_over_fitted_to_it_only(data: Path) -> None:
    found = report(data, "train")
    assert found["flags"] == {"test_leaked": False, "train_overfit": True}
    assert found["D2_interval"][0] > 0 and found["D1_interval"][0] < 0.05 and found["D1_interval"][1] > -0.05
