"""Assembly of a release: SkyPile-Main, SkyPile-STEM and what was rejected.

Belongs here: writing the documents that a release publishes for training, and the reasons for the
others. Does not belong here: the decision on each document (release/release_decisions.py), what is held
out (release/validation_sets.py), comparing releases (inspection/diff.py).

A part of a corpus comes from one part of one dump, and is known again by what it came from: a
release with one dump more takes over every part that the new dump does not touch.
"""

from __future__ import annotations

from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.corpora.buckets import bucket_columns, bucket_counts, bucket_parameters, check_buckets
from pipelines.lake import Dataset, LakeError, canonical_json
from pipelines.release.cuts import cut_texts
from pipelines.release.release_decisions import accepted, check_no_equal_texts
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleaseTables, composition, corpus_rows, part_hashes
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, OutputPart, Stage, Stats

VERSION = 3
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


def corpus_stage(
    release: ReleaseTables, release_decisions: Dataset, which: Literal["main", "stem"] = "main"
) -> Stage:
    """SkyPile-Main or SkyPile-STEM: files language=<l>/category=<c>/<dump>-*.parquet, schema CORPUS
    with a column for each bucket of the card.

    Statistics: documents, bytes, composition by language, category and dump, buckets. LakeError names
    both ids where two documents of the release have equal text after everything.
    """
    if which not in ("main", "stem"):
        raise LakeError(f"corpus {which!r}: expected main or stem")
    parts, card = release.parts, release.card
    check_buckets(card, release.dumps)
    divided = bucket_parameters(card)
    tables = sorted({bucket.table for bucket in card.buckets.values()})

    def files(number: int) -> list[tuple[str, pa.Table, Stats]]:
        part = parts[number]
        rows = release_decisions.read_part(part.path)
        mine = pc.and_(pc.equal(rows["side"], "train"), pc.equal(rows["corpus"], which)).combine_chunks()
        keep = pc.and_(accepted(rows), mine)
        if not pc.any(keep).as_py():
            return []
        table = corpus_rows(part, cut_texts(part, rows["cuts"].combine_chunks()), rows)
        for name, values in bucket_columns(card, part).items():
            table = table.append_column(name, values)
        table = table.filter(keep)
        found: list[tuple[str, pa.Table, Stats]] = []
        for language, category in sorted(
            set(zip(table["language"].to_pylist(), table["category"].to_pylist(), strict=True))
        ):
            here = pc.and_(pc.equal(table["language"], language), pc.equal(table["category"], category))
            chosen = table.filter(here)
            path = f"language={language}/category={category}/{part.dump}-{part.number:05d}.parquet"
            stats = composition(chosen, language, category, part.dump)
            found.append((path, chosen, stats | bucket_counts(chosen, list(card.buckets))))
        return found

    def compute(building: Building) -> None:
        check_no_equal_texts(building.engine, release_decisions)
        decided = part_hashes(release_decisions)
        more = [canonical_json(divided)] if divided else []
        keys = [
            part.key(("documents", "edits", *tables), str(VERSION), which, decided[part.path], *more)
            for part in parts
        ]
        building.write_files(keys, files)

    parameters = {"which": which, "dumps": list(release.dumps), **divided}
    inputs = {**release.inputs("documents", "edits", *tables), "release_decisions": release_decisions}
    return Stage(f"skypile_{which}", VERSION, compute, release.card.name, parameters, inputs)


def rejected_stage(release: ReleaseTables, release_decisions: Dataset) -> Stage:
    """Every document of the release's dumps that is in no corpus and in no validation set, with every
    reason (schema REJECTED).

    Statistics: documents, and by dump the number of documents under each reason.
    """
    parts = release.parts

    def rows(number: int) -> tuple[pa.Table, Stats]:
        part = parts[number]
        decided = release_decisions.read_part(part.path)
        columns = {n: decided[n] for n in ("doc_id", "reasons", "kept_id", "language", "category")}
        columns["url"] = part.tables.documents.read_part(part.number, ["url"])["url"]
        columns["dump"] = pa.array([part.dump] * len(decided), pa.string())
        table = pa.table([columns[field.name] for field in REJECTED], schema=REJECTED)
        table = table.filter(pc.invert(accepted(decided)))
        reasons = pc.value_counts(table["reasons"].combine_chunks().flatten()).to_pylist()
        counts = {row["values"]: row["counts"] for row in reasons}
        return table, {"documents": table.num_rows, "reasons": {part.dump: counts}}

    def compute(building: Building) -> None:
        decided = part_hashes(release_decisions)
        outputs = [
            OutputPart(part.path, part.key(("documents",), str(VERSION), decided[part.path]))
            for part in parts
        ]
        building.write_parts(outputs, rows)

    parameters = {"dumps": list(release.dumps)}
    inputs = {**release.inputs("documents"), "release_decisions": release_decisions}
    return Stage("rejected", VERSION, compute, release.card.name, parameters, inputs)
