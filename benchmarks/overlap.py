"""Overlap on real benchmark files: planted items verbatim and edited, false positives on clean text
of both languages, speed.

Run: python -m benchmarks.overlap [--quick] [--items DIR ...] [--data DIR]

Planted items are put between two halves of a clean document; in the edited ones every tenth token
is replaced. A false positive is a document of the corpus in which any item is found: the corpus was
not made from the items, but a document that does quote one counts as false all the same, so the
figure is an upper bound.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.signatures import CHINESE, DATA, ENGLISH, hardware, read_texts
from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.benchmark_items import BenchmarkItem, items_from_folders
from pipelines.contamination.index import Index

SHARED = DATA.parent
ITEMS = (SHARED / "bench", SHARED / "domain-loss")
TOKEN = re.compile(r"[\u3400-\u9fff]|[^\W\u3400-\u9fff]+")  # what an edit replaces: a Han character or a word


def edited(text: str, rng: random.Random) -> str:
    """`text` with a tenth of its tokens, drawn at random, replaced."""
    tokens = list(TOKEN.finditer(text))
    chosen = sorted(rng.sample(range(len(tokens)), len(tokens) // 10), reverse=True)
    for k in chosen:
        text = (
            text[: tokens[k].start()]
            + ("某" if len(tokens[k][0]) == 1 else "something")
            + text[tokens[k].end() :]
        )
    return text


def renumbered(text: str, rng: random.Random) -> str:
    """`text` with other digits for all digits."""
    return re.sub("[0-9]", lambda m: rng.choice("123456789".replace(m[0], "")), text)


def symbolic(text: str, rng: random.Random) -> str:
    """`text` with other numbers, other names (words with a capital within a sentence), and every
    twelfth other word replaced."""
    named = re.sub(r"(?<=[a-z,] )[A-Z][a-z]+", lambda m: rng.choice(("Yara", "Zoltan", "Ines")), text)
    tokens = list(TOKEN.finditer(named))
    for k in sorted(rng.sample(range(len(tokens)), len(tokens) // 12), reverse=True):
        named = named[: tokens[k].start()] + "another" + named[tokens[k].end() :]
    return renumbered(named, rng)


def planted(
    index: Index, sample: list[BenchmarkItem], clean: list[str], rng: random.Random
) -> dict[str, float]:
    """Share of the sample found in a clean page, verbatim, edited, and, of those with a number, with
    other numbers and with other numbers, names and words."""
    found, tried = Counter[str](), Counter[str]()
    for item in sample:
        page = rng.choice(clean)
        half = len(page) // 2
        forms = {"verbatim": item.text, "edited": edited(item.text, rng)}
        if re.search("[0-9]", item.text) and item.kind != "validation":
            forms |= {"renumbered": renumbered(item.text, rng), "symbolic": symbolic(item.text, rng)}
        for name, text in forms.items():
            tried[name] += 1
            found[name] += any(m.item is item for m in index.find(f"{page[:half]}\n{text}\n{page[half:]}"))
    return {name: found[name] / count for name, count in tried.items()}


def timed(index: Index, texts: list[pa.Array], passes: int = 4) -> tuple[int, float]:
    """(bytes, CPU seconds) of so many passes over the texts, with the tables of the index in reach as
    they are in a worker that reads part after part."""
    started = time.process_time()
    for _ in range(passes):
        for pages in texts:
            index.find_all(pages)
    return passes * sum(
        pc.sum(pc.binary_length(pages)).as_py() for pages in texts
    ), time.process_time() - started


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--items", type=Path, nargs="*", default=ITEMS)
    parser.add_argument(
        "--quick",
        action="store_true",
        help="300 planted items and 600 clean documents instead of 3,000 and 10,000",
    )
    options = parser.parse_args(arguments)
    for folder in (options.data, *options.items):
        if not folder.is_dir():
            print(f"{folder} is not there: name folders with --data and --items", file=sys.stderr)
            return 2
    count, documents = (300, 600) if options.quick else (3000, 10_000)
    started = time.process_time()
    items = items_from_folders(list(options.items))
    index = Index(items, ContaminationPolicy())
    built = time.process_time() - started
    index.find("warm " * 20)  # compiles, or loads what was compiled
    rng = random.Random(1)
    texts = {
        "en": read_texts(options.data, ENGLISH, False, documents // 2, 4000),
        "zh": read_texts(options.data, CHINESE, True, documents // 2, 1500),
    }
    false: dict[str, list[tuple[str, str]]] = {}
    clean: list[str] = []
    for language, pages in texts.items():
        found = {row: match.item for row, match in index.find_all(pa.array(pages))}
        false[language] = [(pages[row], f"{item.source} {item.name}") for row, item in found.items()]
        clean += [page for row, page in enumerate(pages) if row not in found]
    size, seconds = timed(index, [pa.array(pages, pa.large_string()) for pages in texts.values()])
    shares = planted(index, rng.sample(index.items, min(count, len(index.items))), clean, rng)
    short = [index.items[k] for k in index.short.tolist()]
    of_short = planted(index, rng.sample(short, min(count // 4, len(short))), clean, rng)
    total = sum(map(len, texts.values()))
    wrong = sum(map(len, false.values()))

    print(
        f"{len(items)} items read, {len(index.items)} different ones looked for, {len(short)} of them "
        f"whole; {index.skipped} too short"
    )
    print(f"{'planted':10} {'verbatim':>10} {'edited':>10}")
    print(f"{'all':10} {shares['verbatim']:10.4f} {shares['edited']:10.4f}")
    print(f"{'with other numbers':30} {shares['renumbered']:10.4f}")
    print(f"{'with other numbers and names':30} {shares['symbolic']:10.4f}")
    print(f"{'short':10} {of_short['verbatim']:10.4f} {of_short['edited']:10.4f}")
    for language, wrongly in false.items():
        most = Counter(source for _, source in wrongly).most_common(3)
        print(
            f"found in {len(wrongly)} of {len(texts[language])} clean documents ({language}); most often "
            f"{most}"
        )
    metrics = {
        "recall_verbatim": shares["verbatim"],
        "recall_edited": shares["edited"],
        "recall_renumbered": shares["renumbered"],
        "recall_symbolic": shares["symbolic"],
        "recall_verbatim_short": of_short["verbatim"],
        "recall_edited_short": of_short["edited"],
        "false_positive_share": wrong / total,
        **{
            f"false_positive_share_{language}": len(found) / max(1, len(texts[language]))
            for language, found in false.items()
        },
        "documents": total,
        "items": len(items),
        "too_short_share": index.skipped / len(items),
        "index_cpu_seconds": round(built, 2),
        "megabytes_per_cpu_second": round(size / 1e6 / seconds, 2),
    }
    goal = {"recall_verbatim": 1.0, "recall_edited": 0.95, "recall_renumbered": 0.97}
    goal |= {"recall_symbolic": 0.6, "false_positive_share": 0.0005, "megabytes_per_cpu_second": 60}
    command = "python -m benchmarks.overlap" + (" --quick" if options.quick else "")
    print(
        json.dumps(
            {"name": "overlap", "metrics": metrics, "goal": goal, "hardware": hardware(), "command": command}
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
