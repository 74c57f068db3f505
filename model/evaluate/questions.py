"""The files of C-Eval, CMMLU and MMLU: subjects, examples and questions, checked cell by cell.

Belongs here: where a benchmark's files lie, and what a row must hold. Does not belong here: prompts
and scores (choices.py), GSM8K (gsm8k.py). Files are read from local archives
(`<benchmark>/<benchmark>.zip` with `mapping.json` beside it, or the unpacked folders); nothing is
downloaded. A file that is slightly off is refused by file, row and column: guessed at, it would be
scored as wrong answers.
"""

from __future__ import annotations

import csv
import io
import json
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from model.evaluate.files import FileError

LETTERS = "ABCD"
SHOTS = 5
COLUMNS = ("question", "A", "B", "C", "D", "answer")
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
    delimiter: str = ""
    """Between the prompt and an answer, in the examples and in what is scored."""
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
    "mmlu": Benchmark(
        "mmlu", "data/test/{}_test.csv", "data/dev/{}_dev.csv", "micro", delimiter=" ", header=False
    ),
}


class Archive:
    """The files of one benchmark, in `<folder>/<name>/<name>.zip` or unpacked in
    `<folder>/<name>/`."""

    def __init__(self, folder: Path, benchmark: Benchmark) -> None:
        self.benchmark = benchmark
        self.folder = folder / benchmark.name
        self.zip = self.folder / f"{benchmark.name}.zip"
        self.mapping = self.folder / "mapping.json"
        if not self.mapping.is_file():
            raise FileNotFoundError(f"{benchmark.name}/mapping.json is not in {folder}")
        self.subjects = self._subjects()
        try:
            self._opened = zipfile.ZipFile(self.zip) if self.zip.is_file() else None
        except zipfile.BadZipFile as error:
            raise FileError(f"{self.zip} is no zip archive ({error}): fetch it again") from None

    def _subjects(self) -> dict[str, dict[str, str]]:
        """By subject its printed name and its category."""
        try:
            value = json.loads(self.mapping.read_text(encoding="utf-8-sig"))
        except ValueError as error:
            raise FileError(f"{self.mapping} is not JSON ({error})") from None
        if not isinstance(value, dict) or not value:
            raise FileError(f"{self.mapping}: expected one object of subjects")
        for subject, known in value.items():
            for key in ("name", "category"):
                if not isinstance(known, dict) or not isinstance(known.get(key), str):
                    raise FileError(f"{self.mapping}, subject {subject!r}: it lacks a text {key!r}")
        return value

    def _read(self, name: str) -> tuple[str, bytes]:
        """A file's address for messages, and its bytes."""
        try:
            if self._opened:
                return f"{self.zip}: {name}", self._opened.read(name)
            return str(self.folder / name), (self.folder / name).read_bytes()
        except (KeyError, OSError) as error:
            raise FileNotFoundError(f"{name} is neither in {self.zip} nor in {self.folder}") from error
        except (zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
            raise FileError(f"{self.zip}: {name} cannot be unpacked ({error}): fetch it again") from None

    def questions(self, pattern: str, subject: str) -> list[Question]:
        """Of one file; `pattern` is one of the benchmark's. FileNotFoundError names what lacks,
        FileError the file, row and column of what is off."""
        where, data = self._read(pattern.format(subject))
        return read_table(where, data, self.benchmark.header)

    def examples(self, subject: str) -> list[Question]:
        """The first SHOTS questions of the file of examples."""
        found = self.questions(self.benchmark.shots, subject)
        if len(found) < SHOTS:
            where = self.benchmark.shots.format(subject)
            raise FileError(f"{self.zip}: {where} has {len(found)} rows: a prompt holds {SHOTS} examples")
        return found[:SHOTS]


def read_table(where: str, data: bytes, header: bool) -> list[Question]:
    """The rows of a comma-separated file: question, A, B, C, D, answer, named by a header or in
    this order. Rows are counted from 1, the header included; blank lines are no rows."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{where} is not UTF-8 (byte {error.start}): convert it") from None
    try:
        rows = [row for row in csv.reader(io.StringIO(text, newline=""), strict=True) if row]
    except csv.Error as error:
        raise FileError(f"{where} is not a comma-separated table ({error})") from None
    if not rows:
        raise FileError(f"{where} has no rows")
    hint = ": it looks tab-separated, commas are expected" if "\t" in "".join(rows[0]) else ""
    width, at = len(COLUMNS), {c: i for i, c in enumerate(COLUMNS)}
    if header:
        names = [name.strip().lower() for name in rows[0]]
        for column in COLUMNS:
            if (found := names.count(column.lower())) != 1:
                raise FileError(
                    f"{where}, row 1: the header names {column!r} {found} times, expected once, among"
                    f" {rows[0]}{hint}"
                )
        width, at = len(names), {c: names.index(c.lower()) for c in COLUMNS}
    out = []
    for number, row in enumerate(rows[header:], 1 + header):
        if len(row) != width:
            raise FileError(f"{where}, row {number} has {len(row)} columns, expected {width}{hint}")
        cells = {c: row[at[c]] for c in COLUMNS}
        answer = cells["answer"].strip()
        if len(answer) != 1 or answer not in LETTERS:
            raise FileError(
                f"{where}, row {number}, column {at['answer'] + 1} (answer): {cells['answer']!r} is none of"
                " A, B, C, D"
            )
        for column in COLUMNS[:-1]:
            if not cells[column].strip():
                raise FileError(f"{where}, row {number}, column {at[column] + 1} ({column}) is empty")
        choices = (cells["A"], cells["B"], cells["C"], cells["D"])
        out.append(Question(cells["question"], choices, answer))
    return out
