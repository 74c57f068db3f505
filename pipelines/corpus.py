"""Assembly of a release: the validation sets, SkyPile-Main, SkyPile-STEM and what was rejected.

Belongs here: writing the documents that a release publishes, and the reasons for the others. Does not belong here: what each document's
fate is (verdicts.py), comparing releases (release_diff.py).

A part of a corpus comes from one part of one dump, and is known again by what it came from: a release with one dump more takes over
every part that the new dump does not touch.
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cuts import cut_texts
from pipelines.documents import CORPUS, ID
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.recurrence import removed_ids, survivors
from pipelines.release import frozen
from pipelines.spark import Engine
from pipelines.tables import DumpTables, ReleaseTables, part_key, part_path
from pipelines.verdicts import accepted, check_no_equal_texts

VERSION = 2
VALIDATION = CORPUS.append(pa.field("domain", pa.string()))
REJECTED = pa.schema(
    [
        ("doc_id", ID),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("reasons", pa.list_(pa.string())),
        ("kept_id", ID),  # the document of which this one is a duplicate, or null
        ("language", pa.string()),
        ("category", pa.string()),
    ]
)
DOMAINS = ("web-en", "web-zh", "code", "academic", "social", "encyclopedia", "stem")
_FROM_DOCUMENTS = ["doc_id", "url", "file", "offset", "group", "date"]


def domain_of(language: str, category: str, corpus: str) -> str:
    """The validation domain of a document (paper 2.2): its category, or the web of its language."""
    if corpus == "stem":
        return "stem"
    if category in DOMAINS:
        return category
    return "web-zh" if language == "zh" else "web-en"


def _corpus_rows(dump: str, tables: DumpTables, i: int, texts: pa.Array, labels: pa.Table) -> pa.Table:
    """Part `i` in the schema CORPUS, all rows, with the given texts."""
    documents = tables.documents.read_part(i, _FROM_DOCUMENTS)
    columns = {name: documents[name] for name in _FROM_DOCUMENTS}
    columns |= {"dump": pa.array([dump] * len(texts), pa.string()), "text": texts}
    columns |= {"language": labels["language"], "category": labels["category"]}
    return pa.table([columns[field.name] for field in CORPUS], schema=CORPUS)


def _composition(table: pa.Table, outer: str, inner: str, dump: str) -> dict[str, Any]:
    counts = {"documents": table.num_rows, "bytes": int(pc.sum(pc.binary_length(table["text"])).as_py() or 0)}
    return {"composition": {outer: {inner: {dump: counts}}}, **counts}


def build_validation_sets(lake: Lake, engine: Engine, release: ReleaseTables, duplicates: Dataset) -> Built:
    """Publish the surviving documents of the validation side by domain: files domain=<domain>/<dump>-*.parquet, schema CORPUS and domain.

    Where the card freezes the sets of an earlier release, those are taken over, without what is a tombstone now. Stats: composition
    by domain, language and dump.
    """
    from pipelines.edits import rendered

    card = release.card
    if card.validation:
        return _frozen_validation_sets(lake, release, frozen(lake, "validation_sets", card.validation))
    removed = removed_ids(duplicates)

    def write(writer: Writer) -> None:
        def work(number: int) -> None:
            dump, tables, i = release.places[number]
            held_out = pc.equal(tables.documents.read_part(i, ["side"])["side"].combine_chunks(), "validation")
            keep = pc.and_(survivors(card, tables, removed, i), held_out)
            if not pc.any(keep).as_py():
                return
            labels = tables.need("decisions").read_part(i, ["language", "category", "corpus"])
            rows = _corpus_rows(dump, tables, i, rendered(tables.documents, tables.edits, i), labels).filter(keep)
            domains = [domain_of(**row) for row in labels.filter(keep).to_pylist()]
            rows = rows.append_column(VALIDATION.field("domain"), pa.array(domains, pa.string()))
            for domain in sorted(set(domains)):
                chosen = rows.filter(pc.equal(rows["domain"], domain))
                stats: dict[str, Any] = {"documents": 0, "bytes": 0, "composition": {domain: {}}}
                for language in sorted(set(chosen["language"].to_pylist())):
                    part = _composition(chosen.filter(pc.equal(chosen["language"], language)), domain, language, dump)
                    stats["composition"][domain] |= part["composition"][domain]
                    stats |= {k: stats[k] + part[k] for k in ("documents", "bytes")}
                writer.write_table(f"domain={domain}/{dump}-{i:05d}.parquet", chosen, stats)

        engine.map_parts(len(release.places), work)

    inputs = {**release.inputs("documents", "edits", "decisions"), "duplicates": duplicates}
    parameters = {"dumps": list(release.dumps), "tombstones": sorted(card.tombstones), "cutoff_date": card.cutoff_date}
    return lake.build("validation_sets", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def _frozen_validation_sets(lake: Lake, release: ReleaseTables, taken: Dataset) -> Built:
    buried = pa.array(release.card.tombstones, pa.string())

    def write(writer: Writer) -> None:
        for part in taken.parts:
            table = lake.read_parquet(taken.file(part.path))
            stays = pc.invert(pc.is_in(table["url"], value_set=buried))
            stats = _composition(table.filter(stays), part.path.split("/")[0].removeprefix("domain="), "all", "frozen")
            if pc.all(stays).as_py():
                writer.reuse(part.path, taken, part, stats)
            else:
                writer.write_table(part.path, table.filter(stays), stats)

    parameters = {"tombstones": sorted(release.card.tombstones)}
    inputs = {"frozen": taken}
    return lake.build("validation_sets", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def build_corpus(lake: Lake, engine: Engine, release: ReleaseTables, verdicts: Dataset, which: Literal["main", "stem"] = "main") -> Built:
    """Publish SkyPile-Main or SkyPile-STEM: files language=<l>/category=<c>/<dump>-*.parquet, schema CORPUS.

    Stats: documents, bytes, composition by language, category and dump. LakeError names both ids where two documents of the release
    have the same text after everything.
    """
    if which not in ("main", "stem"):
        raise LakeError(f"corpus {which!r}: expected main or stem")
    asset = f"skypile_{which}"

    def write(writer: Writer) -> None:
        check_no_equal_texts(engine, verdicts)
        known, fate = lake.reusable(asset), {p.path: p.hash for p in verdicts.parts}
        keys = [part_key(t, i, ("documents", "edits"), str(VERSION), which, fate[part_path(dump, i)]) for dump, t, i in release.places]
        fresh = [number for number, key in enumerate(keys) if not writer.take(key, known)]

        def work(place: int) -> None:
            number = fresh[place]
            dump, tables, i = release.places[number]
            rows = lake.read_parquet(verdicts.file(part_path(dump, i)))
            train = pc.equal(rows["side"].combine_chunks(), "train")
            mine = pc.equal(rows["corpus"].combine_chunks(), which)
            keep = pc.and_(pc.and_(accepted(rows), train), mine)
            if not pc.any(keep).as_py():
                return
            table = _corpus_rows(dump, tables, i, cut_texts(tables, i, rows["cuts"].combine_chunks()), rows).filter(keep)
            pairs = sorted(set(zip(table["language"].to_pylist(), table["category"].to_pylist(), strict=True)))
            for language, category in pairs:
                chosen = table.filter(pc.and_(pc.equal(table["language"], language), pc.equal(table["category"], category)))
                path = f"language={language}/category={category}/{dump}-{i:05d}.parquet"
                writer.write_table(path, chosen, _composition(chosen, language, category, dump), key=keys[number])

        engine.map_parts(len(fresh), work)

    inputs = {**release.inputs("documents", "edits"), "verdicts": verdicts}
    parameters = {"which": which, "dumps": list(release.dumps)}
    return lake.build(asset, release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def build_rejected(lake: Lake, engine: Engine, release: ReleaseTables, verdicts: Dataset) -> Built:
    """Publish every document of the release's dumps that is in no corpus and in no validation set, with every reason (schema REJECTED).

    Stats: documents, and by dump the number of documents under each reason.
    """

    def write(writer: Writer) -> None:
        known, fate = lake.reusable("rejected"), {p.path: p.hash for p in verdicts.parts}
        keys = [part_key(t, i, ("documents",), str(VERSION), fate[part_path(dump, i)]) for dump, t, i in release.places]
        fresh = [number for number, key in enumerate(keys) if not writer.take(key, known)]

        def work(place: int) -> None:
            number = fresh[place]
            dump, tables, i = release.places[number]
            rows = lake.read_parquet(verdicts.file(part_path(dump, i)))
            out = pc.invert(accepted(rows))
            urls = tables.documents.read_part(i, ["url"])["url"]
            columns = {n: rows[n] for n in ("doc_id", "reasons", "kept_id", "language", "category")}
            columns |= {"url": urls, "dump": pa.array([dump] * len(rows), pa.string())}
            table = pa.table([columns[f.name] for f in REJECTED], schema=REJECTED).filter(out)
            reasons = pc.value_counts(table["reasons"].combine_chunks().flatten()).to_pylist()
            counts = {row["values"]: row["counts"] for row in reasons}
            writer.write_table(part_path(dump, i), table, {"documents": table.num_rows, "reasons": {dump: counts}}, key=keys[number])

        engine.map_parts(len(fresh), work)

    inputs = {**release.inputs("documents"), "verdicts": verdicts}
    parameters = {"dumps": list(release.dumps)}
    return lake.build("rejected", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)
