"""Extraction of numbers, the form of the prompt, resuming."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.evaluate.gsm8k import evaluate_gsm8k, extract, gold, prompt, same
from tests.support.evaluation import scorer


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("So 3 + 4 = 7.\nThe answer is 7.", "7"),
        ("The answer is $1,234.00", "1234"),
        ("The answer is 5. Then the answer is 6.0", "6"),
        ("答案是 12 只，不是 3+4= 9", "9"),
        ("The answer is 2*3 = $6 apples and 9", "6"),
        ("The answer is -18.50.", "-18.50"),
        ("no marker but 3 and 4", "4"),
        ("The answer is 8\n\nThe answer is 9", "8"),
        ("The answer is 8\nQuestion: what is 10?", "8"),
        ("The answer is 8</s> 9", "8"),
        ("none", None),
        ("", None),
        ("The answer is __import__('os').system('exit 3')", "3"),
    ],
)
def test_extraction(text: str, number: str | None) -> None:
    assert extract(text) == number


def test_comparison() -> None:
    assert gold("a\n#### 1,080") == "1080"
    assert same("18.50", "18.5") and same("007", "7") and same("1.2.3", "1.2.3")
    assert not same(None, "7") and not same("70", "7")


def test_prompt_form() -> None:
    shot = {"question": "Two and two?", "answer": "2+2=<<2+2=4>>4\n#### 4"}
    one = "Question: Two and two?\nLet's think step by step\n2+2=4\nThe answer is 4\n"
    assert prompt([shot, shot], "q?") == f"{one}\n{one}\nQuestion: q?\nLet's think step by step\n"


def test_run_keeps_answers_and_names_missing_files(tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    assert "gsm8k/train.jsonl" in evaluate_gsm8k(scorer(), tmp_path, kept)["missing"]
    (tmp_path / "gsm8k").mkdir()
    items = [{"question": f"q {i}?", "answer": f"r\n#### {i}"} for i in range(3)]
    for name in ("train", "test"):
        (tmp_path / "gsm8k" / f"{name}.jsonl").write_text("".join(json.dumps(i) + "\n" for i in items))
    report = evaluate_gsm8k(scorer(), tmp_path, kept, limit=2, new_tokens=4)
    assert report["questions"] == 2 and report["of"] == 3 and report["shots"] == 3
    assert len(kept.read_text().splitlines()) == 2
    assert evaluate_gsm8k(scorer(), tmp_path, kept, limit=0, new_tokens=4)["questions"] == 3
    assert len(kept.read_text().splitlines()) == 3
