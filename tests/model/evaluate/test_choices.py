"""Exact prompts, averages, resuming, what is missing; the real archives where they are at hand."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from pathlib import Path

import pytest
import torch

from model.evaluate.choices import (
    BENCHMARKS,
    Archive,
    Question,
    averages,
    evaluate_choices,
    letter_ids,
    prompt,
    spread,
)
from model.evaluate.files import read_answers
from model.evaluate.scorer import Scorer
from tests.support.evaluation import CHARACTERS, UNKNOWN, Characters, scorer

SHOT = Question("1+1?", ("1", "2", "3", "4"), "B")
ASKED = Question("2+2?", ("1", "2", "3", "4"), "D")
FOUR = "A. 1\nB. 2\nC. 3\nD. 4"


def test_prompts_are_the_papers() -> None:
    head = "以下是中国关于会计考试的单项选择题，请选出其中的正确答案。\n\n"
    assert (
        prompt("ceval", "会计", [SHOT], ASKED) == f"{head}1+1?\n{FOUR}\n答案：B\n\n{head}2+2?\n{FOUR}\n答案："
    )
    head = "以下是关于农学的单项选择题，请直接给出正确答案的选项。\n\n题目："
    assert (
        prompt("cmmlu", "农学", [SHOT], ASKED) == f"{head}1+1?\n{FOUR}\n答案：B\n\n{head}2+2?\n{FOUR}\n答案："
    )
    assert prompt("mmlu", "anatomy", [SHOT], ASKED) == (
        "The following are multiple choice questions (with answers) about anatomy.\n\n"
        f"Question: 1+1?\nChoices:\n{FOUR}\nAnswer: B\n\nQuestion: 2+2?\nChoices:\n{FOUR}\nAnswer:"
    )


def test_macro_and_micro_differ_as_they_should() -> None:
    answers = [{"subject": "big", "correct": i < 9} for i in range(10)] + [
        {"subject": "small", "correct": False}
    ]
    subjects = {"big": {"category": "STEM"}, "small": {"category": "Other"}}
    macro = averages(BENCHMARKS["ceval"], subjects, answers)
    micro = averages(BENCHMARKS["mmlu"], subjects, answers)
    assert macro["accuracy"] == pytest.approx(0.45) and micro["accuracy"] == pytest.approx(9 / 11)
    assert macro["groups"] == {"Other": 0.0, "STEM": pytest.approx(0.9)}


def test_limit_is_spread_over_subjects() -> None:
    assert spread({"b": 2, "a": 3}, 3) == [("a", 0), ("b", 0), ("a", 1)]
    assert len(spread({"b": 2, "a": 3}, 0)) == 5


def write_ceval(folder: Path, answers: str = "ABCDAB") -> None:
    def table(letters: str) -> str:
        stream = io.StringIO()
        writer = csv.writer(stream)
        writer.writerow(["id", "question", "A", "B", "C", "D", "answer"])
        writer.writerows(
            [i, f"q, {i}\nsecond line", "a", "b", "c", "d", letter] for i, letter in enumerate(letters)
        )
        return stream.getvalue()

    (folder / "ceval").mkdir()
    (folder / "ceval" / "mapping.json").write_text(
        json.dumps({"logic": {"name": "逻辑", "category": "Humanities"}})
    )
    with zipfile.ZipFile(folder / "ceval" / "ceval.zip", "w") as archive:
        archive.writestr("val/logic_val.csv", table(answers))
        archive.writestr("dev/logic_dev.csv", table("DCBAD"))


class Always:
    """A network whose largest logit among the letters is one letter's, below that of a character
    that is no letter."""

    def __init__(self, letter: str) -> None:
        self.letter = letter
        self.model = self
        self.layers: list[object] = []

    def __call__(self, ids: torch.Tensor, documents: object = None, caches: object = None) -> torch.Tensor:
        return torch.zeros((*ids.shape, UNKNOWN + 1))

    def lm_head(self, states: torch.Tensor) -> torch.Tensor:
        out = states.clone()
        out[..., CHARACTERS.index(self.letter)] = 1.0
        out[..., CHARACTERS.index("x")] = 5.0
        return out


def always(letter: str) -> Scorer:
    return Scorer(Always(letter), Characters(), 512, UNKNOWN + 1)


def test_accuracy_of_a_known_answerer(tmp_path: Path) -> None:
    write_ceval(tmp_path)
    for letter, right in (("A", 2), ("B", 2), ("C", 1), ("D", 1)):
        report = evaluate_choices(always(letter), "ceval", tmp_path, tmp_path / f"{letter}.jsonl")
        assert report["accuracy"] == pytest.approx(right / 6) and report["questions"] == report["of"] == 6


def test_resumes_after_a_cut_line_without_asking_again(tmp_path: Path) -> None:
    write_ceval(tmp_path)
    kept = tmp_path / "kept.jsonl"
    first = evaluate_choices(scorer(), "ceval", tmp_path, kept, limit=0)
    whole = kept.read_text()
    lines = whole.splitlines(keepends=True)
    kept.write_text("".join(lines[:3]) + lines[3][:10])
    assert evaluate_choices(scorer(), "ceval", tmp_path, kept, limit=0) == first
    assert kept.read_text() == whole
    # Kept answers are believed: the other answerer is never asked.
    assert evaluate_choices(always("A"), "ceval", tmp_path, kept, limit=0)["accuracy"] == first["accuracy"]
    assert len(read_answers(kept)) == 6


def test_missing_is_named(tmp_path: Path) -> None:
    assert "mmlu/mapping.json" in evaluate_choices(scorer(), "mmlu", tmp_path, tmp_path / "k")["missing"]
    assert "missing" in evaluate_choices(scorer(), "mmlu", None, tmp_path / "k")
    write_ceval(tmp_path)
    (tmp_path / "ceval" / "ceval.zip").unlink()
    assert "val/logic_val.csv" in evaluate_choices(scorer(), "ceval", tmp_path, tmp_path / "k")["missing"]


def test_letters_must_be_told_apart() -> None:
    assert len(set(letter_ids(scorer()))) == 4
    broken = scorer()
    broken.encode = lambda text: [7]  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="apart"):
        letter_ids(broken)


@pytest.mark.parametrize(
    ("name", "subjects", "asked"), [("ceval", 52, 1346), ("cmmlu", 67, 11582), ("mmlu", 57, 14042)]
)
def test_real_archives_are_read_whole(shared_data: Path, name: str, subjects: int, asked: int) -> None:
    archive = Archive(shared_data / "bench", BENCHMARKS[name])
    items = [i for s in archive.subjects for i in archive.items(BENCHMARKS[name].asked, s)]
    assert len(archive.subjects) == subjects and len(items) == asked
    assert {i.answer for i in items} == set("ABCD")
    assert all(len(archive.items(BENCHMARKS[name].shots, s)) >= 5 for s in archive.subjects)
    extra = BENCHMARKS[name].extra_group
    assert extra is None or extra[1] <= set(archive.subjects)
