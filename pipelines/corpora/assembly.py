"""Assembly of a release: SkyPile-Main, SkyPile-STEM and what was rejected.

Belongs here: writing the documents that a release publishes for training, and the reasons for the
others. Does not belong here: what each document's fate is (release_decisions.py), what is held out
(validation_sets.py), comparing releases (release_diff.py).

A part of a corpus comes from one part of one dump, and is known again by what it came from: a
release with one dump more takes over every part that the new dump does not touch.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine import Engine
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.release.cuts import cut_texts
from pipelines.release.release_decisions import accepted, check_no_equal_texts
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleaseTables, composition, corpus_rows, part_key, part_path
from pipelines.tables.schemas import ID

VERSION = 2
REJECTED = described(
    "rejected",
    [
        ("doc_id", ID, "as in documents"),
        ("url", pa.string(), "address as recorded"),
        ("dump", pa.string(), "the dump that the document comes from"),
        ("reasons", pa.list_(pa.string()), "every reason, group/name"),
        ("kept_id", ID, "the document of which this one is a duplicate, or null"),
        ("language", pa.string(), "en, zh, or another code"),
        ("category", pa.string(), "as in documents"),
    ],
)


def build_corpus(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    release_decisions: Dataset,
    which: Literal["main", "stem"] = "main",
) -> Built:
    """Publish SkyPile-Main or SkyPile-STEM: files language=<l>/category=<c>/<dump>-*.parquet,
    schema CORPUS.

    Stats: documents, bytes, composition by language, category and dump. LakeError names both ids
    where two documents of the release have the same text after everything.
    """
    if which not in ("main", "stem"):
        raise LakeError(f"corpus {which!r}: expected main or stem")
    asset = f"skypile_{which}"

    def write(writer: Writer) -> None:
        check_no_equal_texts(engine, release_decisions)
        known, fate = lake.reusable(asset), {p.path: p.hash for p in release_decisions.parts}
        keys = [
            part_key(t, i, ("documents", "edits"), str(VERSION), which, fate[part_path(dump, i)])
            for dump, t, i in release.parts
        ]
        fresh = [number for number, key in enumerate(keys) if not writer.take(key, known)]

        def work(place: int) -> None:
            number = fresh[place]
            dump, tables, i = release.parts[number]
            rows = lake.read_parquet(release_decisions.file(part_path(dump, i)))
            train = pc.equal(rows["side"].combine_chunks(), "train")
            mine = pc.equal(rows["corpus"].combine_chunks(), which)
            keep = pc.and_(pc.and_(accepted(rows), train), mine)
            if not pc.any(keep).as_py():
                return
            table = corpus_rows(
                dump, tables, i, cut_texts(tables, i, rows["cuts"].combine_chunks()), rows
            ).filter(keep)
            pairs = sorted(
                set(zip(table["language"].to_pylist(), table["category"].to_pylist(), strict=True))
            )
            for language, category in pairs:
                chosen = table.filter(
                    pc.and_(pc.equal(table["language"], language), pc.equal(table["category"], category))
                )
                path = f"language={language}/category={category}/{dump}-{i:05d}.parquet"
                writer.write_table(
                    path, chosen, composition(chosen, language, category, dump), key=keys[number]
                )

        engine.map_parts(len(fresh), work)

    inputs = {**release.inputs("documents", "edits"), "release_decisions": release_decisions}
    parameters = {"which": which, "dumps": list(release.dumps)}
    return lake.publish(
        asset, release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )


def build_rejected(lake: Lake, engine: Engine, release: ReleaseTables, release_decisions: Dataset) -> Built:
    """Publish every document of the release's dumps that is in no corpus and in no validation set,
    with every reason (schema REJECTED).

    Stats: documents, and by dump the number of documents under each reason.
    """

    def write(writer: Writer) -> None:
        known, fate = lake.reusable("rejected"), {p.path: p.hash for p in release_decisions.parts}
        keys = [
            part_key(t, i, ("documents",), str(VERSION), fate[part_path(dump, i)])
            for dump, t, i in release.parts
        ]
        fresh = [number for number, key in enumerate(keys) if not writer.take(key, known)]

        def work(place: int) -> None:
            number = fresh[place]
            dump, tables, i = release.parts[number]
            rows = lake.read_parquet(release_decisions.file(part_path(dump, i)))
            out = pc.invert(accepted(rows))
            urls = tables.documents.read_part(i, ["url"])["url"]
            columns = {n: rows[n] for n in ("doc_id", "reasons", "kept_id", "language", "category")}
            columns |= {"url": urls, "dump": pa.array([dump] * len(rows), pa.string())}
            table = pa.table([columns[f.name] for f in REJECTED], schema=REJECTED).filter(out)
            reasons = pc.value_counts(table["reasons"].combine_chunks().flatten()).to_pylist()
            counts = {row["values"]: row["counts"] for row in reasons}
            writer.write_table(
                part_path(dump, i),
                table,
                {"documents": table.num_rows, "reasons": {dump: counts}},
                key=keys[number],
            )

        engine.map_parts(len(fresh), work)

    inputs = {**release.inputs("documents"), "release_decisions": release_decisions}
    parameters = {"dumps": list(release.dumps)}
    return lake.publish(
        "rejected", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )
