"""C-Eval, CMMLU and MMLU: five examples, the asked question, and the likeliest of A, B, C, D.

Prompts, splits and averages follow the evaluation scripts that the Skywork repository published.
What is scored differs in one point: the ids of an option are those that it has behind the prompt,
where the examples hold it, and not those of the letter encoded alone, which in most vocabularies
are other pieces (`B` and ` B`).
Files belong to questions.py, free answers to gsm8k.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model.evaluate.files import append_answers, question_key, read_answers
from model.evaluate.identity import VERSIONS
from model.evaluate.proportions import at_chance, effective, wilson
from model.evaluate.questions import BENCHMARKS, LETTERS, SHOTS, Archive, Benchmark, Question
from model.evaluate.scorer import Scorer, common_prefix

# Asked in one forward group; results are kept after each.
GROUP = 32
CHANCE = 1 / len(LETTERS)


def prompt(benchmark: str, subject: str, shots: Sequence[Question], asked: Question) -> str:
    """The exact text put to the model. `subject` is the printed name (Chinese for the Chinese
    sets)."""
    if benchmark not in BENCHMARKS:
        raise ValueError(f"{benchmark!r} is none of {sorted(BENCHMARKS)}")
    delimiter = BENCHMARKS[benchmark].delimiter
    if benchmark == "mmlu":
        parts = [f"The following are multiple choice questions (with answers) about {subject}.\n\n"]
        parts += [
            f"Question: {s.question}\nChoices:\n{s.options()}\nAnswer:{delimiter}{s.answer}\n\n"
            for s in shots
        ]
        return "".join(parts) + f"Question: {asked.question}\nChoices:\n{asked.options()}\nAnswer:"
    if benchmark == "ceval":
        head = f"以下是中国关于{subject}考试的单项选择题，请选出其中的正确答案。\n\n"
    else:
        head = f"以下是关于{subject}的单项选择题，请直接给出正确答案的选项。\n\n题目："

    def text(one: Question) -> str:
        return f"{head}{one.question}\n{one.options()}\n答案："

    return "".join(f"{text(s)}{delimiter}{s.answer}\n\n" for s in shots) + text(asked)


@dataclass(frozen=True)
class Options:
    """The ids of one prompt with each of its options: what all begin with, and the rest of each."""

    shared: list[int]
    rests: list[list[int]]


def option_ids(scorer: Scorer, text: str, delimiter: str) -> Options:
    """Of the joint encodings of prompt, delimiter and letter, so that any vocabulary is scored on
    the pieces that its examples hold. Raises ValueError where two letters share all ids."""
    joint = [scorer.encode(f"{text}{delimiter}{letter}") for letter in LETTERS]
    if len({tuple(ids) for ids in joint}) != len(LETTERS):
        ends = [ids[-3:] for ids in joint]
        raise ValueError(f"the tokenizer does not tell A, B, C and D apart: the prompts end in {ends}")
    length = common_prefix(joint)
    return Options(joint[0][:length], [ids[length:] for ids in joint])


def option_log_probabilities(scorer: Scorer, prompts: Sequence[Options]) -> np.ndarray:
    """ln p of each option's rest behind what the options share: float64 [prompts, options]. One
    forward pass a prompt where every rest is one id."""
    sequences: list[list[int]] = []
    terms: list[tuple[int, int, int, int]] = []
    for row, options in enumerate(prompts):
        asked: dict[tuple[int, ...], int] = {}
        for column, rest in enumerate(options.rests):
            for at, wanted in enumerate(rest):
                before = tuple(rest[:at])
                if before not in asked:
                    asked[before] = len(sequences)
                    sequences.append([*options.shared, *before])
                terms.append((row, column, asked[before], wanted))
    logits = scorer.next_logits(sequences).astype(np.float64)
    logits -= logits.max(axis=1, keepdims=True)
    totals = np.log(np.exp(logits).sum(axis=1))
    out = np.zeros((len(prompts), len(LETTERS)))
    for row, column, sequence, wanted in terms:
        out[row, column] += logits[sequence, wanted] - totals[sequence]
    return out


def spread(counts: dict[str, int], limit: int) -> list[tuple[str, int]]:
    """(subject, index) of the questions asked: all for limit 0, else the first of each subject,
    then the second, up to `limit`."""
    rows = [(i, subject) for subject in sorted(counts) for i in range(counts[subject])]
    rows.sort()
    return [(subject, i) for i, subject in (rows[:limit] if limit else rows)]


def averages(
    benchmark: Benchmark, subjects: dict[str, dict[str, str]], answers: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    """Accuracy (the benchmark's own average), both averages, by group and by subject, with their 95
    % intervals. Fractions of 1."""
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

    def interval(chosen: Sequence[str], how: str) -> list[float]:
        counts = [len(by_subject[s]) for s in chosen]
        return wilson(mean(chosen, how), effective(counts) if how == "macro" else sum(counts))

    names, how = list(accuracy), benchmark.average
    groups = {g: m for g, m in sorted(members.items()) if m}
    return {
        "accuracy": mean(names, how),
        "interval": interval(names, how),
        "at_chance": at_chance(interval(names, how), CHANCE),
        "average": how,
        "macro": mean(names, "macro"),
        "micro": mean(names, "micro"),
        "groups": {g: mean(m, how) for g, m in groups.items()},
        "group_intervals": {g: interval(m, how) for g, m in groups.items()},
        "subjects": accuracy,
        "subject_intervals": {s: interval([s], how) for s in names},
        "questions": len(answers),
        "chance": CHANCE,
    }


def read_sets(
    name: str, data: Path | None
) -> tuple[Archive, dict[str, list[Question]], dict[str, list[Question]]]:
    """The archive of a benchmark, and by subject its questions and its examples. FileNotFoundError
    says what lacks, FileError what is off."""
    if data is None:
        raise FileNotFoundError(f"no folder with {name}/{name}.zip was given")
    archive = Archive(data, BENCHMARKS[name])
    asked = {s: archive.questions(archive.benchmark.asked, s) for s in archive.subjects}
    return archive, asked, {s: archive.examples(s) for s in archive.subjects}


def evaluate_choices(
    scorer: Scorer, name: str, data: Path | None, kept: Path, limit: int = 50
) -> dict[str, Any]:
    """Ask one benchmark and average. `kept` is the file of answers of this model: a question that
    it answers, with equal prompt and answer, is not asked again.

    A prompt longer than the context keeps its end, as the MMLU script does; how many were cut is
    reported.
    """
    benchmark = BENCHMARKS[name]
    try:
        archive, asked, shots = read_sets(name, data)
    except FileNotFoundError as error:
        return {"missing": str(error)}
    chosen = spread({s: len(questions) for s, questions in asked.items()}, limit)
    texts = {f"{s}/{i}": prompt(name, archive.subjects[s]["name"], shots[s], asked[s][i]) for s, i in chosen}
    keys = {
        f"{s}/{i}": question_key(
            VERSIONS["benchmarks"], texts[f"{s}/{i}"], benchmark.delimiter, asked[s][i].answer, scorer.context
        )
        for s, i in chosen
    }
    answers = {i: r for i, r in read_answers(kept).items() if r.get("key") == keys.get(i)}
    # By subject, so that its examples, which all its prompts begin with, go through the model once.
    todo: dict[str, list[tuple[str, int]]] = {}
    for s, i in chosen:
        if f"{s}/{i}" not in answers:
            todo.setdefault(s, []).append((s, i))
    groups = [ids[at : at + GROUP] for _, ids in sorted(todo.items()) for at in range(0, len(ids), GROUP)]
    for group in groups:
        options = [option_ids(scorer, texts[f"{s}/{i}"], benchmark.delimiter) for s, i in group]
        scores = option_log_probabilities(scorer, options)
        # Over the four letters alone; ties go to the first letter.
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        records: list[dict[str, Any]] = []
        for (s, i), row, prompt_ids in zip(group, shares, options, strict=True):
            picked = LETTERS[int(row.argmax())]
            records.append(
                {
                    "id": f"{s}/{i}",
                    "key": keys[f"{s}/{i}"],
                    "subject": s,
                    "picked": picked,
                    "answer": asked[s][i].answer,
                    "correct": picked == asked[s][i].answer,
                    "probabilities": [round(float(p), 6) for p in row],
                    "prompt_tokens": len(prompt_ids.shared),
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
