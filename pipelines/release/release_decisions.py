"""The decision on every document of a release: every reason against it, and what is cut out of it.

Belongs here: bringing all reasons together, row-aligned with documents; texts that the cuts made equal.
Does not belong here: what is cut (cuts.py), why a document is excluded (exclusions.py), writing corpora
(corpora/).

Documents are excluded for contamination, recurrence, a tombstone or the card after a first election has
removed others because of them. So the election is held again without them (final_duplicates): the next
duplicate takes their place, as if they had never been there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import ReleaseCard
from pipelines.engine import Engine, collect_parts, rows_of_parts
from pipelines.lake import Dataset, LakeError, digest
from pipelines.release.cuts import CUT
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.card_exclusions import excluded_by_card
from pipelines.tables.columns import described
from pipelines.tables.dates import DATE_COLUMNS, known_dates
from pipelines.tables.inputs import ReleasePart, ReleaseTables, part_hashes
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, Stage, Stats

VERSION = 3
RELEASE_DECISIONS = described(
    "release_decisions",
    [
        ("doc_id", ID, "as in documents"),
        ("reasons", pa.list_(pa.string()), "group/name; empty: the document is in the release"),
        ("kept_id", ID, "the document of which this one is a duplicate, or null"),
        ("cuts", pa.list_(CUT), "bytes of the rendered text to cut; sorted, not overlapping"),
        ("content_hash", ID, "of the text after the cuts"),
        ("corpus", pa.string(), "main or stem"),
        ("side", pa.string(), "train or validation"),
        ("language", pa.string(), "en, zh, or another code"),
        ("category", pa.string(), "as in documents"),
    ],
)
_EQUAL = pa.schema([("content", ID), ("train", pa.bool_()), ("doc_id", ID)])
_LATE = pa.schema([("doc_id", ID), ("kept_id", ID), ("kind", pa.string())])


def release_decisions_stage(
    release: ReleaseTables, cuts: Dataset, exclusions: Dataset, final_duplicates: Dataset
) -> Stage:
    """One row for each document of the release's dumps (schema RELEASE_DECISIONS), part by part.

    Statistics: documents, kept, training documents of each corpus; of each dump documents, kept, bytes
    cut, and documents by reason.
    """
    card, parts = release.card, release.parts

    def compute(building: Building) -> None:
        late = _made_equal(building.engine, release, cuts, exclusions, final_duplicates)
        removed = pa.concat_tables([final_duplicates.read(["doc_id", "kept_id", "kind"]), late])
        cut, excluded = part_hashes(cuts), part_hashes(exclusions)

        def part(number: int) -> tuple[str, Callable[[], tuple[pa.Table, Stats]]]:
            own = parts[number]
            here = removed.filter(pc.is_in(removed["doc_id"], value_set=own.ids()))
            gone = here.sort_by([("doc_id", "ascending"), ("kind", "ascending")]).to_pylist()
            by_card = (
                str(VERSION),
                card.cutoff_date,
                *sorted(card.tombstones),
                *(r["doc_id"] + r["kept_id"] + r["kind"].encode() for r in gone),
            )
            key = own.key(("documents", "decisions"), cut[own.path], excluded[own.path], digest(*by_card))
            return key, lambda: _rows(card, own, cuts, exclusions, gone)

        building.write_keyed_parts([part.path for part in parts], part)

    return Stage(
        "release_decisions",
        VERSION,
        compute,
        card.name,
        {
            "dumps": list(release.dumps),
            "tombstones": sorted(card.tombstones),
            "cutoff_date": card.cutoff_date,
        },
        {
            **release.inputs("documents", "edits", "decisions"),
            "duplicates": final_duplicates,
            "cuts": cuts,
            "exclusions": exclusions,
        },
    )


def _rows(
    card: ReleaseCard, part: ReleasePart, cuts: Dataset, exclusions: Dataset, gone: list[dict[str, Any]]
) -> tuple[pa.Table, Stats]:
    """(RELEASE_DECISIONS, statistics) of one part, of which the election removed `gone`. Reads no
    text."""
    documents, decisions = part.aligned(
        ["url", "side", *DATE_COLUMNS], ["keep", "reasons", "corpus", "language", "category"]
    )
    own = cuts.read_part(part.path, ["doc_id", "cuts", "content_hash"])
    place = {d: k for k, d in enumerate(documents["doc_id"].to_pylist())}
    reasons: list[list[str]] = decisions["reasons"].to_pylist()
    for k, keep in enumerate(decisions["keep"].to_pylist()):
        reasons[k] = [] if keep else (reasons[k] or ["rules/unnamed"])
    kept_ids: list[bytes | None] = [None] * len(reasons)
    for row in gone:
        k = place[row["doc_id"]]
        reasons[k].append(f"duplicate/{row['kind']}")
        kept_ids[k] = row["kept_id"]
    by_card = excluded_by_card(card, documents["url"], known_dates(documents))
    for k in pc.indices_nonzero(pc.not_equal(by_card, "")).to_pylist():
        reasons[k].append(f"release/{by_card[k].as_py()}")
    for row in exclusions.read_part(part.path).to_pylist():
        reasons[place[row["doc_id"]]] += row["reasons"]
    columns = {
        "doc_id": documents["doc_id"],
        "reasons": pa.array(reasons, RELEASE_DECISIONS.field("reasons").type),
        "kept_id": pa.array(kept_ids, ID),
        "cuts": own["cuts"],
        "content_hash": own["content_hash"],
        "side": documents["side"],
        **{n: decisions[n] for n in ("corpus", "language", "category")},
    }
    table = pa.table([columns[f.name] for f in RELEASE_DECISIONS], schema=RELEASE_DECISIONS)
    return table, _counts(table, part.dump)


def _counts(table: pa.Table, dump: str) -> dict[str, Any]:
    """Statistics of rows of RELEASE_DECISIONS."""
    released = accepted(table)
    spans = table["cuts"].filter(released).combine_chunks().flatten()
    size = pc.sum(pc.subtract(spans.field("end"), spans.field("start"))).as_py() or 0
    kept = pc.sum(released).as_py() or 0
    reasons = Counter(reason for why in table["reasons"].to_pylist() for reason in why)
    of_dump = {"in": len(table), "kept": kept, "bytes_cut": size, "reasons": dict(reasons)}
    train = table.filter(pc.and_(released, pc.equal(table["side"], "train")))
    corpora = {name: pc.sum(pc.equal(train["corpus"], name)).as_py() or 0 for name in ("main", "stem")}
    return {"documents": len(table), "kept": kept, "corpora": corpora, "funnel": {dump: of_dump}}


def _made_equal(
    engine: Engine, release: ReleaseTables, cuts: Dataset, exclusions: Dataset, final: Dataset
) -> pa.Table:
    """Survivors whose text a cut made equal to another's: (doc_id, kept_id, kind "late").
    Validation stays, then the smaller id.

    Only texts that were cut can have become equal, so only their hashes are looked for.
    """
    removed = pa.concat_arrays([removed_ids(final), exclusions.read(["doc_id"])["doc_id"].combine_chunks()])
    parts = release.parts

    def contents(number: int, wanted: pa.Array | None) -> pa.Table:
        part = parts[number]
        own = cuts.read_part(part.path, ["doc_id", "cuts", "content_hash"])
        chosen = (
            pc.greater(pc.list_value_length(own["cuts"]), 0)
            if wanted is None
            else pc.is_in(own["content_hash"], value_set=wanted)
        )
        if not pc.any(chosen).as_py():
            return _EQUAL.empty_table()
        sides = part.tables.documents.read_part(part.number, ["side"])["side"]
        rows = pa.table([own["content_hash"], pc.equal(sides, "train"), own["doc_id"]], schema=_EQUAL)
        return rows.filter(pc.and_(chosen.combine_chunks(), survivors(release.card, part, removed)))

    cut = collect_parts(engine, len(parts), lambda number: contents(number, None), _EQUAL)
    hashes = cut["content"].combine_chunks().unique()
    if not len(hashes):
        return _LATE.empty_table()
    rows = collect_parts(engine, len(parts), lambda number: contents(number, hashes), _EQUAL).to_pylist()
    first: dict[bytes, tuple[bool, bytes]] = {}
    for row in rows:
        rank = (row["train"], row["doc_id"])
        first[row["content"]] = min(first.get(row["content"], rank), rank)
    late = [
        {"doc_id": row["doc_id"], "kept_id": first[row["content"]][1], "kind": "late"}
        for row in rows
        if first[row["content"]][1] != row["doc_id"]
    ]
    return pa.Table.from_pylist(late, _LATE)


def accepted(table: pa.Table) -> pa.Array:
    """Boolean array over rows of RELEASE_DECISIONS: the document is in the release."""
    return pc.equal(pc.list_value_length(table["reasons"]), 0).combine_chunks()


def equal_texts(engine: Engine, release_decisions: Dataset, limit: int = 10) -> list[tuple[str, str]]:
    """Pairs of documents of a release whose rendered, normalised texts are equal (ids in
    hexadecimal); none in a sound release."""
    names = ["doc_id", "reasons", "content_hash"]
    session = engine.session
    if session is None:
        tables = [release_decisions.read_part(i, names) for i in range(len(release_decisions.parts))]
        table = (
            pa.concat_tables([t.filter(accepted(t)) for t in tables])
            if tables
            else RELEASE_DECISIONS.empty_table()
        )
        order = sorted(zip(table["content_hash"].to_pylist(), table["doc_id"].to_pylist(), strict=True))
        pairs = [(a[1].hex(), b[1].hex()) for a, b in pairwise(order) if a[0] == b[0]]
        return pairs[:limit]
    from pyspark.sql import functions as F

    def rows(i: int) -> pa.Table:
        table = release_decisions.read_part(i, names)
        return table.filter(accepted(table)).select(["content_hash", "doc_id"]).cast(_BYTES)

    texts = rows_of_parts(session, len(release_decisions.parts), rows, "content_hash binary, doc_id binary")
    groups = texts.groupBy("content_hash").agg(
        F.count("*").alias("n"), F.min("doc_id").alias("a"), F.max("doc_id").alias("b")
    )
    return [
        (bytes(r["a"]).hex(), bytes(r["b"]).hex())
        for r in groups.where("n > 1").orderBy("content_hash").limit(limit).collect()
    ]


_BYTES = pa.schema([("content_hash", pa.binary()), ("doc_id", pa.binary())])


def check_no_equal_texts(engine: Engine, release_decisions: Dataset) -> None:
    """Raise LakeError, naming both documents, where two documents of the release have equal
    text."""
    if pairs := equal_texts(engine, release_decisions):
        a, b = pairs[0]
        raise LakeError(
            f"documents {a} and {b} have equal text in one release ({len(pairs)} pairs or more): rebuild"
            " final_duplicates"
        )
