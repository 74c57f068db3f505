"""Extraction of numbers, the form of the prompt, resuming."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from model.evaluate.files import FileError
from model.evaluate.gsm8k import (
    evaluate_gsm8k,
    extract,
    extract_lenient,
    gold,
    prompt,
    read_problems,
    same,
)
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


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("The answer is -$5.", "-5"),
        ("The answer is $-5.", "-5"),
        ("The answer is \u22127", "-7"),
        ("The answer is \uff0d\uff11\uff12", "-12"),
        ("答案是 \uff11\uff0c\uff12\uff10\uff10\uff0e\uff15 元", "1200.5"),
        ("The answer is .5", ".5"),
        ("The answer is $.75.", ".75"),
        ("The answer is -.5", "-.5"),
        ("The answer is $ 1,234.00", "1234.00"),
        ("So 10-3 = 7.", "7"),
        ("it is 10-3", "3"),
        ("it is (4)-3", "3"),
        ("3 m² of it", "3"),
        ("it is 7 - 3", "3"),
        ("The answer is 5.", "5"),
        ("The answer is 1.5.2", "2"),
        ("none", None),
    ],
)
def test_lenient_extraction(text: str, number: str | None) -> None:
    found = extract_lenient(text)
    assert found == number or same(found, number or "")


def test_the_papers_column_stays_as_its_script_reads() -> None:
    assert extract("The answer is -$5.") == "5" and extract_lenient("The answer is -$5.") == "-5"
    assert extract("The answer is \uff11\uff12") is None


def test_a_split_that_is_slightly_off_is_refused_by_its_record(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    good = json.dumps({"question": "q?", "answer": "r\u2028\n#### 1,080"}, ensure_ascii=False)
    for bad, said in (
        ({"question": "q?", "answer": "r 3"}, "record 2: its 'answer' ends in 'r 3'"),
        ({"question": "q?", "answer": "r\n#### three"}, "ends in 'three'"),
        ({"question": "q?", "answer": 3}, "line 2: it lacks a text 'answer'"),
        ({"text": "q?"}, "line 2: it lacks a text 'question'"),
        ([1], "line 2: expected an object"),
    ):
        path.write_text(f"\ufeff{good}\n{json.dumps(bad)}\n")
        with pytest.raises(FileError, match=r"test\.jsonl, ") as error:
            read_problems(path)
        assert said in str(error.value)
    path.write_text(f"{good}\n")
    assert len(read_problems(path)) == 1


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
