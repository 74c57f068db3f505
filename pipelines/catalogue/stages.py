"""The stage of any table, with its cards and inputs found in the lake.

Belongs here: for each table one function that looks up what its stage is made of. With it the library
runs without Dagster: `build(lake, engine, stage_of(lake, "edits", "my-crawl"))`. Does not belong here:
how a stage works, when one is run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from pipelines.cards.base import CardError, card_names
from pipelines.cards.classifier import CARDS, FOLDER, ClassifierCard
from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.parallel import ParallelBounds
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.catalogue.tables import TABLES, entry_of
from pipelines.contamination.contamination import contamination_stage
from pipelines.corpora.assembly import corpus_stage, rejected_stage
from pipelines.corpora.parallel import parallel_pairs_stage
from pipelines.dedup.duplicates import duplicates_stage, final_duplicates_stage
from pipelines.dedup.signatures import signatures_stage
from pipelines.dumps.raw_dump import raw_dump_stage
from pipelines.edits.edits import edits_stage
from pipelines.extraction.documents import documents_stage
from pipelines.extraction.split import split_stage
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import classifiers_of, current_policy
from pipelines.lake import Lake, LakeError, MissingDataset
from pipelines.quality.classifier_models import (
    classifier_model_stage,
    classifier_names,
    shipped_names,
    shipped_stage,
)
from pipelines.quality.classifier_scores import classifier_scores_stage
from pipelines.quality.classifiers import reference_classifier_stage, stem_classifier_stage
from pipelines.quality.perplexity import perplexity_models_stage
from pipelines.quality.scores import scores_stage
from pipelines.release.cuts import cuts_stage
from pipelines.release.exclusions import exclusions_stage
from pipelines.release.recurring_blocks import frozen_blocks_stage, recurring_blocks_stage
from pipelines.release.release_decisions import release_decisions_stage
from pipelines.release.validation_sets import frozen_validation_sets_stage, validation_sets_stage
from pipelines.shards.writer import shards_stage
from pipelines.signals.signals import code_stage, language_stage, rules_stage, safety_stage
from pipelines.tables.inputs import DumpTables, ReleaseTables, dump_tables, frozen, resolve
from pipelines.tables.stage import Building, Stage
from pipelines.tokenizer.build import tokenizer_stage
from pipelines.tokenizer.extend import load_base
from pipelines.tokenizer.report import tokenizer_report_stage

CITED = "cards/reference_urls.txt"
"""One URL a line: pages that Wikipedia cites."""
TRAINING_DUMPS = "cards/models.json"
"""The dumps that models are trained on. Without it, the first training waits for the edits of every dump
that has a card, and writes it with their names; a dump that comes later does not make the models stale.
Add it to the card to train on it."""
LEAKAGE = "inputs/leakage"
SHARD_SEED = 20231030
"""The order of documents within a source of shards."""


@dataclass(frozen=True)
class Outside:
    """What stages are given that does not lie in the lake."""

    benchmarks: Path | None = None
    """Folder of benchmark files, whose items training text must not hold."""
    peers: Path | None = None
    """Folder of other tokenizers, for the report of a vocabulary."""
    page: Callable[[str, Mapping[str, Any]], str] | None = None
    """Draws the page of a vocabulary's report from its name and figures."""
    release: str = ""
    """The release that a vocabulary is trained on and measured on."""


def stage_of(lake: Lake, table: str, partition: str = "all", outside: Outside | None = None) -> Stage:
    """The stage that makes `table` for `partition` (a dump, a release, a vocabulary), as cards and tables
    of the lake are now.

    A table that is written beside another has that one's stage. MissingDataset names an input that is
    not there yet, CardError a card; LakeError where the lake makes no such table.
    """
    entry = entry_of(table)
    if entry is not None and entry.each and table != entry.name:
        return _OF_EACH[entry.name](lake, table.removeprefix(f"{entry.name}/"), partition)
    maker = _MAKERS.get((entry.beside or table) if entry else "")
    if maker is None:
        known = ", ".join(sorted({*_MAKERS, *(f"{name}/NAME" for name in _OF_EACH)}))
        raise LakeError(f"no stage makes a table {table!r}; there are {known}")
    return maker(lake, partition, outside or Outside())


def members(lake: Lake, table: str) -> list[str]:
    """The tables of the lake that an entry of the catalogue stands for: one for each classifier, or the
    table itself."""
    each = TABLES[table].each
    return [f"{table}/{name}" for name in classifier_names(lake)] if each else [table]


def classifier_card(lake: Lake, name: str) -> ClassifierCard:
    """The card of a classifier of the lake."""
    return ClassifierCard.load(lake.local(f"{CARDS}/{name}.yaml"))


def dump_card(lake: Lake, name: str) -> DumpCard:
    """The card of a dump."""
    return DumpCard.load(lake.local(f"cards/dumps/{name}.yaml"))


def release_card(lake: Lake, name: str) -> ReleaseCard:
    """The card of a release."""
    return ReleaseCard.load(lake.local(f"cards/releases/{name}.yaml"))


def release_tables(lake: Lake, name: str) -> ReleaseTables:
    """The tables of every dump that a release's card names."""
    return resolve(lake, release_card(lake, name))


def awaited_dumps(lake: Lake) -> tuple[list[str], list[str]]:
    """(names of the dumps that models are trained on, those of them that have no edits yet)."""
    if lake.exists(TRAINING_DUMPS):
        names = list(lake.read_json(TRAINING_DUMPS)["dumps"])
    else:
        names = card_names(lake, "cards/dumps")
    return names, [n for n in names if not lake.exists(lake.pointer("edits", n))]


def training_dumps(lake: Lake) -> dict[str, DumpTables]:
    """Documents and edits of the dumps that models are trained on.

    MissingDataset while one of them has no edits: models would otherwise be of whichever dump came
    first.
    """
    names, awaited = awaited_dumps(lake)
    if awaited:
        raise MissingDataset(
            f"models are trained on {len(names)} dumps and wait for the edits of {len(awaited)}:"
            f" {', '.join(awaited)}. Run these dumps, or name in {TRAINING_DUMPS} the dumps to train on:"
            ' {"dumps": ["NAME"]}'
        )
    return {name: dump_tables(lake, dump_card(lake, name)) for name in names}


def _raw_dump(lake: Lake, name: str, _: Outside) -> Stage:
    return raw_dump_stage(dump_card(lake, name), Path(lake.root))


def _split(lake: Lake, name: str, _: Outside) -> Stage:
    return split_stage(dump_card(lake, name), lake.current("raw_dump", name))


def _documents(lake: Lake, name: str, _: Outside) -> Stage:
    return documents_stage(dump_card(lake, name), lake.current("raw_dump", name), lake.current("split", name))


def _edits(lake: Lake, name: str, _: Outside) -> Stage:
    return edits_stage(lake.current("documents", name))


def _language(lake: Lake, name: str, _: Outside) -> Stage:
    return language_stage(lake.current("documents", name), lake.current("edits", name))


def _parallel_pairs(lake: Lake, name: str, _: Outside) -> Stage:
    documents, edits, language = (lake.current(t, name) for t in ("documents", "edits", "signals/language"))
    return parallel_pairs_stage(documents, edits, language, ParallelBounds.of(lake))


def _rules(lake: Lake, name: str, _: Outside) -> Stage:
    language = lake.current("signals/language", name)
    return rules_stage(lake.current("documents", name), lake.current("edits", name), language)


def _safety(lake: Lake, name: str, _: Outside) -> Stage:
    return safety_stage(lake.current("documents", name), lake.current("edits", name))


def _code(lake: Lake, name: str, _: Outside) -> Stage:
    return code_stage(lake.current("documents", name), lake.current("edits", name))


def _signatures(lake: Lake, name: str, _: Outside) -> Stage:
    parameters = MinHashParameters.of(lake)
    return signatures_stage(lake.current("documents", name), lake.current("edits", name), parameters)


def _reference_classifier(lake: Lake, _: str, __: Outside) -> Stage:
    listed = lake.read_bytes(CITED).decode().split() if lake.exists(CITED) else ()
    dumps = training_dumps(lake)
    return _naming(dumps, reference_classifier_stage(dumps, listed))


def _stem_classifier(lake: Lake, _: str, __: Outside) -> Stage:
    dumps = training_dumps(lake)
    return _naming(dumps, stem_classifier_stage(dumps))


def _perplexity_models(lake: Lake, _: str, __: Outside) -> Stage:
    dumps = training_dumps(lake)
    return _naming(dumps, perplexity_models_stage(dumps))


def _naming(dumps: Mapping[str, DumpTables], stage: Stage) -> Stage:
    """The stage of a model; the first that is computed writes the card of training dumps."""

    def compute(building: Building) -> None:
        if not building.lake.exists(TRAINING_DUMPS):
            building.lake.write_json(TRAINING_DUMPS, {"dumps": list(dumps)})
        stage.compute(building)

    return replace(stage, compute=compute)


def _classifier_model(lake: Lake, name: str, _: str) -> Stage:
    if not lake.exists(f"{CARDS}/{name}.yaml"):
        if name in shipped_names():
            return shipped_stage(name)
        raise LakeError(
            f"no classifier is named {name!r}: {lake.root}/{CARDS}/{name}.yaml does not exist; there are"
            f" {', '.join(classifier_names(lake)) or 'none'}"
        )
    card = classifier_card(lake, name)
    path = Path(card.examples)
    if not (path.is_file() if path.is_absolute() else lake.exists(card.examples)):
        raise CardError(
            f"{lake.root}/{CARDS}/{name}.yaml: examples: no file {card.examples}; give a path in the lake or"
            " an absolute one"
        )
    data = path.read_bytes() if path.is_absolute() else lake.read_bytes(card.examples)
    dump = dump_tables(lake, dump_card(lake, card.dump)) if card.dump else None
    return classifier_model_stage(card, data, dump)


def _classifier_scores(lake: Lake, name: str, dump: str) -> Stage:
    documents, edits, language = (
        lake.current(table, dump) for table in ("documents", "edits", "signals/language")
    )
    model = lake.current(f"classifier_models/{name}")
    return classifier_scores_stage(name, documents, edits, language, model)


def _scores(lake: Lake, name: str, _: Outside) -> Stage:
    inputs = [lake.current(table, name) for table in ("documents", "edits", "signals/language")]
    models = [lake.current(m) for m in ("reference_classifier", "stem_classifier", "perplexity_models")]
    return scores_stage(*inputs, *models)


def _decisions(lake: Lake, name: str, _: Outside) -> Stage:
    policy = current_policy(lake)
    unknown = sorted(set(classifiers_of(policy)) - set(classifier_names(lake)))
    if unknown:
        raise LakeError(
            f"policy {policy.name} bounds {FOLDER}/{unknown[0]}, and no classifier has that name; there are"
            f" {', '.join(classifier_names(lake)) or 'none'}"
        )
    bounded = (f"{FOLDER}/{classifier}" for classifier in classifiers_of(policy))
    tables = dump_tables(lake, dump_card(lake, name), "signals", "scores", *bounded)
    scores = tables.need("scores")
    return decisions_stage(tables.documents, tables.signals, scores, policy, tables.classifiers)


def _duplicates(lake: Lake, name: str, _: Outside) -> Stage:
    return duplicates_stage(release_tables(lake, name))


def _recurring_blocks(lake: Lake, name: str, _: Outside) -> Stage:
    release = release_tables(lake, name)
    if release.card.blocks:
        return frozen_blocks_stage(release, frozen(lake, "recurring_blocks", release.card.blocks))
    return recurring_blocks_stage(release, lake.current("duplicates", name))


def _validation_sets(lake: Lake, name: str, _: Outside) -> Stage:
    release = release_tables(lake, name)
    if release.card.validation:
        taken = frozen(lake, "validation_sets", release.card.validation)
        return frozen_validation_sets_stage(release, taken)
    return validation_sets_stage(release, lake.current("duplicates", name))


def _contamination(lake: Lake, name: str, outside: Outside) -> Stage:
    folders = [outside.benchmarks] if outside.benchmarks else []
    if lake.files(LEAKAGE):
        folders.append(lake.local(LEAKAGE))
    return contamination_stage(release_tables(lake, name), lake.current("validation_sets", name), folders)


def _cuts(lake: Lake, name: str, _: Outside) -> Stage:
    recurring, found = lake.current("recurring_blocks", name), lake.current("contamination", name)
    return cuts_stage(release_tables(lake, name), recurring, found)


def _exclusions(lake: Lake, name: str, _: Outside) -> Stage:
    inputs = [lake.current(table, name) for table in ("validation_sets", "contamination", "cuts")]
    return exclusions_stage(release_tables(lake, name), *inputs)


def _final_duplicates(lake: Lake, name: str, _: Outside) -> Stage:
    return final_duplicates_stage(release_tables(lake, name), lake.current("exclusions", name))


def _release_decisions(lake: Lake, name: str, _: Outside) -> Stage:
    inputs = [lake.current(table, name) for table in ("cuts", "exclusions", "final_duplicates")]
    return release_decisions_stage(release_tables(lake, name), *inputs)


def _corpus(which: Literal["main", "stem"]) -> Callable[[Lake, str, Outside], Stage]:
    def stage(lake: Lake, name: str, _: Outside) -> Stage:
        return corpus_stage(release_tables(lake, name), lake.current("release_decisions", name), which)

    return stage


def _rejected(lake: Lake, name: str, _: Outside) -> Stage:
    return rejected_stage(release_tables(lake, name), lake.current("release_decisions", name))


def _tokenizer(lake: Lake, name: str, outside: Outside) -> Stage:
    corpora = [lake.current(corpus, outside.release) for corpus in ("skypile_main", "skypile_stem")]
    config = TokenizerConfig.of(lake, name)
    return tokenizer_stage(corpora, config, load_base(config.extends) if config.extends else None)


def _tokenizer_report(lake: Lake, name: str, outside: Outside) -> Stage:
    if outside.page is None:
        raise LakeError("the report of a vocabulary needs a page: give Outside(page=...)")
    held_out = lake.current("validation_sets", outside.release)
    return tokenizer_report_stage(lake.current("tokenizer", name), held_out, outside.peers, outside.page)


def _shards(table: str, corpus: str) -> Callable[[Lake, str, Outside], Stage]:
    def stage(lake: Lake, name: str, _: Outside) -> Stage:
        vocabulary = lake.current("tokenizer", release_card(lake, name).tokenizer)
        return shards_stage(table, lake.current(corpus, name), vocabulary, SHARD_SEED)

    return stage


_MAKERS: dict[str, Callable[[Lake, str, Outside], Stage]] = {
    "raw_dump": _raw_dump,
    "split": _split,
    "documents": _documents,
    "edits": _edits,
    "signals/language": _language,
    "parallel_pairs": _parallel_pairs,
    "signals/rules": _rules,
    "signals/safety": _safety,
    "signals/code": _code,
    "signatures": _signatures,
    "reference_classifier": _reference_classifier,
    "stem_classifier": _stem_classifier,
    "perplexity_models": _perplexity_models,
    "scores": _scores,
    "decisions": _decisions,
    "duplicates": _duplicates,
    "recurring_blocks": _recurring_blocks,
    "validation_sets": _validation_sets,
    "contamination": _contamination,
    "cuts": _cuts,
    "exclusions": _exclusions,
    "final_duplicates": _final_duplicates,
    "release_decisions": _release_decisions,
    "skypile_main": _corpus("main"),
    "skypile_stem": _corpus("stem"),
    "rejected": _rejected,
    "tokenizer": _tokenizer,
    "tokenizer_report": _tokenizer_report,
    "main_shards": _shards("main_shards", "skypile_main"),
    "stem_shards": _shards("stem_shards", "skypile_stem"),
    "validation_shards": _shards("validation_shards", "validation_sets"),
}
_OF_EACH: dict[str, Callable[[Lake, str, str], Stage]] = {
    "classifier_models": _classifier_model,
    "classifiers": _classifier_scores,
}
"""Of tables for each classifier: the stage for a lake, a classifier's name and a partition."""
