"""Labels for the classifiers `edu` and `topic` from a folder of data, and the models that ship.

    python -m tools.label_sources --data FOLDER --output FOLDER   the labelled text, edu.jsonl and topic.jsonl
    python -m tools.label_sources --data FOLDER --write           train and write pipelines/quality/shipped

Belongs here: which source bears which label, reading the folder, the report. Does not belong here: models
(pipelines/quality). FOLDER holds `corpus/KIND/SOURCE.jsonl.zst`, and may hold `extraction-gold` (pages by
type) and `decision-gold` with `webdump` (pages whose educational value, 0 to 5, people gave).

The label of a source is a weak one: what a textbook is, not what one page of it says. A source is a file, or
a folder within a repository; page labels by people have their host as source. Whole sources are left out
when a model is judged. Where people gave a number, that is what the report compares with.
"""

from __future__ import annotations

import argparse
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pipelines.cards.classifier import ClassifierCard
from pipelines.quality.classifier_models import SHIPPED, json_bytes, out_of_fold, trained
from pipelines.quality.labelled import LabelledText, number_report, read_examples

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PER_FILE = 3_000
"""Documents of a file that are read, the first."""

TOPICS = {
    "code/python-stdlib": "computing",
    "encyclopedia/cmrc2018": "general",
    "encyclopedia/llamafactory": "general",
    "encyclopedia/wikitext2": "general",
    "law/": "law",
    "literature/": "literature",
    "social/zh-medical-qa": "medicine",
    "stem/d2l": "computing",
    "stem/dl500": "computing",
    "stem/fancyerii": "computing",
    "stem/oi-wiki": "computing",
    "stem/openstax-algebra": "mathematics",
    "stem/openstax-calculus": "mathematics",
    "stem/openstax-statistics": "mathematics",
    "stem/openstax-": "science",
    "stem/pumpkin": "computing",
    "stem/sklearn": "computing",
    "stem/stacks": "mathematics",
    "web/houbb": "computing",
    "web/howtocook": "food",
    "web/javaguide": "computing",
    "web/lctt": "computing",
    "web/msdocs-graph": "computing",
    "web/paddle": "computing",
    "web/tidb": "computing",
}
"""Topic by the beginning of KIND/SOURCE; the first that fits. Sources of mixed topics are left out."""
REVIEWS = (
    ("htl", "travel"),
    ("waimai", "commerce"),
    ("shopping", "commerce"),
    ("dmsc", "leisure"),
    ("movie", "leisure"),
)
"""Topic by what the path of a collection of reviews holds."""
PAGES = {"product": "commerce", "service": "commerce", "collection": "commerce"}
"""Topic by the type of a page; documentation and articles are of any."""
EDU = {
    "academic/": 4.0,
    "code/": 2.0,
    "encyclopedia/xinhua": 2.0,
    "encyclopedia/": 3.0,
    "law/": 2.0,
    "literature/": 2.0,
    "social/zh-medical-qa": 2.0,
    "social/": 0.0,
    "stem/openstax": 5.0,
    "stem/d2l": 5.0,
    "stem/": 4.0,
    "web/c4-demo": 1.0,
    "web/msdocs": 2.0,
    "web/": 3.0,
}
"""Educational value, 0 to 5, by the beginning of KIND/SOURCE; the first that fits. Ours, by the rubric of
decision-gold: 0 none, 3 clearly useful to learn from, 5 like an excellent textbook."""
EDU_PAGES = {
    "product": 0.0,
    "service": 0.5,
    "collection": 0.5,
    "listing": 0.5,
    "forum": 1.0,
    "documentation": 3.0,
}


def lines_of(path: Path, most: int = PER_FILE) -> Iterator[dict[str, Any]]:
    """The first rows of a .jsonl.zst file."""
    import zstandard

    with open(path, "rb") as file:
        stream = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        for number, line in enumerate(stream):
            if number >= most:
                return
            yield json.loads(line)


def first_fit(table: dict[str, Any], name: str) -> Any:
    """The value of the first beginning that `name` has; None where none has."""
    return next((value for beginning, value in table.items() if name.startswith(beginning)), None)


def folder_of(name: str, identity: str) -> str:
    """The source of a document: its file, and the folder within its repository that tells books,
    departments and collections apart."""
    inside = identity.split("#")[0].split("/")[1:-1]
    inside = [
        p for p in inside if p not in ("docs", "_posts", "src", "epub", "articles", "modules", "datasets")
    ]
    return "/".join([name, *inside[:2]]) if name.startswith(("literature", "law", "social")) else name


def corpus(data: Path, most: int = PER_FILE) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(KIND/SOURCE, source, row) of every document of the corpus."""
    for path in sorted((data / "corpus").glob("*/*.jsonl.zst")):
        name = f"{path.parent.name}/{path.name.removesuffix('.jsonl.zst')}"
        # Reviews stand collection by collection: the first rows would be one collection's.
        for row in lines_of(path, 40_000 if name.startswith("social/zh-reviews") else most):
            yield name, folder_of(name, row["id"]), row


def pages(data: Path) -> Iterator[tuple[str, str, str, str]]:
    """(URL, host, type, main text) of the pages by type, as our extraction reads them."""
    from pipelines.extraction.page import extract

    for row in lines_of(data / "extraction-gold" / "wcxb-dev.jsonl.zst", 100_000):
        host = urlsplit(row["url"]).netloc.removeprefix("www.")
        yield row["url"], host, row["page_type"], extract(row["html"]).text


def crawled(data: Path, urls: set[str]) -> Iterator[tuple[str, str]]:
    """(URL, main text) of pages of the web dump."""
    from fastwarc.warc import ArchiveIterator, WarcRecordType

    from pipelines.extraction.charset import decode
    from pipelines.extraction.page import extract

    for path in sorted((data / "webdump").glob("*.warc.gz")):
        with open(path, "rb") as stream:
            for record in ArchiveIterator(stream, record_types=WarcRecordType.response):
                url = record.headers.get("WARC-Target-URI", "")
                if url in urls:
                    content = (
                        str(record.http_headers.get("Content-Type") or "") if record.http_headers else ""
                    )
                    yield url, extract(decode(record.reader.read(), content)[0]).text


def clean(text: str, most: int = 20_000) -> str:
    """What a classifier may read of a text: no more than that, without marks that tell a source alone."""
    return re.sub(r"<!--.*?-->|^\[#\]:[^\n]*$", "", text[:most], flags=re.M | re.S).strip()


def labelled(data: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Rows of (edu, topic): text, label, source."""
    edu: list[dict[str, Any]] = []
    topic: list[dict[str, Any]] = []
    counts: dict[str, int] = {}
    for name, source, row in corpus(data):
        counts[source] = counts.get(source, 0) + 1
        text = clean(row["text"])
        if counts[source] > PER_FILE or len(text) < 30:
            continue
        if (grade := first_fit(EDU, name)) is not None:
            edu.append({"text": text, "label": grade, "source": source})
        label = first_fit(TOPICS, name)
        if name.startswith("social/zh-reviews"):
            label = next((t for part, t in REVIEWS if part in row["id"].lower()), None)
        if label:
            topic.append({"text": text, "label": label, "source": source})
    given = people(data)
    texts: dict[str, str] = {}
    if (data / "extraction-gold").is_dir():
        for url, host, kind, text in pages(data):
            texts[url] = text
            if len(text) < 200:
                continue
            if kind in PAGES:
                topic.append({"text": text, "label": PAGES[kind], "source": host})
            if kind in EDU_PAGES and url not in given:
                edu.append({"text": text, "label": EDU_PAGES[kind], "source": host})
    if given:
        texts |= dict(crawled(data, set(given)))
        for url, grade in given.items():
            if len(texts.get(url, "")) >= 30:
                host = urlsplit(url).netloc.removeprefix("www.")
                edu.append({"text": texts[url], "label": float(grade), "source": host, "by": "people"})
    return edu, topic


def people(data: Path) -> dict[str, float]:
    """Educational value by URL, as people gave it."""
    path = data / "decision-gold" / "labels.jsonl"
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines()) if path.is_file() else ()
    return {row["url"]: row["edu"] for row in rows if row["lang"] != "other"}


def by_people(
    card: ClassifierCard, examples: Sequence[LabelledText], rows: list[dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    """By language: how the numbers that people gave agree with models that saw neither page nor host."""
    given = {row["text"] for row in rows if row.get("by") == "people"}
    found = {}
    for part, languages in card.parts().items():
        mine = [e for e in examples if e.language in languages]
        chosen = [k for k, e in enumerate(mine) if e.text in given]
        if chosen:
            scores = out_of_fold(card, mine, [])[0][chosen, 0]
            labels = [float(mine[k].label) for k in chosen]
            found[part] = {"examples": len(chosen), **number_report(labels, scores)}
    return found


def file_of(rows: list[dict[str, Any]]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def main(arguments: list[str] | None = None) -> int:
    """Write the labels, or train and write the shipped models; print what is known of what was left out."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument(
        "--output", type=Path, help="a folder for edu.jsonl and topic.jsonl: labels/ of a lake"
    )
    parser.add_argument(
        "--write", action="store_true", help=f"train, and write the models to {SHIPPED.name}/"
    )
    options = parser.parse_args(arguments)
    if not (options.data / "corpus").is_dir():
        raise SystemExit(f"{options.data} has no folder corpus: name the data with --data")
    for name, rows in zip(("edu", "topic"), labelled(options.data), strict=True):
        data = file_of(rows)
        if options.output:
            options.output.mkdir(parents=True, exist_ok=True)
            (options.output / f"{name}.jsonl").write_bytes(data)
            print(f"{options.output / f'{name}.jsonl'}: {len(rows)} rows")
        card = ClassifierCard.load(SHIPPED / f"{name}.yaml")
        examples = read_examples(card, data)
        value, files = trained(card, examples)
        value["command"] = "python -m tools.label_sources --write"
        if name == "edu":
            for part, found in by_people(card, examples, rows).items():
                value["models"][part]["held_out_by_people"] = found
        for part, entry in value["models"].items():
            print(name, part, json.dumps(entry, ensure_ascii=False))
        if options.write:
            (SHIPPED / f"{name}.json").write_bytes(json_bytes(value))
            (SHIPPED / f"{name}.npz").write_bytes(files["model.npz"])
            print(f"{SHIPPED / name}.npz: {len(files['model.npz']):,} bytes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
