"""Scores of models for benchmarks.decisions: no page by a model that saw it or its source.

Belongs here: which texts the models learn, how each judged document is scored, how well scores tell
good pages from bad. Does not belong here: decisions, labels' agreement.

Reference text is the corpus but for its web pages and social media: encyclopedias, books, law,
papers and textbooks, each source a host of its own; the other pages are the two dumps that the
labels are of. A document that a classifier learned from is scored by the model of the other fold,
which saw nothing of its host or source. The perplexity models have no folds: they learn reference
text alone, so pages get a perplexity and reference text gets none. Exercises are those of
benchmarks.classifier_texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from benchmarks.classifier_texts import EXAMS_EN, exercises, gaokao_items, items, read_corpus
from jobs.demo.pack import write_jsonl
from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.edits.render import rendered_texts
from pipelines.engine import InProcess
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.lake import Dataset, Lake
from pipelines.quality.classifiers import reference_classifier_stage, stem_classifier_stage
from pipelines.quality.held_out import auc
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import SCORES, VERSION, perplexity_cutoffs, score_rows, scores_stage
from pipelines.tables.inputs import DumpTables
from pipelines.tables.stage import Stage, Stats, build, row_aligned

KINDS = {
    "encyclopedia": "encyclopedia",
    "literature": "books",
    "law": "miscellany",
    "academic": "academic",
    "stem": "academic",
}
"""Category of the reference dump by folder of the corpus."""
DOCUMENTS = 400
"""Of a source and language that are learned, the first of its file."""
EXERCISES = 400
"""Pages of exercises of a source."""


@dataclass(frozen=True)
class Models:
    """The models, their cards, and the dumps that they learned."""

    datasets: dict[str, Dataset]
    cards: dict[str, Any]
    dumps: Mapping[str, DumpTables]

    @property
    def cutoffs(self) -> dict[str, Any]:
        """Perplexity cutoffs by language and kind."""
        return perplexity_cutoffs(self.cards["perplexity"])


def host_of(source: str) -> str:
    """The host that a source of the corpus has in the reference dumps."""
    return f"{source}.test"


def trained(lake: Lake, data: Path, pages: Iterable[DumpTables]) -> Models:
    """The three models of the lake, of the corpus and `pages`."""
    dumps = {t.card.name: t for t in pages}
    by_kind: dict[str, list[dict[str, str]]] = defaultdict(list)
    for folder, kind in KINDS.items():
        for path in sorted((data / "corpus" / folder).glob("*.jsonl.zst")):
            by_kind[kind] += reference_rows(path)
    for kind, rows in by_kind.items():
        dumps[f"reference-{kind}"] = packed(lake, f"reference-{kind}", rows, category=kind, reference=True)
    dumps["exercises"] = packed(lake, "exercises", exercise_rows(data / "bench"), category="stem")
    stages = {
        "reference": reference_classifier_stage(dumps),
        "stem": stem_classifier_stage(dumps),
        "perplexity": perplexity_models_stage(dumps),
    }
    datasets = {name: build(lake, InProcess(), stage).dataset for name, stage in stages.items()}
    return Models(datasets, {n: d.read_json("card.json") for n, d in datasets.items()}, dumps)


def reference_rows(path: Path) -> list[dict[str, str]]:
    """The first documents of a file of the corpus, DOCUMENTS of Chinese and of other text."""
    source = path.name.split(".")[0]
    rows, counts = [], {True: 0, False: 0}
    for i, (_, text) in enumerate(read_corpus(path)):
        han = sum("\u4e00" <= c <= "\u9fff" for c in text[:2000]) > 0.2 * len(text[:2000])
        counts[han] += 1
        if counts[han] <= DOCUMENTS:
            rows.append({"url": f"https://{host_of(source)}/{i}", "text": text})
    return rows


def exercise_rows(bench: Path) -> Iterator[dict[str, str]]:
    """Pages of exercises with their answers, of sets that are not evaluated."""
    found = [
        ("en", source, Path(path).name, items(bench / path)) for path, source in EXAMS_EN.values()
    ] + list(gaokao_items(bench))
    for language, source, name, pairs in found:
        for i, row in enumerate(exercises(language, source, name, pairs, EXERCISES)):
            yield {"url": f"https://{host_of(source)}/{name}/{i}", "text": row[3]}


def packed(lake: Lake, name: str, rows: Iterable[dict[str, str]], **card: Any) -> DumpTables:
    """Documents and edits of a dump of such rows, all on the training side."""
    file = Path(lake.root) / "learned" / f"{name}.jsonl.gz"
    if not file.exists():
        write_jsonl(file, rows)
    made = DumpCard(name=name, kind="jsonl", uris=(str(file),), validation_share=0.0, min_groups=0, **card)
    engine = InProcess()
    raw_dump = build(lake, engine, raw_dump_stage(made, Path(lake.root))).dataset
    split = build(lake, engine, split_stage(made, raw_dump)).dataset
    documents = build(lake, engine, documents_stage(made, raw_dump, split)).dataset
    return DumpTables(made, documents, build(lake, engine, edits_stage(documents)).dataset)


def page_scores(lake: Lake, models: Models, tables: DumpTables, language: Dataset) -> pa.Table:
    """SCORES of a dump: its own pages by the fold that did not learn their host."""
    stage = scores_stage(tables.documents, tables.edits, language, *models.datasets.values())
    return _whole(build(lake, InProcess(), stage).dataset)


def corpus_scores(
    lake: Lake, models: Models, tables: DumpTables, language: Dataset, folder: str, source: str
) -> pa.Table:
    """SCORES of documents of a source of the corpus: of reference text, by the fold that did not
    learn the source, and without a perplexity."""
    if folder not in KINDS:
        return page_scores(lake, models, tables, language)
    learned = models.dumps[f"reference-{KINDS[folder]}"].documents
    cards = models.cards | {"perplexity": {"languages": {}}}

    def rows(i: int) -> tuple[pa.Table, Stats]:
        ids = tables.documents.read_part(i, ["doc_id"])["doc_id"].to_pylist()
        codes = language.read_part(i, ["language"])["language"].to_pylist()
        texts = rendered_texts(tables.documents, tables.edits, i).to_pylist()
        heads = [{"doc_id": d, "side": "train", "group": host_of(source)} for d in ids]
        return score_rows(models.datasets, cards, learned, list(zip(heads, codes, texts, strict=True))), {
            "documents": len(ids)
        }

    stage = Stage(
        "scores",
        VERSION,
        row_aligned(tables.documents, rows),
        partition=f"{tables.card.name}-left-out",
        inputs={"documents": tables.documents, "learned": learned, **models.datasets},
    )
    return _whole(build(lake, InProcess(), stage).dataset)


def _whole(dataset: Dataset) -> pa.Table:
    return pa.concat_tables(dataset.read_part(i) for i in range(len(dataset.parts)))


def told_apart(
    labels: Iterable[Mapping[str, Any]], scores: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """AUC of each score by language, against the verdicts: reference and perplexity as a reason to
    drop (a low one, a high one); precision and recall of the STEM labels at .5, by language.

    `scores` by URL, with `language` as the pages' own. A page without a score is left out.
    """
    out: dict[str, Any] = {}
    rows = [(label, scores[label["url"]]) for label in labels if label["url"] in scores]
    for language in ("zh", "en"):
        mine = [(la, s) for la, s in rows if la["lang"] == language]
        for name, sign in (("reference", -1.0), ("perplexity", 1.0)):
            by_verdict = {
                verdict: [
                    sign * s[name] for la, s in mine if la["verdict"] == verdict and s[name] is not None
                ]
                for verdict in ("drop", "keep")
            }
            found = auc(by_verdict["drop"], by_verdict["keep"])
            out[f"auc_{name}_{language}"] = found
        for label, column in (("exercise", "stem_exercise"), ("exposition", "stem_exposition")):
            said = {la["url"] for la, s in mine if (s[column] or 0.0) >= 0.5}
            true = {la["url"] for la, _ in mine if la["stem"] == label}
            out[f"{label}_true_{language}"], out[f"{label}_found_{language}"] = len(true), len(said)
            out[f"{label}_precision_{language}"] = round(len(said & true) / len(said), 3) if said else None
            out[f"{label}_recall_{language}"] = round(len(said & true) / len(true), 3) if true else None
    return out


def columns_of(table: pa.Table) -> dict[str, pa.Array]:
    """The scores under the names that policies use."""
    return {f"scores/{name}": table[name].combine_chunks() for name in SCORES.names[1:]}
