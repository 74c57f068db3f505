"""Table 7 of the paper alerts; a checkpoint that improves everywhere does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.evaluate.overfit import compare, overfit_gate

BEFORE = {"accuracy": {"ceval": 28.3, "gsm8k": 6.9}, "loss": {"en": 1.86, "zh": 2.08}}
AFTER = {"accuracy": {"ceval": 50.8, "gsm8k": 40.7}, "loss": {"en": 2.09, "zh": 2.21}}


def test_table_7_alerts() -> None:
    report = overfit_gate(BEFORE, AFTER)
    assert report["alert"]
    assert report["changes"]["accuracy"] == {"ceval": pytest.approx(22.5), "gsm8k": pytest.approx(33.8)}
    assert report["changes"]["loss"] == {"en": pytest.approx(0.23), "zh": pytest.approx(0.13)}


def test_better_everywhere_or_worse_everywhere_does_not() -> None:
    assert not overfit_gate(BEFORE, AFTER | {"loss": {"en": 1.7, "zh": 2.0}})["alert"]
    assert not overfit_gate(AFTER, BEFORE)["alert"]
    assert "missing" in overfit_gate(BEFORE, {"accuracy": {}, "loss": {}})


def test_folders_of_reports(tmp_path: Path) -> None:
    for name, side in (("before", BEFORE), ("after", AFTER)):
        (tmp_path / name).mkdir()
        scores = {k: {"accuracy": v} for k, v in side["accuracy"].items()} | {
            "task": "benchmarks",
            "mmlu": {"missing": "x"},
        }
        (tmp_path / name / "benchmarks.json").write_text(json.dumps(scores))
        domains = {k: {"loss": v} for k, v in side["loss"].items()}
        (tmp_path / name / "validation.json").write_text(json.dumps({"domains": domains}))
    assert compare(tmp_path / "before", tmp_path / "after")["alert"]
    assert "benchmarks.json" in compare(tmp_path / "nowhere", tmp_path / "after")["missing"]
