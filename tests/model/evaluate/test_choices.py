"""Exact prompts, averages, resuming, what is missing; the real archives where they are at hand."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from model.evaluate.choices import (
    averages,
    evaluate_choices,
    option_ids,
    option_log_probabilities,
    prompt,
    spread,
)
from model.evaluate.files import read_answers
from model.evaluate.proportions import wilson
from model.evaluate.questions import BENCHMARKS, LETTERS, Question
from model.evaluate.scorer import Scorer
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.tables.stage import build
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.extend import extend_vocabulary, load_base
from tests.support.evaluation import CHARACTERS, UNKNOWN, Characters, scorer
from tests.support.tokenizer_samples import corpus, sample_texts

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
    assert macro["interval"] == wilson(0.45, 4 / 1.1) and macro["at_chance"]
    assert micro["interval"] == wilson(9 / 11, 11) and not micro["at_chance"]
    assert macro["groups"] == {"Other": 0.0, "STEM": pytest.approx(0.9)}


def test_limit_is_spread_over_subjects() -> None:
    assert spread({"b": 2, "a": 3}, 3) == [("a", 0), ("b", 0), ("a", 1)]
    assert len(spread({"b": 2, "a": 3}, 0)) == 5


def write_ceval(folder: Path, answers: str = "ABCDAB", shots: str = "DCBAD") -> None:
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
        archive.writestr("dev/logic_dev.csv", table(shots))


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
    other = always("A")
    other.context = scorer().context
    assert evaluate_choices(other, "ceval", tmp_path, kept, limit=0)["accuracy"] == first["accuracy"]
    assert len(read_answers(kept)) == 6


def test_an_answer_to_another_question_is_not_believed(tmp_path: Path) -> None:
    """A changed answer, changed examples, another context: the path and the number stay."""
    write_ceval(tmp_path)
    kept = tmp_path / "kept.jsonl"
    assert evaluate_choices(always("A"), "ceval", tmp_path, kept)["accuracy"] == pytest.approx(2 / 6)
    shutil.rmtree(tmp_path / "ceval")
    write_ceval(tmp_path, "BBBBBB")
    # Two of six were B before: their kept answers (A) still hold, the others are asked.
    assert evaluate_choices(always("B"), "ceval", tmp_path, kept)["accuracy"] == pytest.approx(4 / 6)
    shutil.rmtree(tmp_path / "ceval")
    write_ceval(tmp_path, "BBBBBB", shots="AAAAA")
    assert evaluate_choices(always("C"), "ceval", tmp_path, kept)["accuracy"] == 0.0
    short = always("B")
    short.context = 16
    report = evaluate_choices(short, "ceval", tmp_path, kept)
    assert report["accuracy"] == 1.0 and report["cut_to_context"] == 6


def test_missing_is_named(tmp_path: Path) -> None:
    assert "mmlu/mapping.json" in evaluate_choices(scorer(), "mmlu", tmp_path, tmp_path / "k")["missing"]
    assert "missing" in evaluate_choices(scorer(), "mmlu", None, tmp_path / "k")
    write_ceval(tmp_path)
    (tmp_path / "ceval" / "ceval.zip").unlink()
    assert "val/logic_val.csv" in evaluate_choices(scorer(), "ceval", tmp_path, tmp_path / "k")["missing"]


def test_letters_must_be_told_apart() -> None:
    assert [len(r) for r in option_ids(scorer(), "答案：", "").rests] == [1, 1, 1, 1]
    broken = scorer()
    broken.encode = lambda text: [7]  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="apart"):
        option_ids(broken, "答案：", "")


class Knowing(Scorer):
    """Knows some texts whole: after their beginnings it expects their next id, without the
    network."""

    def __init__(self, tokenizer: Any, texts: list[str]) -> None:
        super().__init__(None, tokenizer, 1 << 20, tokenizer.get_vocab_size())
        self.known = [self.encode(text) for text in texts]

    def next_logits(self, sequences: Sequence[Sequence[int]]) -> np.ndarray:
        out = np.zeros((len(sequences), self.vocab_size), dtype=np.float32)
        for row, sequence in zip(out, sequences, strict=True):
            for ids in self.known:
                if ids[: len(sequence)] == list(sequence) and len(ids) > len(sequence):
                    row[ids[len(sequence)]] = 9.0
        return out


def own_vocabulary(folder: Path, request: pytest.FixtureRequest) -> Any:
    from tokenizers import Tokenizer

    config = TokenizerConfig.proportional("test", 1_500, sample_chars=100_000)
    lake = Lake(folder)
    stage = tokenizer_stage([corpus(lake, sample_texts())], config)
    return Tokenizer.from_file(str(build(lake, InProcess(), stage).dataset.local("tokenizer.json")))


def extended_llama(folder: Path, request: pytest.FixtureRequest) -> Any:
    base = load_base(request.getfixturevalue("shared_data") / "tokenizers" / "llama2-tokenizer.model")
    words = ["答", "案", "答案"]
    return extend_vocabulary(base, words[:2], words[2:], [("答", "案")])[0]


def bytes_alone(folder: Path, request: pytest.FixtureRequest) -> Any:
    """A letter with its space is two ids, as nothing is merged."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({c: i for i, c in enumerate(alphabet)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return tokenizer


def merged_letters(folder: Path, request: pytest.FixtureRequest) -> Any:
    """A letter merges with the sign before it: the prompt's own last id is none of the text's."""
    from tokenizers import Tokenizer, models

    signs = sorted({*CHARACTERS, *"题目以下关于的单项选择请直接给出正确案。，：（）中国考试其"})
    pairs = [(sign, letter) for sign in "： " for letter in "AB"]
    vocabulary = [*signs, *(a + b for a, b in pairs), "<unk>"]
    return Tokenizer(models.BPE({p: i for i, p in enumerate(vocabulary)}, pairs, unk_token="<unk>"))


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
@pytest.mark.parametrize("vocabulary", [own_vocabulary, extended_llama, bytes_alone, merged_letters])
def test_who_answers_as_the_examples_do_is_right(
    tmp_path: Path,
    request: pytest.FixtureRequest,
    name: str,
    vocabulary: Callable[[Path, pytest.FixtureRequest], Any],
) -> None:
    """Whoever continues the prompts as their examples are written answers all questions."""
    questions = [Question(f"{i}+{i}?", ("1", "2", "3", "4"), a) for i, a in enumerate("ABCDDCBA")]
    shots, asked = questions[:3], questions[3:]
    tokenizer = vocabulary(tmp_path, request)
    for i, one in enumerate(asked):
        # An asked question, made an example: the text up to the next one.
        whole = prompt(name, "logic", [*shots, one], asked[i - 1])
        knowing = Knowing(tokenizer, [whole])
        options = option_ids(knowing, prompt(name, "logic", shots, one), BENCHMARKS[name].delimiter)
        scores = option_log_probabilities(knowing, [options])[0]
        assert LETTERS[int(scores.argmax())] == one.answer
        assert np.sort(scores)[-2] < scores.max() - 1
