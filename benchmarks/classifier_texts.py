"""Texts with and without exercises, of many sources, for benchmarks.classifiers.

Belongs here: which sources there are, their labels, how pages are made of them. Does not belong
here: models, figures.

Exercises stand alone or several on a page, under one of several forms of headings; texts of the
other labels are cut to the same lengths, so that neither length nor form tells the labels apart.
Nothing of a split that is evaluated is trained on: C-Eval, CMMLU, MMLU and the test part of GSM8K
are only scored, by `outside`, with texts of sources that no model or setting was chosen on.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import re
import zipfile
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

FORMS = {  # before the question, before the answer
    "en": (
        ("", "\n"),
        ("Question: ", "\nAnswer: "),
        ("Problem. ", "\nSolution. "),
        ("Q: ", "\nA: "),
        ("Example\n", "\n\n"),
        ("", "\n\n"),
    ),
    "zh": (
        ("", "\n"),
        ("题目：", "\n解答："),
        ("例题 ", "\n解："),
        ("问题：", "\n答案："),
        ("", "\n【解析】"),
        ("", "\n\n"),
    ),
}
CALCULATOR = re.compile(r"<<[^<>]*>>")  # notes of one data set's calculator, which no page has
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
GAOKAO_ZH = {
    "Math_I": "mathematics",
    "Math_II": "mathematics",
    "Physics": "physics",
    "Chemistry": "chemistry",
    "Biology": "biology",
}
AGIEVAL_ZH = {n: n for n in ("mathcloze", "mathqa", "physics", "chemistry", "biology")}
AGIEVAL_SUBJECT = {"mathcloze": "mathematics", "mathqa": "mathematics"}
CORPUS = {  # label by source
    "exposition": ("stem/*", "academic/*"),
    "other": (
        "web/*",
        "social/*",
        "law/*",
        "encyclopedia/*",
        "literature/classical-modern",
        "literature/standard-ebooks",
        "code/*",
    ),
}

Text = tuple[str, str, str, str]  # language, label, source, text


def number(*parts: str) -> int:
    """A number that depends on the parts alone."""
    return int.from_bytes(hashlib.blake2b("\0".join(parts).encode(), digest_size=4).digest(), "big")


def items(path: Path) -> Iterator[tuple[str, str]]:
    """(question, answer) of the items of an exam file that have an answer."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = (
            json.load(file)["example"]
            if path.name.endswith(".json.gz")
            else [json.loads(line) for line in file]
        )
    for row in rows:
        question = row.get("question") or row.get("problem") or row.get("input") or row.get("Question") or ""
        question = " ".join(
            filter(None, [row.get("passage") or row.get("body") or row.get("Body") or "", question])
        )
        choices = row.get("options")
        if choices:
            question += "\n" + ("\n".join(choices) if isinstance(choices, list) else choices)
        solution = (
            row.get("rationale")
            or row.get("analysis")
            or row.get("solution")
            or (row.get("other") or {}).get("solution")
            or ""
        )
        short = (
            row.get("label")
            or row.get("answer")
            or row.get("Answer")
            or row.get("target")
            or row.get("correct")
            or ""
        )
        answer = CALCULATOR.sub(
            "", solution or (" ".join(map(str, short)) if isinstance(short, list) else str(short))
        )
        if question.strip() and answer.strip():
            yield question.strip(), answer.strip()


def exercises(
    language: str, source: str, name: str, found: Iterable[tuple[str, str]], limit: int
) -> Iterator[Text]:
    """Pages of one to several of the items `found`, under one form of headings each; `name` decides
    the forms."""
    page: list[str] = []
    made = 0
    for question, answer in islice(found, 20 * limit):
        before, between = FORMS[language][number(name, str(made)) % len(FORMS[language])]
        page.append(f"{before}{question}{between}{answer}")
        if len(page) > number(name, str(made), "size") % 4:
            yield language, "exercise", source, "\n\n".join(page)
            page, made = [], made + 1
        if made >= limit:
            return


def pieces(label: str, source: str, documents: Iterable[tuple[str, str]], limit: int) -> Iterator[Text]:
    """A piece of each document (id, text), of the lengths that exercises have; at most `limit` of a
    language."""
    counts = {"en": 0, "zh": 0}
    for name, text in documents:
        place = number(source, name)
        size = LENGTHS[place % len(LENGTHS)]
        start = (place // 8) % max(len(text) - size, 1)
        piece = text[start : start + size].strip()
        han = sum("\u4e00" <= c <= "\u9fff" for c in piece)
        language = "zh" if han > 0.2 * len(piece) else "en"
        if len(piece) >= 60 and counts[language] < limit:
            counts[language] += 1
            yield language, label, source, piece


def read_corpus(path: Path) -> Iterator[tuple[str, str]]:
    """(id, text) of the documents of a JSONL file under zstd."""
    import zstandard

    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8"):
            row = json.loads(line)
            yield row["id"], row["text"]


def read_pages(path: Path) -> Iterator[tuple[str, str]]:
    """(URL, main text) of the pages of a WARC file."""
    from pipelines.cards.dump import DumpCard
    from pipelines.dumps.readers import read_records
    from pipelines.dumps.records import Tally
    from pipelines.extraction.documents import to_document

    tally = Tally()
    card = DumpCard(name="pages", kind="warc", uris=(path.name,))
    for record in read_records(path, "warc", tally):
        row = to_document(record, card, path.name, tally)
        if row:
            yield row["url"], row["text"]


def read_choices(archive: Path, mapping: Path, folder: str) -> Iterator[tuple[str, str]]:
    """(question with its choices, answer) of the STEM subjects in a folder of an archive of CSV
    files."""
    subjects = {
        n
        for n, about in json.loads(mapping.read_text(encoding="utf-8")).items()
        if about["category"] == "STEM"
    }
    with zipfile.ZipFile(archive) as files:
        for name in sorted(files.namelist()):
            stem = Path(name).stem
            if (
                not name.startswith(folder)
                or not name.endswith(".csv")
                or not {stem, stem.rpartition("_")[0]} & subjects
            ):
                continue
            for row in csv.reader(io.StringIO(files.read(name).decode("utf-8"))):
                if row[0] not in ("", "id") or row[1] not in ("question", "Question"):
                    cells = row[-6:]
                    yield (
                        "\n".join(
                            [
                                cells[0],
                                *(f"{letter}. {c}" for letter, c in zip("ABCD", cells[1:5], strict=True)),
                            ]
                        ),
                        cells[5],
                    )


def gaokao_items(bench: Path) -> Iterator[tuple[str, str, str, Iterator[tuple[str, str]]]]:
    """(language, subject, file name, items) of the Chinese exams."""
    for file in sorted((bench / "gaokao").glob("*.json.gz")):
        subject = next((s for name, s in GAOKAO_ZH.items() if f"_{name}_" in file.name), None)
        if subject:
            yield "zh", subject, file.name, items(file)
    for name in AGIEVAL_ZH:
        file = bench / f"agieval/gaokao-{name}.jsonl.gz"
        yield "zh", AGIEVAL_SUBJECT.get(name, name), file.name, items(file)


def texts(data: Path, limit: int) -> Iterator[Text]:
    """Texts to train on and to leave out by source. A source's name decides its fold, so sets of
    one origin have one name."""
    bench = data / "bench"
    for path, source in EXAMS_EN.values():
        yield from exercises("en", source, Path(path).name, items(bench / path), limit)
    for language, subject, name, found in gaokao_items(bench):
        yield from exercises(language, subject, name, found, limit)
    for label, patterns in CORPUS.items():
        for pattern in patterns:
            for file in sorted((data / "corpus").glob(f"{pattern}.jsonl.zst")):
                yield from pieces(label, file.name.removesuffix(".jsonl.zst"), read_corpus(file), limit)


def outside(data: Path, limit: int) -> Iterator[Text]:
    """Texts that are only scored: the STEM subjects of three exams, pages of the web, the paper's
    six domains."""
    for language, exam, folder in (
        ("en", "mmlu", "data/test/"),
        ("zh", "ceval", "val/"),
        ("zh", "cmmlu", "test/"),
    ):
        found = read_choices(data / f"bench/{exam}/{exam}.zip", data / f"bench/{exam}/mapping.json", folder)
        yield from exercises(language, exam, exam, found, limit)
    for file in sorted((data / "webdump").glob("*.warc.gz")):
        yield from pieces("other", file.name.removesuffix(".warc.gz"), read_pages(file), limit)
    for file in sorted((data / "domain-loss").glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            documents = ((str(k), json.loads(line)["text"]) for k, line in enumerate(lines))
            yield from pieces("other", file.name.removesuffix(".jsonl.gz"), documents, limit)
