"""Assembly of a release: the validation sets, SkyPile-Main, SkyPile-STEM and what was rejected.

Belongs here: writing the documents that a release publishes, and the reasons for the others. Does not belong here: what each document's
fate is (verdicts.py), data cards and comparisons (corpus_cards.py).
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.documents import CORPUS, ID
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.overlap import OverlapPolicy
from pipelines.recurrence import RecurrencePolicy, removed_ids, survivors
from pipelines.release import fallen
from pipelines.spark import Engine
from pipelines.tables import DumpTables, ReleaseTables
from pipelines.verdicts import build_verdicts, cut_texts, late_duplicates

VERSION = 1
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


def _places(release: ReleaseTables) -> list[tuple[str, DumpTables, int]]:
    return [(name, tables, i) for name, tables in release.dumps.items() for i in range(len(tables.documents.parts))]


def _corpus_rows(dump: str, tables: DumpTables, i: int, texts: pa.Array) -> pa.Table:
    """Part `i` in the schema CORPUS, all rows, with the given texts."""
    documents = tables.documents.read_part(i, _FROM_DOCUMENTS)
    decisions = tables.need("decisions").read_part(i, ["language", "category"])
    columns = {name: documents[name] for name in _FROM_DOCUMENTS}
    columns |= {"dump": pa.array([dump] * len(texts), pa.string()), "text": texts}
    columns |= {"language": decisions["language"], "category": decisions["category"]}
    return pa.table([columns[field.name] for field in CORPUS], schema=CORPUS)


def _composition(table: pa.Table, outer: str, inner: str, dump: str) -> dict[str, Any]:
    counts = {"documents": table.num_rows, "bytes": int(pc.sum(pc.binary_length(table["text"])).as_py() or 0)}
    return {"composition": {outer: {inner: {dump: counts}}}, **counts}


def build_validation_sets(lake: Lake, engine: Engine, release: ReleaseTables, duplicates: Dataset) -> Built:
    """Publish the surviving documents of the validation side by domain: files domain=<domain>/part-*.parquet, schema CORPUS and domain.

    Stats: composition by domain, language and dump.
    """
    from pipelines.edits import rendered

    removed, places = removed_ids(duplicates), _places(release)

    def write(writer: Writer) -> None:
        def work(number: int) -> None:
            dump, tables, i = places[number]
            documents = tables.documents.read_part(i, ["url", "date", "side"])
            stays = pc.equal(fallen(release.card, documents["url"], documents["date"]), "")
            held_out = pc.equal(documents["side"].combine_chunks(), "validation")
            keep = pc.and_(pc.and_(survivors(tables, removed, i), held_out), stays)
            rows = _corpus_rows(dump, tables, i, rendered(tables.documents, tables.edits, i)).filter(keep)
            labels = tables.need("decisions").read_part(i, ["language", "category", "corpus"]).filter(keep).to_pylist()
            rows = rows.append_column(VALIDATION.field("domain"), pa.array([domain_of(**row) for row in labels], pa.string()))
            for domain in sorted(set(rows["domain"].to_pylist())):
                chosen = rows.filter(pc.equal(rows["domain"], domain))
                stats: dict[str, Any] = {"documents": 0, "bytes": 0, "composition": {domain: {}}}
                for language in sorted(set(chosen["language"].to_pylist())):
                    part = _composition(chosen.filter(pc.equal(chosen["language"], language)), domain, language, dump)
                    stats["composition"][domain] |= part["composition"][domain]
                    stats |= {k: stats[k] + part[k] for k in ("documents", "bytes")}
                writer.write_table(f"domain={domain}/part-{number:05d}.parquet", chosen, stats)

        engine.map_parts(len(places), work)

    inputs = {**release.inputs("documents", "edits", "decisions"), "duplicates": duplicates}
    card = release.card
    parameters = {"dumps": list(release.dumps), "tombstones": sorted(card.tombstones), "cutoff_date": card.cutoff_date}
    return lake.build("validation_sets", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def _rejections(release: ReleaseTables, verdicts: Dataset, late: dict[bytes, bytes], number: int) -> tuple[pa.Array, pa.Table]:
    """(accepted, verdict rows) of one part; a late duplicate is not accepted."""
    rows = verdicts.read_part(number)
    ids = rows["doc_id"].combine_chunks()
    accepted = pc.equal(pc.list_value_length(rows["reasons"].combine_chunks()), 0)
    doubled = pc.is_in(ids, value_set=pa.array(sorted(late), ID))
    return pc.and_(accepted, pc.invert(doubled)), rows


def build_corpus(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    duplicates: Dataset,
    recurring: Dataset,
    overlap: Dataset,
    which: Literal["main", "stem"] = "main",
    recurrence: RecurrencePolicy | None = None,
    found: OverlapPolicy | None = None,
) -> Built:
    """Publish SkyPile-Main or SkyPile-STEM: files language=<l>/category=<c>/part-*.parquet, schema CORPUS.

    Stats: documents, bytes, composition by language, category and dump. LakeError names both ids where two documents of the release
    have the same text after everything.
    """
    if which not in ("main", "stem"):
        raise LakeError(f"corpus {which!r}: expected main or stem")
    verdicts = build_verdicts(lake, engine, release, duplicates, recurring, overlap, recurrence, found).dataset
    places = _places(release)

    def write(writer: Writer) -> None:
        late = late_duplicates(verdicts)
        check_no_equal_texts(verdicts, late)

        def work(number: int) -> None:
            dump, tables, i = places[number]
            accepted, rows = _rejections(release, verdicts, late, number)
            train = pc.equal(tables.documents.read_part(i, ["side"])["side"].combine_chunks(), "train")
            mine = pc.equal(rows["corpus"].combine_chunks(), which)
            keep = pc.and_(pc.and_(accepted, train), mine)
            table = _corpus_rows(dump, tables, i, cut_texts(tables, i, rows["cuts"].combine_chunks())).filter(keep)
            pairs = sorted(set(zip(table["language"].to_pylist(), table["category"].to_pylist(), strict=True)))
            for language, category in pairs:
                chosen = table.filter(pc.and_(pc.equal(table["language"], language), pc.equal(table["category"], category)))
                path = f"language={language}/category={category}/part-{number:05d}.parquet"
                writer.write_table(path, chosen, _composition(chosen, language, category, dump))

        engine.map_parts(len(places), work)

    inputs = {**release.inputs("documents", "edits", "decisions"), "verdicts": verdicts}
    parameters = {"which": which, "dumps": list(release.dumps)}
    return lake.build(f"skypile_{which}", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def check_no_equal_texts(verdicts: Dataset, late: dict[bytes, bytes]) -> None:
    """Raise LakeError, naming both documents, where two accepted ones have equal normalised text."""
    seen: dict[bytes, bytes] = {}
    for i in range(len(verdicts.parts)):
        table = verdicts.read_part(i, ["doc_id", "reasons", "content_hash"])
        for doc_id, reasons, content in zip(*(c.to_pylist() for c in table.columns), strict=True):
            if reasons or doc_id in late:
                continue
            if content in seen:
                raise LakeError(f"documents {seen[content].hex()} and {doc_id.hex()} have equal text in one release: rebuild duplicates")
            seen[content] = doc_id


def build_rejected(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    duplicates: Dataset,
    recurring: Dataset,
    overlap: Dataset,
    recurrence: RecurrencePolicy | None = None,
    found: OverlapPolicy | None = None,
) -> Built:
    """Publish every document of the release's dumps that is in no corpus and in no validation set, with every reason (schema REJECTED).

    Stats: documents, and by dump the number of documents under each reason.
    """
    verdicts = build_verdicts(lake, engine, release, duplicates, recurring, overlap, recurrence, found).dataset
    places = _places(release)
    pairs = duplicates.read(["doc_id", "kept_id"])
    kept_of = dict(zip(pairs["doc_id"].to_pylist(), pairs["kept_id"].to_pylist(), strict=True))

    def write(writer: Writer) -> None:
        late = late_duplicates(verdicts)

        def work(number: int) -> None:
            path = f"part-{number:05d}.parquet"
            if writer.has(path):
                return
            dump, tables, i = places[number]
            _, rows = _rejections(release, verdicts, late, number)
            urls = tables.documents.read_part(i, ["url"])["url"].to_pylist()
            labels = tables.need("decisions").read_part(i, ["language", "category"]).to_pylist()
            out: list[dict[str, Any]] = []
            counts: dict[str, int] = {}
            for doc_id, reasons, url, label in zip(rows["doc_id"].to_pylist(), rows["reasons"].to_pylist(), urls, labels, strict=True):
                every = reasons + (["exact/late"] if doc_id in late else [])
                if not every:
                    continue
                for reason in every:
                    counts[reason] = counts.get(reason, 0) + 1
                kept = kept_of.get(doc_id) or late.get(doc_id)
                out.append({"doc_id": doc_id, "url": url, "dump": dump, "reasons": every, "kept_id": kept, **label})
            writer.write_table(path, pa.Table.from_pylist(out, REJECTED), {"documents": len(out), "reasons": {dump: counts}})

        if not places:
            writer.write_table("part-00000.parquet", REJECTED.empty_table())
        engine.map_parts(len(places), work)

    inputs = {**release.inputs("documents", "decisions"), "duplicates": duplicates, "verdicts": verdicts}
    parameters = {"dumps": list(release.dumps)}
    return lake.build("rejected", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)
