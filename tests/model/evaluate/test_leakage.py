"""The paper's Table 8 as an oracle of the marking; intervals; missing files by name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from model.evaluate.leakage import differences, leakage, marks, sample_text
from model.evaluate.scorer import Losses
from tests.support.evaluation import scorer

# L_test, L_train, L_ref, is D1 marked, is D2 marked.
TABLE_8 = {
    "ChatGLM3-6B": (0.99, 0.78, 0.99, False, True),
    "MOSS-7B": (1.51, 1.52, 1.49, False, False),
    "InternLM-7B": (1.21, 1.12, 1.27, False, False),
    "Qwen-7B": (1.07, 0.64, 1.10, False, True),
    "Baichuan2-7B": (1.41, 1.42, 1.36, False, False),
    "LLaMA-13B": (1.41, 1.42, 1.36, False, False),
    "LLaMA2-13B": (1.36, 1.38, 1.33, False, False),
    "Xverse-13B": (1.42, 1.43, 1.39, False, False),
    "Baichuan-13B": (1.41, 1.42, 1.37, False, False),
    "Baichuan2-13B": (1.09, 0.72, 1.12, False, True),
    "Qwen-14B": (1.03, 0.42, 1.14, False, True),
    "InternLM-20B": (1.20, 1.09, 1.19, False, False),
    "Aquila2-34B": (0.78, 0.39, 1.29, True, True),
    "Skywork-13B": (1.01, 0.97, 1.00, False, False),
}


def losses(mean: float, spread: float = 0.0, samples: int = 50) -> Losses:
    tokens = np.full(samples, 100, dtype=np.int64)
    per_token = mean + spread * np.linspace(-1, 1, samples)
    return Losses(per_token * tokens, tokens)


@pytest.mark.parametrize("model", TABLE_8)
def test_marks_of_table_8(model: str) -> None:
    test, train, reference, d1, d2 = TABLE_8[model]
    report = differences(losses(train), losses(test), losses(reference))
    assert report["flags"] == {"test_leaked": d1, "train_overfit": d2}
    assert report["D1"] == pytest.approx(test - reference)
    assert report["D2"] == pytest.approx(test - train)


def test_thresholds_are_strict() -> None:
    assert marks(-0.2, 0.15) == {"test_leaked": False, "train_overfit": False}


def test_interval_is_seeded_and_holds_the_difference() -> None:
    sets = losses(0.5, 0.3), losses(1.0, 0.3), losses(1.1, 0.3)
    report = differences(*sets)
    assert report == differences(*sets)
    assert report["D1_interval"] != differences(*sets, seed=7)["D1_interval"]
    for name in ("D1", "D2"):
        low, high = report[f"{name}_interval"]
        assert low < report[name] < high < low + 0.3


def test_longer_samples_weigh_more() -> None:
    assert Losses(np.array([10.0, 300.0]), np.array([10, 100])).mean == pytest.approx(310 / 110)


def test_sample_keeps_notes_and_the_final_line() -> None:
    assert sample_text({"question": "q?", "answer": "a <<1+1=2>>2\n#### 2"}) == "q? a <<1+1=2>>2\n#### 2"
    assert sample_text({"text": "t"}) == "t"


def test_report_on_files_and_missing_by_name(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / f"{name}.jsonl").write_text(
            "".join(json.dumps({"text": f"{name} {i} abc"}) + "\n" for i in range(5))
        )
    assert "reference.jsonl" in leakage(scorer(), tmp_path)["missing"]
    assert "missing" in leakage(scorer(), None)
    (tmp_path / "reference.jsonl").write_text(json.dumps({"text": "abc def"}) + "\n")
    report = leakage(scorer(), tmp_path)
    assert report["D1"] == pytest.approx(report["L_test"] - report["L_ref"])
    assert report["sets"]["train"]["samples"] == 5 and report["sets"]["reference"]["mean_tokens"] == 7
