"""Pages judged by hand against the decisions of a policy, from page to decision.

Run: python -m benchmarks.decisions [--policy NAME|FILE] [--worst N] [--data ../shared/data]
     [--labels FILE ...]

Pages are those of `decision-gold`: the web dump as it is, and the pages of WCXB packed as another
dump; a page that never becomes a document counts as dropped; `border` and other languages are left
out. Good text by choice is each source of `corpus`, of which every document should be kept. The
numbers are measured once into a lake (`--lake`), so that another policy costs seconds. Intervals are
Wilson's, 95 %. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import io
import json
import platform
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import zstandard

from benchmarks.decision_scores import Models, columns_of, corpus_scores, page_scores, told_apart, trained
from benchmarks.lake_labels import lake_labels
from jobs.demo.pack import PageFile, write_jsonl, write_warc
from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.engine import InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.filtering.decisions import judge, judging_sets
from pipelines.filtering.policy import Policy, policy_path
from pipelines.filtering.tail import GroupCounts, add_counts, checked
from pipelines.inspection.agreement import agreement, proportion
from pipelines.lake import Dataset, Lake
from pipelines.quality.scores import SCORES
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CORPUS_DOCUMENTS = 400
"""Documents of a source that are judged, the first of its file."""


@dataclass
class Judged:
    """Documents of a dump with all their numbers: one row each, columns by GROUP/NAME."""

    metadata: pa.Table
    columns: dict[str, pa.Array]
    tables: DumpTables
    language: Dataset
    texts: list[str] = field(default_factory=list)

    def decisions(self, policy: Policy, cutoffs: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Rows of the table `decisions`; a perplexity group falls where it is worse than the rest of
        the dump, as there."""
        first = judge(self.metadata, self.columns, policy, cutoffs)[0]
        sets = judging_sets(
            policy,
            np.array(self.metadata["category"].to_pylist(), object),
            np.array(first["language"].to_pylist(), object),
            self.columns,
        )
        found: dict[str, GroupCounts] = {}
        add_counts(found, policy, first, sets)
        for name, counts in found.items():
            print(f"{self.tables.card.name}: tail of {name} {counts.numbers()}, worse: {counts.holds}")
        table = judge(self.metadata, self.columns, checked(policy, found), cutoffs)[0]
        rows: list[dict[str, Any]] = table.to_pylist()
        return rows


def lines_of(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a .jsonl.zst file."""
    with open(path, "rb") as file:
        reader = zstandard.ZstdDecompressor().stream_reader(file)
        yield from map(json.loads, io.TextIOWrapper(reader, encoding="utf-8"))


def measured(lake: Lake, card: DumpCard, with_text: bool = False) -> Judged:
    """All numbers of a dump's documents but the scores of models, built where they are missing."""
    from pipelines.edits.render import rendered_texts

    engine = InProcess()
    raw_dump = build(lake, engine, raw_dump_stage(card, Path(lake.root))).dataset
    split = build(lake, engine, split_stage(card, raw_dump)).dataset
    documents = build(lake, engine, documents_stage(card, raw_dump, split)).dataset
    edits = build(lake, engine, edits_stage(documents)).dataset
    language = build(lake, engine, language_stage(documents, edits)).dataset
    groups: dict[str, Dataset] = {
        "language": language,
        "rules": build(lake, engine, rules_stage(documents, edits, language)).dataset,
        "safety": build(lake, engine, safety_stage(documents, edits)).dataset,
        "code": build(lake, engine, code_stage(documents, edits)).dataset,
    }
    metadata = whole(documents, ["doc_id", "url", "category"])
    columns = {
        f"{group}/{name}": table[name].combine_chunks()
        for group, table in ((g, whole(d)) for g, d in groups.items())
        for name in table.column_names
        if name != "doc_id"
    }
    for name in SCORES.names[1:]:
        columns[f"scores/{name}"] = pa.nulls(metadata.num_rows, SCORES.field(name).type)
    texts: list[str] = []
    if with_text:
        for i in range(len(documents.parts)):
            texts += rendered_texts(documents, edits, i).to_pylist()
    return Judged(metadata, columns, DumpTables(card, documents, edits), language, texts)


def whole(dataset: Dataset, names: list[str] | None = None) -> pa.Table:
    """All parts of a dataset."""
    return pa.concat_tables(dataset.read_part(i, names) for i in range(len(dataset.parts)))


def gold_pages(lake: Lake, data: Path) -> list[Judged]:
    """The two dumps that the labels are of."""
    packed = Path(lake.root) / "wcxb" / "pages.warc.gz"
    if not packed.exists():
        rows = lines_of(data / "extraction-gold" / "wcxb-dev.jsonl.zst")
        pages = (PageFile(r["url"], "wcxb", r["html"].encode("utf-8", "surrogatepass")) for r in rows)
        write_warc(packed, pages, "2026-01-01T00:00:00Z")
    cards = (
        DumpCard(name="webdump", kind="warc", uris=(f"{data}/webdump/*.warc.gz",)),
        DumpCard(name="wcxb", kind="warc", uris=(str(packed),)),
    )
    return [measured(lake, card, with_text=True) for card in cards]


def corpus_sources(lake: Lake, data: Path, models: Models) -> dict[str, Judged]:
    """Good text by choice, by `source lang`: the first documents of every file in English and
    Chinese, with their scores."""
    out = {}
    for path in sorted((data / "corpus").glob("*/*.jsonl.zst")):
        category = "code" if path.parent.name == "code" else "webpages"
        by_language: dict[str, list[dict[str, str]]] = defaultdict(list)
        for i, row in enumerate(lines_of(path)):
            if row["lang"] in ("en", "zh") and len(by_language[row["lang"]]) < CORPUS_DOCUMENTS:
                name = row["id"] if category == "code" else f"{path.name.split('.')[0]}/{i}"
                by_language[row["lang"]].append({"url": f"https://corpus.test/{name}", "text": row["text"]})
        for language, rows in by_language.items():
            name = f"{path.name.split('.')[0]}-{language}"
            file = Path(lake.root) / "corpus" / f"{name}.jsonl.gz"
            if not file.exists():
                write_jsonl(file, rows)
            card = DumpCard(name=name, kind="jsonl", uris=(str(file),), category=category, group="url")
            out[name] = measured(lake, card)
            source = path.name.split(".")[0]
            out[name].columns |= columns_of(
                corpus_scores(lake, models, out[name].tables, out[name].language, path.parent.name, source)
            )
    return out


def labels_of(data: Path) -> list[dict[str, Any]]:
    """The labels that count: keep or drop, in Chinese or English; `lang` is en or zh."""
    rows = map(json.loads, (data / "decision-gold" / "labels.jsonl").read_text().splitlines())
    out = []
    for row in rows:
        language = "zh" if row["lang"].startswith("zh") else row["lang"]
        if row["verdict"] in ("keep", "drop") and language in ("en", "zh"):
            out.append(row | {"lang": language})
    return out


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--policy", default="default", help="a policy of the project, or a file")
    parser.add_argument("--lake", type=Path, default=Path("lake/benchmarks/decisions"))
    parser.add_argument(
        "--labels",
        type=Path,
        nargs="+",
        help="files of skypile label on these dumps, in place of decision-gold's labels",
    )
    parser.add_argument("--worst", type=int, default=20, help="wrong decisions to print")
    parser.add_argument("--quick", action="store_true", help="leave the corpus and the scores out")
    options = parser.parse_args()
    if not (options.data / "decision-gold" / "labels.jsonl").is_file():
        raise SystemExit(f"{options.data} has no decision-gold/labels.jsonl: name the folder with --data")
    file = Path(options.policy)
    policy = Policy.load(file if file.suffix == ".yaml" else policy_path(options.policy))
    lake = Lake(options.lake)
    decided: dict[str, dict[str, Any]] = {}
    texts: dict[str, str] = {}
    scores: dict[str, dict[str, Any]] = {}
    pages = gold_pages(lake, options.data)
    models = None if options.quick else trained(lake, options.data, [dump.tables for dump in pages])
    cutoffs = models.cutoffs if models else {}
    for dump in pages:
        urls = dump.metadata["url"].to_pylist()
        if models:
            table = page_scores(lake, models, dump.tables, dump.language)
            dump.columns |= columns_of(table)
            scores |= {u: dict(row) for u, row in zip(urls, table.to_pylist(), strict=True)}
        decided |= dict(zip(urls, dump.decisions(policy, cutoffs), strict=True))
        texts |= dict(zip(urls, dump.texts, strict=True))
    metrics: dict[str, Any] = told_apart(labels_of(options.data), scores) if models else {}
    print(*(f"{name:<32}{value}" for name, value in metrics.items()), sep="\n")
    labels = lake_labels(options.labels, decided, texts) if options.labels else labels_of(options.data)
    wrong: list[tuple[str, dict[str, Any], list[str]]] = []
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for language in ("zh", "en"):
        answers: list[tuple[bool, bool]] = []
        kinds: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
        for label in labels:
            if label["lang"] != language:
                continue
            found = decided.get(label["url"])
            kept = bool(found and found["keep"])
            right = kept == (label["verdict"] == "keep")
            answers.append((label["verdict"] == "keep", kept))
            kinds[label["verdict"], label["kind"]][right] += 1
            if not right:
                why = (found["reasons"] if found else ["no document"]) or ["kept"]
                wrong.append((language, label, why))
                for reason in why:
                    reasons[language][reason] += 1
        agreed = agreement([a for a, _ in answers], [k for _, k in answers])
        for line in agreed.lines():
            print(f"{language} {line}")
        for (verdict, kind), c in sorted(kinds.items()):
            print(f"    {verdict} {kind:<14}{c[True]:>4} of {c[True] + c[False]}")
        metrics |= {
            f"keep_recall_{language}": round(agreed.keep.share, 4),
            f"drop_recall_{language}": round(agreed.drop.share, 4),
            f"balanced_{language}": round(agreed.balanced, 4),
        }
        print(f"    wrong removals by rule: {dict(reasons[language].most_common(12))}")
    if models:
        below = {}
        for name, dump in corpus_sources(lake, options.data, models).items():
            rows = dump.decisions(policy, cutoffs)
            kept, why = [r["keep"] for r in rows], Counter(r for row in rows for r in row["reasons"])
            print(f"{name:<32}{proportion(kept)!s:<36}{dict(why.most_common(5))}")
            if sum(kept) < 0.9 * len(rows):
                below[name] = round(sum(kept) / len(rows), 3)
        metrics["sources_below_090"] = len(below)
        metrics["below"] = below
    for language, label, why in wrong[: options.worst]:
        head = texts.get(label["url"], "")[:80].replace("\n", " ")
        print(f"{language} {label['verdict']} {label['kind']:<12} {why} {label['url']}")
        print(f"      {label['why']} | {head}")
    command = f"python -m benchmarks.decisions --policy {options.policy}" + " --quick" * options.quick
    goal = {"balanced_zh": 0.92, "balanced_en": 0.92, "keep_recall_zh": 0.92, "keep_recall_en": 0.92}
    out = {"name": "decisions", "metrics": metrics, "goal": goal, "hardware": platform.machine()}
    print(json.dumps(out | {"command": command}))


if __name__ == "__main__":
    main()
