"""C-Eval, CMMLU and MMLU: five examples, the asked question, and the largest next-token logit among
A, B, C, D.

Prompts, splits and averages follow the evaluation scripts that the Skywork repository published.
Files are read from local archives (`<benchmark>/<benchmark>.zip` with `mapping.json` beside it, or
the unpacked folders); nothing is downloaded. Free answers belong to gsm8k.py.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluate.files import append_answers, read_answers
from model.evaluate.scorer import Scorer

LETTERS = "ABCD"
SHOTS = 5
# Asked in one forward group; results are kept after each.
GROUP = 32
CEVAL_HARD = frozenset(
    (
        "advanced_mathematics",
        "college_chemistry",
        "college_physics",
        "discrete_mathematics",
        "high_school_chemistry",
        "high_school_mathematics",
        "high_school_physics",
        "probability_and_statistics",
    )
)
CMMLU_CHINA = frozenset(
    (
        "ancient_chinese",
        "chinese_civil_service_exam",
        "chinese_driving_rule",
        "chinese_food_culture",
        "chinese_foreign_policy",
        "chinese_history",
        "chinese_literature",
        "chinese_teacher_qualification",
        "construction_project_management",
        "elementary_chinese",
        "elementary_commonsense",
        "ethnology",
        "high_school_politics",
        "modern_chinese",
        "traditional_chinese_medicine",
    )
)


@dataclass(frozen=True)
class Question:
    """One question with four choices; `answer` is a letter."""

    question: str
    choices: tuple[str, str, str, str]
    answer: str

    def options(self) -> str:
        """The four choices, a line each, as every prompt prints them."""
        return "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, self.choices, strict=True))


@dataclass(frozen=True)
class Benchmark:
    """Where a benchmark's files lie in its archive ({subject}), and how its average is taken (over
    subjects or over questions)."""

    name: str
    asked: str
    shots: str
    average: str
    header: bool = True
    extra_group: tuple[str, frozenset[str]] | None = None


# C-Eval's test labels are hidden, so its val split is asked.
BENCHMARKS = {
    "ceval": Benchmark(
        "ceval", "val/{}_val.csv", "dev/{}_dev.csv", "macro", extra_group=("Hard", CEVAL_HARD)
    ),
    "cmmlu": Benchmark(
        "cmmlu", "test/{}.csv", "dev/{}.csv", "macro", extra_group=("China specific", CMMLU_CHINA)
    ),
    "mmlu": Benchmark("mmlu", "data/test/{}_test.csv", "data/dev/{}_dev.csv", "micro", header=False),
}


def prompt(benchmark: str, subject: str, shots: Sequence[Question], asked: Question) -> str:
    """The exact text put to the model. `subject` is the printed name (Chinese for the Chinese
    sets)."""
    if benchmark == "mmlu":
        parts = [f"The following are multiple choice questions (with answers) about {subject}.\n\n"]
        parts += [f"Question: {s.question}\nChoices:\n{s.options()}\nAnswer: {s.answer}\n\n" for s in shots]
        return "".join(parts) + f"Question: {asked.question}\nChoices:\n{asked.options()}\nAnswer:"
    if benchmark == "ceval":
        head = f"以下是中国关于{subject}考试的单项选择题，请选出其中的正确答案。\n\n"
    elif benchmark == "cmmlu":
        head = f"以下是关于{subject}的单项选择题，请直接给出正确答案的选项。\n\n题目："
    else:
        raise ValueError(f"{benchmark!r} is none of {sorted(BENCHMARKS)}")

    def text(one: Question) -> str:
        return f"{head}{one.question}\n{one.options()}\n答案："

    return "".join(f"{text(s)}{s.answer}\n\n" for s in shots) + text(asked)


def letter_ids(scorer: Scorer) -> list[int]:
    """The last id of each letter encoded alone, as the scripts take it. Raises ValueError where two
    letters share one."""
    ids = [scorer.encode(letter)[-1] for letter in LETTERS]
    if len(set(ids)) != len(LETTERS):
        raise ValueError(f"the tokenizer does not tell A, B, C and D apart: {ids}")
    return ids


class Archive:
    """The files of one benchmark, in `<folder>/<name>/<name>.zip` or unpacked in
    `<folder>/<name>/`."""

    def __init__(self, folder: Path, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.folder = folder / benchmark.name
        self.zip = self.folder / f"{benchmark.name}.zip"
        mapping = self.folder / "mapping.json"
        if not mapping.is_file():
            raise FileNotFoundError(f"{benchmark.name}/mapping.json is not in {folder}")
        self.subjects: dict[str, dict[str, str]] = json.loads(mapping.read_text(encoding="utf-8"))
        self._opened = zipfile.ZipFile(self.zip) if self.zip.is_file() else None

    def questions(self, pattern: str, subject: str) -> list[Question]:
        """Of one file; `pattern` is one of the benchmark's. FileNotFoundError names what lacks."""
        name = pattern.format(subject)
        try:
            data = self._opened.read(name) if self._opened else (self.folder / name).read_bytes()
        except (KeyError, OSError) as error:
            raise FileNotFoundError(f"{name} is neither in {self.zip} nor in {self.folder}") from error
        rows = [row for row in csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")) if row]
        if not self.benchmark.header:
            return [Question(r[0], (r[1], r[2], r[3], r[4]), r[5].strip()) for r in rows]
        columns = {name.lower(): at for at, name in enumerate(rows[0])}
        at = [columns[c] for c in ("question", "a", "b", "c", "d", "answer")]
        return [
            Question(r[at[0]], (r[at[1]], r[at[2]], r[at[3]], r[at[4]]), r[at[5]].strip()) for r in rows[1:]
        ]


def spread(counts: dict[str, int], limit: int) -> list[tuple[str, int]]:
    """(subject, index) of the questions asked: all for limit 0, else the first of each subject,
    then the second, up to `limit`."""
    rows = [(i, subject) for subject in sorted(counts) for i in range(counts[subject])]
    rows.sort()
    return [(subject, i) for i, subject in (rows[:limit] if limit else rows)]


def averages(
    benchmark: Benchmark, subjects: dict[str, dict[str, str]], answers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Accuracy (the benchmark's own average), both averages, by group and by subject. Fractions of
    1."""
    by_subject: dict[str, list[bool]] = {}
    for record in answers:
        by_subject.setdefault(record["subject"], []).append(bool(record["correct"]))
    accuracy = {s: sum(v) / len(v) for s, v in sorted(by_subject.items())}
    members: dict[str, list[str]] = {}
    for subject in accuracy:
        members.setdefault(subjects[subject]["category"], []).append(subject)
    if benchmark.extra_group:
        members[benchmark.extra_group[0]] = [s for s in accuracy if s in benchmark.extra_group[1]]

    def mean(chosen: Sequence[str], how: str) -> float:
        if how == "macro":
            return sum(accuracy[s] for s in chosen) / len(chosen)
        hits = [hit for s in chosen for hit in by_subject[s]]
        return sum(hits) / len(hits)

    names = list(accuracy)
    return {
        "accuracy": mean(names, benchmark.average),
        "average": benchmark.average,
        "macro": mean(names, "macro"),
        "micro": mean(names, "micro"),
        "groups": {g: mean(m, benchmark.average) for g, m in sorted(members.items()) if m},
        "subjects": accuracy,
        "questions": len(answers),
        "chance": 0.25,
    }


def evaluate_choices(
    scorer: Scorer, name: str, data: Path | None, kept: Path, limit: int = 50
) -> dict[str, Any]:
    """Ask one benchmark and average. `kept` is the file of answers of these weights: what is in it
    is not asked again.

    A prompt longer than the context keeps its end, as the MMLU script does; how many were cut is
    reported.
    """
    benchmark = BENCHMARKS[name]
    if data is None:
        return {"missing": f"no folder with {name}/{name}.zip was given"}
    try:
        archive = Archive(data, benchmark)
        asked = {s: archive.questions(benchmark.asked, s) for s in archive.subjects}
        shots = {s: archive.questions(benchmark.shots, s)[:SHOTS] for s in archive.subjects}
    except FileNotFoundError as error:
        return {"missing": str(error)}
    chosen = spread({s: len(questions) for s, questions in asked.items()}, limit)
    letters = letter_ids(scorer)
    answers = read_answers(kept)
    # By subject, so that its examples, which all its prompts begin with, go through the model once.
    todo: dict[str, list[tuple[str, int]]] = {}
    for s, i in chosen:
        if f"{s}/{i}" not in answers:
            todo.setdefault(s, []).append((s, i))
    groups = [ids[at : at + GROUP] for _, ids in sorted(todo.items()) for at in range(0, len(ids), GROUP)]
    for group in groups:
        ids = [
            scorer.encode(prompt(name, archive.subjects[s]["name"], shots[s], asked[s][i])) for s, i in group
        ]
        scores = scorer.next_logits(ids)[:, letters].astype(np.float64)
        # Over the four letters alone; ties go to the first letter.
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        records: list[dict[str, Any]] = []
        for (s, i), row, prompt_ids in zip(group, shares, ids, strict=True):
            picked = LETTERS[int(row.argmax())]
            records.append(
                {
                    "id": f"{s}/{i}",
                    "subject": s,
                    "picked": picked,
                    "answer": asked[s][i].answer,
                    "correct": picked == asked[s][i].answer,
                    "probabilities": [round(float(p), 6) for p in row],
                    "prompt_tokens": len(prompt_ids),
                }
            )
        append_answers(kept, records)
        answers.update((r["id"], r) for r in records)
    done = [answers[f"{s}/{i}"] for s, i in chosen]
    if not done:
        return {"missing": f"{name} has no questions in {data}"}
    report = averages(benchmark, archive.subjects, done)
    return report | {
        "of": sum(len(v) for v in asked.values()),
        "shots": SHOTS,
        "cut_to_context": sum(r["prompt_tokens"] > scorer.context for r in done),
    }
