"""The validation sets of a release: which held-out documents, by domain.

Belongs here: choosing and writing them. Does not belong here: which side a document is on
(extraction/side.py), what is trained on (corpora/).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.release import ReleaseCard
from pipelines.edits.render import rendered_texts
from pipelines.engine import collect_parts
from pipelines.lake import Dataset
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.card_exclusions import is_buried
from pipelines.tables.inputs import ReleasePart, ReleaseTables, composition, corpus_rows
from pipelines.tables.schemas import ID, VALIDATION
from pipelines.tables.stage import Building, Stage, Stats

VERSION = 6
_HELD_OUT = pa.schema([("doc_id", ID), ("domain", pa.string())])
_LAST = b"\xff" * 16  # no id is beyond it
DOMAINS = ("web-en", "web-zh", "books", "academic", "encyclopedia", "social", "code", "parallel", "stem")


def domain_of(language: str, category: str, corpus: str, named: str = "") -> str:
    """The validation domain of a document (paper 2.2): the one that its dump's card names, its category,
    or the web of its language."""
    if corpus == "stem":
        return "stem"
    if named or category in DOMAINS:
        return named or category
    return "web-zh" if language == "zh" else "web-en"


def _held_out(card: ReleaseCard, part: ReleasePart, removed: pa.Array) -> pa.Table:
    """(doc_id, domain) of the documents of a part, row by row; domain is null for one of the
    training side and one that is not in the release."""
    documents = part.tables.documents.read_part(part.number, ["doc_id", "side"])
    held_out = pc.and_(survivors(card, part, removed), pc.equal(documents["side"], "validation"))
    labels: list[dict[str, str]] = []
    if pc.any(held_out).as_py():
        decisions = part.tables.need("decisions")
        labels = decisions.read_part(part.number, ["language", "category", "corpus"]).to_pylist()
    named = part.tables.card.domain
    domains = [
        domain_of(**row, named=named) if out else None
        for row, out in zip(labels, held_out.to_pylist(), strict=False)
    ]
    return pa.table(
        [documents["doc_id"], pa.array(domains or [None] * len(documents), pa.string())], schema=_HELD_OUT
    )


def _first_ids(found: pa.Table, most: int) -> pa.Table:
    """Of each domain the `most` smallest ids, in their order."""
    found = found.filter(pc.is_valid(found["domain"])).sort_by("doc_id")
    by_domain = [
        found.filter(pc.equal(found["domain"], domain)).slice(0, most)
        for domain in sorted(found["domain"].unique().to_pylist())
    ]
    return pa.concat_tables([_HELD_OUT.empty_table(), *by_domain])


def _beyond(ids: pa.ChunkedArray, domains: Sequence[str | None], limits: Mapping[str, bytes]) -> pa.Array:
    """Whether an id lies beyond the limit of its domain."""
    pairs = zip(ids.to_pylist(), domains, strict=True)
    return pa.array(
        [domain is not None and doc_id > limits.get(domain, _LAST) for doc_id, domain in pairs], pa.bool_()
    )


def left_out(validation_sets: Dataset, part: ReleasePart) -> pa.Array:
    """Which documents of a part are in no set because their domain has enough; of either side."""
    limits = {domain: bytes.fromhex(last) for domain, last in validation_sets.stats.get("limits", {}).items()}
    rows = part.tables.need("decisions").read_part(part.number, ["doc_id", "language", "category", "corpus"])
    named = part.tables.card.domain
    domains = [domain_of(**row, named=named) for row in rows.drop_columns(["doc_id"]).to_pylist()]
    return _beyond(rows["doc_id"], domains, limits)


def validation_sets_stage(release: ReleaseTables, duplicates: Dataset) -> Stage:
    """Surviving documents of the validation side by domain: files domain=<domain>/<dump>-*.parquet,
    schema VALIDATION.

    Of a domain that has more than the card's `validation_documents`, those with the smallest ids
    (which are hashes) are chosen; the others are in no set and in no corpus. Statistics: documents,
    bytes, composition by domain, language and dump; `limits`, the last id of a domain that had more.
    """
    card, parts, most = release.card, release.parts, release.card.validation_documents

    def compute(building: Building) -> None:
        removed = removed_ids(duplicates)

        def first(number: int) -> pa.Table:
            return _first_ids(_held_out(card, parts[number], removed), most + 1)

        # one more than is taken tells whether there are more
        found = collect_parts(building.engine, len(parts), first, _HELD_OUT)
        ids: dict[str, list[bytes]] = {}
        for row in _first_ids(found, most + 1).to_pylist():
            ids.setdefault(row["domain"], []).append(row["doc_id"])
        limits = {domain: own[most - 1] for domain, own in ids.items() if len(own) > most}

        def files(number: int) -> list[tuple[str, pa.Table, Stats]]:
            return _files(parts[number], _held_out(card, parts[number], removed), limits)

        building.write_files([""] * len(parts), files)

    parameters = {
        "dumps": list(release.dumps),
        "domains": {name: tables.card.domain for name, tables in release.dumps.items()},
        "tombstones": sorted(card.tombstones),
        "cutoff_date": card.cutoff_date,
        "validation_documents": most,
    }
    inputs = {**release.inputs("documents", "edits", "decisions"), "duplicates": duplicates}
    return Stage("validation_sets", VERSION, compute, card.name, parameters, inputs)


def _files(
    part: ReleasePart, held_out: pa.Table, limits: Mapping[str, bytes]
) -> list[tuple[str, pa.Table, Stats]]:
    """(path, rows, statistics) of the documents of a part that are chosen, by domain."""
    domains = held_out["domain"]
    beyond = _beyond(held_out["doc_id"], domains.to_pylist(), limits)
    chosen = pc.and_not(pc.is_valid(domains), beyond).combine_chunks()
    if not pc.any(chosen).as_py():
        return []
    tables, number = part.tables, part.number
    labels = tables.need("decisions").read_part(number, ["language", "category"])
    rows = corpus_rows(part, rendered_texts(tables.documents, tables.edits, number), labels)
    rows = rows.append_column(VALIDATION.field("domain"), domains).filter(chosen)
    found: list[tuple[str, pa.Table, Stats]] = []
    for domain in sorted(set(rows["domain"].to_pylist())):
        own = rows.filter(pc.equal(rows["domain"], domain))
        stats: dict[str, Any] = {"documents": 0, "bytes": 0, "composition": {domain: {}}}
        for language in sorted(set(own["language"].to_pylist())):
            counts = composition(own.filter(pc.equal(own["language"], language)), domain, language, part.dump)
            stats["composition"][domain] |= counts["composition"][domain]
            stats |= {k: stats[k] + counts[k] for k in ("documents", "bytes")}
        if domain in limits:
            stats["limits"] = {domain: limits[domain].hex()}
        found.append((f"domain={domain}/{part.dump}-{number:05d}.parquet", own, stats))
    return found


def frozen_validation_sets_stage(release: ReleaseTables, taken: Dataset) -> Stage:
    """The sets of an earlier release, which the card's `validation` names, taken over without what is a
    tombstone now."""
    card = release.card

    def compute(building: Building) -> None:
        for part in taken.parts:
            table = taken.read_part(part.path)
            stays = pc.invert(is_buried(card, table["url"]))
            domain = part.path.split("/")[0].removeprefix("domain=")
            stats = composition(table.filter(stays), domain, "all", "frozen")
            if pc.all(stays).as_py():
                building.writer.reuse(part.path, taken, part, stats)
            else:
                building.writer.write_table(part.path, table.filter(stays), stats)

    parameters = {"tombstones": sorted(card.tombstones)}
    return Stage("validation_sets", VERSION, compute, card.name, parameters, {"frozen": taken})
