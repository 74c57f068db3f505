"""Every table, model and shard set: one entry each, in the order of the data's life.

Belongs here: what each is, who writes it, what it is computed from; questions about the entries. Does
not belong here: what an entry says (entry.py), columns (beside the stage that writes them), how a
stage's inputs are found (stages.py). Lists of tables anywhere else are derived from this one.
"""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.catalogue.entry import Life, Table
from pipelines.tables.inputs import SIGNAL_GROUPS

SIGNALS = tuple(f"signals/{group}" for group in SIGNAL_GROUPS)


_TEXTS = ("documents", "edits")
_DECIDED = ("documents", "edits", "signatures", "decisions")

_ENTRIES = (
    Table("raw_dump", "dump", "dump", "the files of a dump", "pipelines.dumps.raw_dump"),
    Table(
        "split",
        "dump",
        "dump",
        "whether a dump is split by group or by URL",
        "pipelines.extraction.split",
        ("raw_dump",),
    ),
    Table(
        "documents",
        "dump",
        "dump",
        "main text and provenance of every readable page",
        "pipelines.extraction.documents",
        ("raw_dump", "split"),
    ),
    Table(
        "left_out",
        "dump",
        "dump",
        "pages that gave no document, and why",
        "pipelines.extraction.documents",
        beside="documents",
    ),
    Table("edits", "dump", "dump", "spans to mask or take out", "pipelines.edits.edits", ("documents",)),
    Table("signals/language", "dump", "dump", "the language of a text", "pipelines.signals.signals", _TEXTS),
    Table(
        "signals/rules",
        "dump",
        "dump",
        "the numbers of every rule",
        "pipelines.signals.signals",
        (*_TEXTS, "signals/language"),
    ),
    Table(
        "parallel_pairs",
        "dump",
        "dump",
        "pages in English and Chinese that are translations, paragraph by paragraph",
        "pipelines.corpora.parallel",
        (*_TEXTS, "signals/language"),
    ),
    Table("signals/safety", "dump", "dump", "words of harmful trades", "pipelines.signals.signals", _TEXTS),
    Table("signals/code", "dump", "dump", "types of source files", "pipelines.signals.signals", _TEXTS),
    Table(
        "signatures",
        "dump",
        "dump",
        "content hash, MinHash and block hashes",
        "pipelines.dedup.signatures",
        _TEXTS,
    ),
    Table(
        "reference_classifier",
        "global",
        "models",
        "fastText: would Wikipedia cite this page?",
        "pipelines.quality.classifiers",
        _TEXTS,
    ),
    Table(
        "stem_classifier",
        "global",
        "models",
        "fastText: exercise with solution, exposition, other",
        "pipelines.quality.classifiers",
        _TEXTS,
    ),
    Table(
        "perplexity_models",
        "global",
        "models",
        "KenLM of reference text, by language",
        "pipelines.quality.perplexity",
        _TEXTS,
    ),
    Table(
        "classifier_models",
        "global",
        "models",
        "the model of each classifier card",
        "pipelines.quality.classifier_models",
        _TEXTS,
        each=True,
    ),
    Table(
        "scores",
        "dump",
        "dump",
        "what the models say of every document",
        "pipelines.quality.scores",
        (*_TEXTS, "signals/language", "reference_classifier", "stem_classifier", "perplexity_models"),
    ),
    Table(
        "classifiers",
        "dump",
        "dump",
        "what each classifier says of every document",
        "pipelines.quality.classifier_scores",
        (*_TEXTS, "signals/language", "classifier_models"),
        each=True,
    ),
    Table(
        "decisions",
        "dump",
        "dump",
        "keep, or every reason against, under a policy",
        "pipelines.filtering.decisions",
        ("documents", *SIGNALS, "scores", "classifiers"),
    ),
    Table(
        "duplicates",
        "release",
        "corpus",
        "documents removed as duplicates of others",
        "pipelines.dedup.duplicates",
        _DECIDED,
    ),
    Table(
        "clusters",
        "release",
        "corpus",
        "documents that may be duplicates, by component",
        "pipelines.dedup.duplicates",
        beside="duplicates",
    ),
    Table(
        "verified_pairs",
        "release",
        "corpus",
        "pairs of contents that were compared",
        "pipelines.dedup.duplicates",
        beside="duplicates",
    ),
    Table(
        "recurring_blocks",
        "release",
        "corpus",
        "blocks that recur over too many documents",
        "pipelines.release.recurring_blocks",
        ("documents", "signatures", "decisions", "duplicates"),
    ),
    Table(
        "validation_sets",
        "release",
        "corpus",
        "held-out documents, by domain",
        "pipelines.release.validation_sets",
        ("documents", "edits", "decisions", "duplicates"),
    ),
    Table(
        "contamination",
        "release",
        "corpus",
        "benchmark and validation items in training documents",
        "pipelines.contamination.contamination",
        ("documents", "edits", "decisions", "validation_sets"),
    ),
    Table(
        "cuts",
        "release",
        "corpus",
        "what is cut out of each document",
        "pipelines.release.cuts",
        (*_DECIDED, "recurring_blocks", "contamination"),
    ),
    Table(
        "exclusions",
        "release",
        "corpus",
        "documents that leave after the first election",
        "pipelines.release.exclusions",
        ("documents", "decisions", "validation_sets", "contamination", "cuts"),
    ),
    Table(
        "final_duplicates",
        "release",
        "corpus",
        "duplicates among the documents that stay",
        "pipelines.dedup.duplicates",
        (*_DECIDED, "exclusions"),
    ),
    Table(
        "release_decisions",
        "release",
        "corpus",
        "every reason against every document",
        "pipelines.release.release_decisions",
        ("documents", "edits", "decisions", "cuts", "exclusions", "final_duplicates"),
    ),
    Table(
        "skypile_main",
        "release",
        "corpus",
        "the corpus of Stage-1",
        "pipelines.corpora.assembly",
        (*_TEXTS, "scores", "classifiers", "release_decisions"),
    ),
    Table(
        "skypile_stem",
        "release",
        "corpus",
        "exercises with solutions, for Stage-2",
        "pipelines.corpora.assembly",
        (*_TEXTS, "scores", "classifiers", "release_decisions"),
    ),
    Table(
        "rejected",
        "release",
        "corpus",
        "documents that are in no corpus and no set, and why",
        "pipelines.corpora.assembly",
        ("documents", "release_decisions"),
    ),
    Table(
        "tokenizer",
        "global",
        "tokenizer",
        "a vocabulary of 65,536 pieces",
        "pipelines.tokenizer.build",
        ("skypile_main", "skypile_stem"),
    ),
    Table(
        "tokenizer_report",
        "global",
        "tokenizer",
        "a vocabulary measured beside its peers",
        "pipelines.tokenizer.report",
        ("tokenizer", "validation_sets"),
    ),
    Table(
        "main_shards",
        "release",
        "shards",
        "tokens of SkyPile-Main",
        "pipelines.shards.writer",
        ("skypile_main", "tokenizer"),
    ),
    Table(
        "stem_shards",
        "release",
        "shards",
        "tokens of SkyPile-STEM",
        "pipelines.shards.writer",
        ("skypile_stem", "tokenizer"),
    ),
    Table(
        "validation_shards",
        "release",
        "shards",
        "tokens of the validation sets",
        "pipelines.shards.writer",
        ("validation_sets", "tokenizer"),
    ),
    Table(
        "stage1_checkpoint",
        "training_run",
        "training",
        "weights after Stage-1",
        "model.train",
        ("main_shards", "stem_shards", "validation_shards"),
    ),
    Table(
        "stage2_checkpoint",
        "training_run",
        "training",
        "weights after Stage-2",
        "model.train",
        ("main_shards", "stem_shards", "validation_shards", "stage1_checkpoint"),
    ),
    Table(
        "validation_report",
        "training_run",
        "evaluation",
        "loss on every validation domain",
        "model.evaluate",
        ("stage2_checkpoint", "validation_shards"),
    ),
    Table(
        "domain_perplexity",
        "training_run",
        "evaluation",
        "Chinese perplexity over the paper's domains",
        "model.evaluate",
        ("stage2_checkpoint",),
    ),
    Table(
        "benchmark_scores",
        "training_run",
        "evaluation",
        "C-Eval, CMMLU, MMLU and GSM8K",
        "model.evaluate",
        ("stage2_checkpoint",),
    ),
    Table(
        "leakage_report",
        "training_run",
        "evaluation",
        "losses on leaked text against references",
        "model.evaluate",
        ("stage2_checkpoint",),
    ),
    Table(
        "overfit_report",
        "training_run",
        "evaluation",
        "Stage-2 against Stage-1: scores bought with ordinary text",
        "model.evaluate",
        ("stage1_checkpoint", "stage2_checkpoint", "validation_shards", "benchmark_scores"),
    ),
    Table(
        "model_card",
        "training_run",
        "evaluation",
        "the report of a run",
        "reports.run_report",
        ("validation_report", "domain_perplexity", "benchmark_scores", "leakage_report", "overfit_report"),
    ),
)
TABLES: dict[str, Table] = {table.name: table for table in _ENTRIES}
"""By name, in an order in which each comes after what it reads."""


def entry_of(table: str) -> Table | None:
    """The entry of a table as the lake names it: `classifiers/edu` is one of `classifiers`."""
    family = TABLES.get(table.partition("/")[0])
    return family if family is not None and family.each else TABLES.get(table)


def names(*, life: Life | None = None, group: str = "") -> tuple[str, ...]:
    """Names of the tables of a life or a group, in order."""
    wanted = (t for t in _ENTRIES if life in (None, t.life) and group in ("", t.group))
    return tuple(table.name for table in wanted)


def follows(table: str, others: Iterable[str]) -> bool:
    """Whether the table is computed, directly or not, from one of the others."""
    wanted, seen, left = set(others), set[str](), [table]
    while left:
        entry = TABLES[left.pop()]
        before = {*entry.reads, *([entry.beside] if entry.beside else [])} - seen
        if before & wanted:
            return True
        seen |= before
        left += before
    return False


AFTER_MODELS = tuple(name for name in names(life="dump") if follows(name, names(group="models")))
"""Tables of a dump that need the models; the models are trained once all dumps have those before."""
BEFORE_MODELS = tuple(name for name in names(life="dump") if name not in AFTER_MODELS)
