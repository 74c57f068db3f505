"""The STEM classifier on sources left out of its training: exercises with solutions, exposition, everything else.

Run: python -m benchmarks.classifiers [--quick] [--data ../shared/data]
Every source (an exam set, a book, a site) is in one of three folds; a model is trained on two and scores the third. Nothing of a split
that is evaluated is used (C-Eval, CMMLU and MMLU at all, GSM8K's test). Exercises stand alone or several on a page, under one of several
forms of headings; texts of the other labels are cut to the same lengths, so that neither length nor form tells the labels apart.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.signatures import hardware

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
FOLDS = 3
FORMS = {  # before the question, before the answer
    "en": (("", "\n"), ("Question: ", "\nAnswer: "), ("Problem. ", "\nSolution. "), ("Q: ", "\nA: "), ("Example\n", "\n\n"), ("", "\n\n")),
    "zh": (("", "\n"), ("题目：", "\n解答："), ("例题 ", "\n解："), ("问题：", "\n答案："), ("", "\n【解析】"), ("", "\n\n")),
}
LENGTHS = (200, 400, 800, 1600)  # characters of a text, about
EXAMS_EN = {
    "gsm8k-train": ("gsm8k/train.jsonl.gz", "gsm8k"),
    "mathqa": ("math-harness/mathqa.jsonl.gz", "mathqa"),
    "math": ("math-harness/math.jsonl.gz", "math"),
    "asdiv": ("math-harness/asdiv.jsonl.gz", "word-problems"),
    "mawps": ("math-harness/mawps.jsonl.gz", "word-problems"),
    "svamp": ("math-harness/svamp.jsonl.gz", "word-problems"),
    "aqua-rat": ("agieval/aqua-rat.jsonl.gz", "aqua"),
    "sat-math": ("agieval/sat-math.jsonl.gz", "sat"),
}
# By subject, so that left-out exercises are of subjects that training has not seen.
GAOKAO_ZH = {"Math_I": "mathematics", "Math_II": "mathematics", "Physics": "physics", "Chemistry": "chemistry", "Biology": "biology"}
AGIEVAL_ZH = {n: n for n in ("mathcloze", "mathqa", "physics", "chemistry", "biology")}
AGIEVAL_SUBJECT = {"mathcloze": "mathematics", "mathqa": "mathematics"}
CORPUS = {  # label by source
    "exposition": ("stem/*", "academic/*"),
    "other": ("web/*", "social/*", "law/*", "encyclopedia/*", "literature/classical-modern", "literature/standard-ebooks", "code/*"),
}

Text = tuple[str, str, str, str]  # language, label, source, text


def number(*parts: str) -> int:
    """A number that depends on the parts alone."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=4).digest(), "big")


def items(path: Path) -> Iterator[tuple[str, str]]:
    """(question, answer) of the items of an exam file that have an answer."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = json.load(file)["example"] if path.name.endswith(".json.gz") else [json.loads(line) for line in file]
    for row in rows:
        question = row.get("question") or row.get("problem") or row.get("input") or row.get("Question") or ""
        question = " ".join(filter(None, [row.get("passage") or row.get("body") or row.get("Body") or "", question]))
        choices = row.get("options")
        if choices:
            question += "\n" + ("\n".join(choices) if isinstance(choices, list) else choices)
        solution = row.get("rationale") or row.get("analysis") or row.get("solution") or (row.get("other") or {}).get("solution") or ""
        short = row.get("label") or row.get("answer") or row.get("Answer") or row.get("target") or row.get("correct") or ""
        answer = solution or (" ".join(map(str, short)) if isinstance(short, list) else str(short))
        if question.strip() and answer.strip():
            yield question.strip(), answer.strip()


def exercises(language: str, source: str, path: Path, limit: int) -> Iterator[Text]:
    """Pages of one to several items, under one form of headings each."""
    page: list[str] = []
    made = 0
    for k, (question, answer) in enumerate(items(path)):
        before, between = FORMS[language][number(path.name, str(made)) % len(FORMS[language])]
        page.append(f"{before}{question}{between}{answer}")
        if len(page) > number(path.name, str(made), "size") % 4:
            yield language, "exercise", source, "\n\n".join(page)
            page, made = [], made + 1
        if made >= limit or k > 20 * limit:
            return


def pieces(data: Path, label: str, limit: int) -> Iterator[Text]:
    """Pieces of the corpus's documents, of the lengths that exercises have; at most `limit` of a source and language."""
    import zstandard

    for pattern in CORPUS[label]:
        for path in sorted((data / "corpus").glob(f"{pattern}.jsonl.zst")):
            source, counts = path.name.removesuffix(".jsonl.zst"), {"en": 0, "zh": 0}
            with open(path, "rb") as file:
                for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
                    row = json.loads(line)
                    text, place = row["text"], number(source, row["id"])
                    size = LENGTHS[place % len(LENGTHS)]
                    start = (place // 8) % max(len(text) - size, 1)
                    piece = text[start : start + size].strip()
                    han = sum("\u4e00" <= c <= "\u9fff" for c in piece)
                    language = "zh" if han > 0.2 * len(piece) else "en"
                    if len(piece) >= 60 and counts[language] < limit:
                        counts[language] += 1
                        yield language, label, source, piece


def texts(data: Path, limit: int) -> Iterator[Text]:
    """All texts. A source's name decides its fold, so sets of one origin have one name."""
    for path, source in EXAMS_EN.values():
        yield from exercises("en", source, data / "bench" / path, limit)
    for path in sorted((data / "bench/gaokao").glob("*.json.gz")):
        subject = next((s for name, s in GAOKAO_ZH.items() if f"_{name}_" in path.name), None)
        if subject:
            yield from exercises("zh", subject, path, limit)
    for name in AGIEVAL_ZH:
        yield from exercises("zh", AGIEVAL_SUBJECT.get(name, name), data / f"bench/agieval/gaokao-{name}.jsonl.gz", limit)
    for label in CORPUS:
        yield from pieces(data, label, limit)


def left_out(rows: list[Text], train: Callable[..., None], predict: Callable[[str, str], dict[str, float]]) -> list[tuple[str, str, float]]:
    """(label, source, exercise score) of every text by the model that was trained without its source."""
    from pipelines.quality.text import features

    order = {label: sorted({r[2] for r in rows if r[1] == label}) for label in ("exercise", "exposition", "other")}
    fold = {(label, source): k % FOLDS for label, sources in order.items() for k, source in enumerate(sources)}
    ready = [(label, source, features(text)) for _, label, source, text in rows]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for k in range(FOLDS):
            examples: dict[str, list[tuple[bytes, str, str]]] = {}
            for n, (label, source, words) in enumerate(ready):
                if fold[label, source] != k:
                    examples.setdefault(label, []).append((number(str(n)).to_bytes(4, "big"), source, words))
            path = Path(folder, f"{k}.bin")
            train(examples, path)
            found += [(la, so, predict(str(path), words).get("exercise", 0.0)) for la, so, words in ready if fold[la, so] == k]
    return found


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    from pipelines.quality.classifiers import predict, train
    from pipelines.quality.held_out import auc, report

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--quick", action="store_true", help="fewer texts of each source")
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name the data with --data", file=sys.stderr)
        return 2
    rows = list(texts(options.data, 150 if options.quick else 1000))
    metrics: dict[str, Any] = {}
    for language in ("en", "zh"):
        mine = [r for r in rows if r[0] == language]
        scored = left_out(mine, train, predict)
        positive = [s for la, _, s in scored if la == "exercise"]
        numbers = report(positive, [s for la, _, s in scored if la != "exercise"])
        print(f"{language}: {numbers}")
        for label in ("exposition", "other"):
            numbers[f"auc_{label}"] = auc(positive, [s for la, _, s in scored if la == label])
        for label in ("exercise", "exposition", "other"):
            by_source = {
                so: [s for la, s2, s in scored if la == label and s2 == so] for so in sorted({r[2] for r in mine if r[1] == label})
            }
            means = ", ".join(f"{so} {sum(v) / len(v):.2f} ({len(v)})" for so, v in by_source.items())
            print(f"  mean score of {label}: {means}")
        metrics |= {f"{name}_{language}": value for name, value in numbers.items()}
    goal = {"auc_en": 0.97, "auc_zh": 0.97}
    command = "python -m benchmarks.classifiers" + (" --quick" if options.quick else "")
    print(json.dumps({"name": "classifiers", "metrics": metrics, "goal": goal, "hardware": hardware(), "command": command}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
