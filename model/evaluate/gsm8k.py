"""GSM8K: eight worked examples, a greedy answer, and the number in it.

The prompt's form and the rules of extraction follow the Skywork repository's script, but the number
is parsed, never evaluated. Its file of eight examples is not reprinted here: the first eight of the
train split are put into its form.

Two columns are reported. `accuracy` reads numbers as the script does, so that it compares with the
paper; `accuracy_lenient` also reads `-$5`, the sign U+2212, full-width digits and `.5`, which the
script takes for other numbers or for none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from model.evaluate.files import (
    FileError,
    append_answers,
    gsm8k_file,
    question_key,
    read_answers,
    read_lines,
)
from model.evaluate.identity import VERSIONS
from model.evaluate.proportions import wilson
from model.evaluate.scorer import Scorer

SHOTS = 8
NEW_TOKENS = 256
GROUP = 16
STOPS = ("</s>", "\n\n\n", "\n\n", "Question:")
NOTE = re.compile(r"<<[^<>]*>>")
MARKER = re.compile(r"answer is|答案是")
NUMBER = re.compile(r"(-?[0-9][0-9.,]*)")
EQUALS = re.compile(r"=\s*(\$?-?[0-9][0-9.,]*)")
# A minus behind a digit, a letter or a bracket subtracts, so it is no sign.
LENIENT = r"((?:(?<![\w)])-)?(?:[$€£¥] ?-?)?(?:[0-9][0-9,]*(?:\.[0-9]+)?|(?<![0-9,])\.[0-9]+))"
LENIENT_NUMBER = re.compile(LENIENT)
LENIENT_EQUALS = re.compile(r"=\s*" + LENIENT)
# Full-width forms as ASCII, and the minus signs as a hyphen.
PLAIN = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x2212: "-", 0xFFE5: "¥", 0x2009: " "}


def worked_example(record: Mapping[str, str]) -> str:
    """A question of the train split as one shot: calculation notes dropped, the final `#### N` as a
    sentence."""
    reasoning, _, answer = record["answer"].partition("####")
    reasoning = NOTE.sub("", reasoning).strip()
    asked = f"Question: {record['question']}\nLet's think step by step\n"
    return f"{asked}{reasoning}\nThe answer is {answer.strip()}\n"


def prompt(shots: Sequence[Mapping[str, str]], question: str) -> str:
    """The exact text put to the model."""
    examples = "\n".join(worked_example(s) for s in shots)
    return f"{examples}\nQuestion: {question}\nLet's think step by step\n"


def cut(text: str) -> str:
    """The text before the first stop that appears."""
    return text[: min((at for at in (text.find(s) for s in STOPS) if at >= 0), default=len(text))]


def clean(number: str) -> str:
    """Without currency sign, thousands commas, a final full stop, `.0` or `.00`."""
    number = number.replace("$", "").replace(",", "").rstrip(".")
    for tail in (".00", ".0"):
        number = number.removesuffix(tail)
    return number


def extract(text: str) -> str | None:
    """The number a completion gives: the last after the last "answer is", or the last after an
    equals sign there."""
    tail = MARKER.split(cut(text))[-1]
    numbers = EQUALS.findall(tail) or NUMBER.findall(tail)
    return clean(numbers[-1]) if numbers else None


def lenient_number(text: str) -> str | None:
    """A matched number without currency, commas and spaces; None where two minus signs stand
    before it."""
    number = re.sub(r"[$€£¥, ]", "", text)
    return None if number.startswith("--") else number


def extract_lenient(text: str) -> str | None:
    """As `extract`, with more ways to write a number; `text` is cut at its first stop too."""
    tail = MARKER.split(cut(text))[-1].translate(PLAIN)
    numbers = LENIENT_EQUALS.findall(tail) or LENIENT_NUMBER.findall(tail)
    return lenient_number(numbers[-1]) if numbers else None


def gold(answer: str) -> str:
    """The number after `#### `."""
    return clean(answer.rpartition("####")[2].strip())


def same(given: str | None, wanted: str) -> bool:
    """Equal as decimal numbers, or letter by letter where one is none (1.2.3)."""
    if given is None:
        return False
    try:
        return Decimal(given) == Decimal(wanted)
    except InvalidOperation:
        return given == wanted


def read_problems(path: Path) -> list[dict[str, Any]]:
    """The records of a split; FileError where one has no `question`, or no number after #### in its
    `answer`."""
    records = read_lines(path, ("question", "answer"))
    for number, record in enumerate(records, 1):
        final = record["answer"].rpartition("####")[2].strip()
        try:
            finite = Decimal(clean(final)).is_finite() and "####" in record["answer"]
        except InvalidOperation:
            finite = False
        if not finite:
            raise FileError(
                f"{path}, record {number}: its 'answer' ends in {final[-40:]!r}, expected #### and a number"
            )
    return records


def read_splits(data: Path | None) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The train and the test split. FileNotFoundError says what lacks, FileError what is off."""
    if data is None:
        raise FileNotFoundError("no folder with gsm8k/train.jsonl and gsm8k/test.jsonl was given")
    found = []
    for split in ("train", "test"):
        if (path := gsm8k_file(data, split)) is None:
            raise FileNotFoundError(f"gsm8k/{split}.jsonl[.gz] is not in {data}")
        found.append(read_problems(path))
    return found[0], found[1]


def evaluate_gsm8k(
    scorer: Scorer, data: Path | None, kept: Path, limit: int = 50, new_tokens: int = NEW_TOKENS
) -> dict[str, Any]:
    """Accuracy over the first `limit` test questions (0: all). A question that `kept` answers, with
    equal prompt and answer, is not asked again."""
    try:
        train, questions = read_splits(data)
    except FileNotFoundError as error:
        return {"missing": str(error)}
    shots = train[:SHOTS]
    chosen = questions[:limit] if limit else questions
    if not chosen:
        return {"missing": "the test split of gsm8k has no questions"}
    # A short context leaves at most half of itself to the answer, the rest to the end of the
    # prompt.
    new_tokens = min(new_tokens, scorer.context // 2)
    prompts = [prompt(shots, one["question"]) for one in chosen]
    keys = [
        question_key(VERSIONS["benchmarks"], text, one["answer"], scorer.context, new_tokens)
        for text, one in zip(prompts, chosen, strict=True)
    ]
    answers = read_answers(kept)
    todo = [i for i, key in enumerate(keys) if answers.get(str(i), {}).get("key") != key]
    for at in range(0, len(todo), GROUP):
        group = todo[at : at + GROUP]
        ids = [scorer.encode(prompts[i]) for i in group]
        texts = scorer.generate(ids, new_tokens, lambda text: any(s in text for s in STOPS))
        records: list[dict[str, Any]] = []
        for i, text, prompt_ids in zip(group, texts, ids, strict=True):
            given, wanted = extract(text), gold(chosen[i]["answer"])
            lenient = extract_lenient(text)
            record = {
                "id": str(i),
                "key": keys[i],
                "completion": text,
                "given": given,
                "answer": wanted,
                "correct": same(given, wanted),
                "given_lenient": lenient,
                "correct_lenient": same(lenient, wanted),
            }
            records.append(record | {"prompt_tokens": len(prompt_ids)})
        append_answers(kept, records)
        answers.update((r["id"], r) for r in records)
    done = [answers[str(i)] for i in range(len(chosen))]
    right = sum(bool(r["correct"]) for r in done)
    lenient_right = sum(bool(r["correct_lenient"]) for r in done)
    return {
        "accuracy": right / len(done),
        "interval": wilson(right / len(done), len(done)),
        "accuracy_lenient": lenient_right / len(done),
        "interval_lenient": wilson(lenient_right / len(done), len(done)),
        "questions": len(done),
        "of": len(questions),
        "shots": len(shots),
        "no_number": sum(r["given"] is None for r in done),
        "new_tokens": new_tokens,
        "cut_to_context": sum(r["prompt_tokens"] > scorer.context - new_tokens for r in done),
    }
