"""Pages judged by hand against the decisions of a policy, from page to decision.

Run: python -m benchmarks.decisions [--policy NAME|FILE] [--worst N] [--data ../shared/data]
     [--labels FILE ...]

Pages are those of `decision-gold`: the web dump as it is, and the pages of WCXB packed as another
dump; a page that never becomes a document counts as dropped; `border` and other languages are left
out. Labels that cannot be met are counted apart too: pages labelled as holding no text, from a view
that had lost it, of which extraction reads UNSEEN_CHARS and more. Scores of page kinds are of models
that saw no page of the host. datatrove's chains stand beside, on the same texts (`make bench-setup`).

Good text by choice is each file of `corpus`, documents evenly from its whole length; those of fewer
words than a reader would keep (LEAST_CHARS, LEAST_WORDS) are counted apart. Articles and threads that
nobody labelled, of other hosts too, stand beside (decision_good.py). The numbers are measured
once into a lake (`--lake`), so that another policy costs seconds. Intervals are Wilson's, 95 %. The
last line is one JSON object.
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

from benchmarks.decision_good import COLLECTIONS, kept_and_alone, wcxb_rows
from benchmarks.decision_kinds import held_out_kinds
from benchmarks.decision_peers import peer_decisions
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
from pipelines.signals.page_kinds import KINDS
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import build
from tools.train_page_kinds import types_of

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared" / "data"
CORPUS_DOCUMENTS = 400
"""Documents of a file that are judged, evenly from its whole length."""
UNSEEN_CHARS = 300
"""Characters of text from which a page that is labelled as empty is not."""
CATEGORIES = {"code": "code", "social": "social", "encyclopedia": "encyclopedia"}
"""Category of a folder of the corpus, as a card would name it; other folders are judged as web pages."""
LEAST_CHARS, LEAST_WORDS = 60, 30
"""What a reader asks of a Chinese and of an English page, by the rubric of decision-gold."""


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


def packed(lake: Lake, name: str, file: Path) -> DumpCard:
    """The card of a dump of the pages of a file of extraction-gold."""
    path = Path(lake.root) / name / "pages.warc.gz"
    if not path.exists():
        rows = lines_of(file)
        pages = (PageFile(r["url"], name, r["html"].encode("utf-8", "surrogatepass")) for r in rows)
        write_warc(path, pages, "2026-01-01T00:00:00Z")
    return DumpCard(name=name, kind="warc", uris=(str(path),))


def gold_pages(lake: Lake, data: Path) -> list[Judged]:
    """The two dumps that the labels are of."""
    cards = (
        DumpCard(name="webdump", kind="warc", uris=(f"{data}/webdump/*.warc.gz",)),
        packed(lake, "wcxb", data / "extraction-gold" / "wcxb-dev.jsonl.zst"),
    )
    return [measured(lake, card, with_text=True) for card in cards]


def good_pages(
    lake: Lake, data: Path, policy: Policy, decided: Mapping[str, Mapping[str, Any]], pages: list[Judged]
) -> dict[str, float]:
    """Print what the policy keeps of articles and threads without a label, and what it removes by one
    number alone; the shares by group and language. `decided` are the rows of `pages` by URL."""
    known = [
        (url, language, decided[url])
        for dump in pages
        for url, language in zip(
            dump.metadata["url"].to_pylist(), dump.columns["language/language"].to_pylist(), strict=True
        )
    ]
    rows = list(wcxb_rows(known, types_of(data), {label["url"] for label in labels_of(data, border=True)}))
    for name in COLLECTIONS:
        dump = measured(lake, packed(lake, name, data / "extraction-gold" / f"{name}.jsonl.zst"))
        languages = dump.columns["language/language"].to_pylist()
        rows += [(name, la, row) for la, row in zip(languages, dump.decisions(policy, {}), strict=True)]
    shares = {}
    for (name, language), (kept, num, alone) in kept_and_alone(rows).items():
        print(f"{name:<24}{language} {kept} of {num} kept; by one number alone: {dict(alone.most_common(6))}")
        shares[f"kept_{name}_{language}"] = round(kept / num, 4)
    return shares


def corpus_sources(lake: Lake, data: Path, models: Models) -> dict[str, Judged]:
    """Good text by choice, by file: documents in English and Chinese, whatever share of each the file
    holds, with their texts and scores."""
    out = {}
    for path in sorted((data / "corpus").glob("*/*.jsonl.zst")):
        source = path.name.split(".")[0]
        category = CATEGORIES.get(path.parent.name, "webpages")
        file = Path(lake.root) / "corpus" / f"{source}.jsonl.gz"
        if not file.exists():
            rows = [row for row in lines_of(path) if row["lang"] in ("en", "zh")]
            step = max(1, len(rows) // CORPUS_DOCUMENTS)
            chosen = []
            for i, row in list(enumerate(rows))[::step][:CORPUS_DOCUMENTS]:
                name = row["id"] if category == "code" else f"{source}/{i}"
                chosen.append({"url": f"https://corpus.test/{name}", "text": row["text"]})
            write_jsonl(file, chosen)
        card = DumpCard(name=source, kind="jsonl", uris=(str(file),), category=category, group="url")
        judged = measured(lake, card, with_text=True)
        judged.columns |= columns_of(
            corpus_scores(lake, models, judged.tables, judged.language, path.parent.name, source)
        )
        out[source] = judged
    return out


def is_long_enough(text: str, language: str) -> bool:
    """Whether a document has as much text as a reader asks for."""
    if language == "zh":
        return sum(not c.isspace() for c in text) >= LEAST_CHARS
    return len(text.split()) >= LEAST_WORDS


def cannot_be_met(label: dict[str, Any], text: str) -> bool:
    """Whether a page is labelled as holding no text, and extraction reads an article of it."""
    return label["kind"] == "empty" and len(text) >= UNSEEN_CHARS


def with_kinds(dump: Judged, held_out: dict[str, dict[str, float]]) -> None:
    """Put the scores of models that saw no page of the host in the place of the shipped model's."""
    urls = dump.metadata["url"].to_pylist()
    for kind in KINDS:
        own = dump.columns[f"rules/{kind}"].to_pylist()
        values = [held_out.get(url, {}).get(kind, value) for url, value in zip(urls, own, strict=True)]
        dump.columns[f"rules/{kind}"] = pa.array(values, pa.float32())


def labels_of(data: Path, border: bool = False) -> list[dict[str, Any]]:
    """The labels that count: keep or drop (and `border`), in Chinese or English; `lang` is en or zh."""
    rows = map(json.loads, (data / "decision-gold" / "labels.jsonl").read_text().splitlines())
    out = []
    for row in rows:
        language = "zh" if row["lang"].startswith("zh") else row["lang"]
        if row["verdict"] in ("keep", "drop", *(("border",) if border else ())) and language in ("en", "zh"):
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
    languages = [dump.columns["language/language"].to_pylist() for dump in pages]
    read = [
        (url, language, text)
        for dump, known in zip(pages, languages, strict=True)
        for url, language, text in zip(dump.metadata["url"].to_pylist(), known, dump.texts, strict=True)
    ]
    held_out = held_out_kinds(options.data, read)
    for dump in pages:
        with_kinds(dump, held_out)
        urls = dump.metadata["url"].to_pylist()
        if models:
            table = page_scores(lake, models, dump.tables, dump.language)
            dump.columns |= columns_of(table)
            scores |= {u: dict(row) for u, row in zip(urls, table.to_pylist(), strict=True)}
        decided |= dict(zip(urls, dump.decisions(policy, cutoffs), strict=True))
        texts |= dict(zip(urls, dump.texts, strict=True))
    peers = peer_decisions(
        {la["url"]: (la["lang"], texts[la["url"]]) for la in labels_of(options.data) if la["url"] in texts}
    )
    metrics: dict[str, Any] = told_apart(labels_of(options.data), scores) if models else {}
    print(*(f"{name:<32}{value}" for name, value in metrics.items()), sep="\n")
    labels = lake_labels(options.labels, decided, texts) if options.labels else labels_of(options.data)
    wrong: list[tuple[str, dict[str, Any], list[str]]] = []
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    for language in ("zh", "en"):
        answers: list[tuple[bool, bool]] = []
        fair: list[tuple[bool, bool]] = []  # without labels that cannot be met
        beside: dict[str, list[tuple[bool, bool]]] = {chain: [] for chain in peers}
        alone = {True: Counter[str](), False: Counter[str]()}
        kinds: dict[tuple[str, str], Counter[bool]] = defaultdict(Counter)
        for label in labels:
            if label["lang"] != language:
                continue
            found = decided.get(label["url"])
            kept = bool(found and found["keep"])
            right = kept == (label["verdict"] == "keep")
            wanted = label["verdict"] == "keep"
            answers.append((wanted, kept))
            if not cannot_be_met(label, texts.get(label["url"], "")):
                fair.append((wanted, kept))
            for chain, answer in peers.items():
                beside[chain].append((wanted, answer.get(label["url"], False)))
            against = found["reasons"] if found else ["no document"]
            if len(against) == 1:
                alone[wanted][against[0]] += 1
            kinds[label["verdict"], label["kind"]][right] += 1
            if not right:
                why = (found["reasons"] if found else ["no document"]) or ["kept"]
                wrong.append((language, label, why))
                for reason in why:
                    reasons[language][reason] += 1
        agreed = agreement([a for a, _ in answers], [k for _, k in answers])
        for line in agreed.lines():
            print(f"{language} {line}")
        met = agreement([a for a, _ in fair], [k for _, k in fair])
        print(f"    without the {len(answers) - len(fair)} labels that cannot be met: {met.lines()[2]}")
        for chain, pairs in beside.items():
            if (chain == "fineweb2") == (language == "zh"):
                theirs = agreement([a for a, _ in pairs], [k for _, k in pairs])
                print(
                    f"    datatrove, {chain}: keep {theirs.keep}, drop {theirs.drop}, {theirs.balanced:.3f}"
                )
                metrics[f"balanced_{language}_datatrove_{chain}"] = round(theirs.balanced, 4)
        for (verdict, kind), c in sorted(kinds.items()):
            print(f"    {verdict} {kind:<14}{c[True]:>4} of {c[True] + c[False]}")
        metrics |= {
            f"keep_recall_{language}": round(agreed.keep.share, 4),
            f"drop_recall_{language}": round(agreed.drop.share, 4),
            f"balanced_{language}": round(agreed.balanced, 4),
            f"balanced_{language}_of_labels_that_can_be_met": round(met.balanced, 4),
        }
        print(f"    wrong decisions by reason: {dict(reasons[language].most_common(12))}")
        print(f"    removals by one number alone, wrong: {dict(alone[True].most_common())}")
        print(f"    removals by one number alone, right: {dict(alone[False].most_common())}")
    if not options.quick:
        metrics |= good_pages(lake, options.data, policy, decided, pages)
    if models:
        below = {}
        for name, dump in corpus_sources(lake, options.data, models).items():
            rows = dump.decisions(policy, cutoffs)
            kept_rows, why = [r["keep"] for r in rows], Counter(r for row in rows for r in row["reasons"])
            tongues = [r["language"] for r in rows]
            long = [is_long_enough(t, la) for t, la in zip(dump.texts, tongues, strict=True)]
            whole_ones = [keep for keep, enough in zip(kept_rows, long, strict=True) if enough]
            by_language = {
                la: f"{np.mean([k for k, t in zip(kept_rows, tongues, strict=True) if t == la]):.2f} of {n}"
                for la, n in Counter(tongues).most_common(3)
            }
            print(f"{name:<28}{proportion(kept_rows)}; long enough: {proportion(whole_ones)}; {by_language}")
            if sum(kept_rows) < 0.9 * len(rows):
                below[name] = round(sum(kept_rows) / len(rows), 3)
                print(f"    {dict(why.most_common(6))}")
        metrics["sources_below_090"] = len(below)
        metrics["below"] = below
    for language, label, why in wrong[: options.worst]:
        head = texts.get(label["url"], "")[:80].replace("\n", " ")
        print(f"{language} {label['verdict']} {label['kind']:<12} {why} {label['url']}")
        print(f"      {label['why']} | {head}")
    command = f"python -m benchmarks.decisions --policy {options.policy}" + " --quick" * options.quick
    if options.labels:
        command += f" --labels {' '.join(map(str, options.labels))}"
    goal = {"balanced_zh": 0.92, "balanced_en": 0.92, "keep_recall_zh": 0.92, "keep_recall_en": 0.92}
    out = {"name": "decisions", "metrics": metrics, "goal": goal, "hardware": platform.machine()}
    print(json.dumps(out | {"command": command}))


if __name__ == "__main__":
    main()
