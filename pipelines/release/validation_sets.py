"""The validation sets of a release: which held-out documents, by domain.

Belongs here: choosing and writing them. Does not belong here: which side a document is on
(extraction/side.py), what is trained on (corpus.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine import Engine, collect_parts
from pipelines.lake import Built, Dataset, Lake, Writer
from pipelines.release.survivors import removed_ids, survivors
from pipelines.tables.inputs import DumpTables, ReleaseTables, composition, corpus_rows, frozen
from pipelines.tables.schemas import ID, VALIDATION

VERSION = 2
_HELD_OUT = pa.schema([("doc_id", ID), ("domain", pa.string())])
_LAST = b"\xff" * 16  # no id is beyond it
DOMAINS = ("web-en", "web-zh", "code", "academic", "social", "encyclopedia", "stem")


def domain_of(language: str, category: str, corpus: str) -> str:
    """The validation domain of a document (paper 2.2): its category, or the web of its language."""
    if corpus == "stem":
        return "stem"
    if category in DOMAINS:
        return category
    return "web-zh" if language == "zh" else "web-en"


def _held_out(release: ReleaseTables, removed: pa.Array, number: int) -> pa.Table:
    """(doc_id, domain) of the documents of a part, row by row; domain is null for one of the
    training side and one that was excluded."""
    _, tables, i = release.parts[number]
    heads = tables.documents.read_part(i, ["doc_id", "side"])
    held_out = pc.and_(
        survivors(release.card, tables, removed, i), pc.equal(heads["side"], "validation")
    ).combine_chunks()
    labels = (
        tables.need("decisions").read_part(i, ["language", "category", "corpus"]).to_pylist()
        if pc.any(held_out).as_py()
        else []
    )
    domains = [
        domain_of(**row) if out else None for row, out in zip(labels, held_out.to_pylist(), strict=False)
    ]
    return pa.table(
        [heads["doc_id"], pa.array(domains or [None] * len(heads), pa.string())], schema=_HELD_OUT
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


def left_out(validation_sets: Dataset, tables: DumpTables, i: int) -> pa.Array:
    """Which documents of part `i` are in no set because their domain has enough; of either side."""
    limits = {domain: bytes.fromhex(last) for domain, last in validation_sets.stats.get("limits", {}).items()}
    rows = tables.need("decisions").read_part(i, ["doc_id", "language", "category", "corpus"])
    return _beyond(
        rows["doc_id"], [domain_of(**row) for row in rows.drop_columns(["doc_id"]).to_pylist()], limits
    )


def build_validation_sets(lake: Lake, engine: Engine, release: ReleaseTables, duplicates: Dataset) -> Built:
    """Publish surviving documents of the validation side by domain: files
    domain=<domain>/<dump>-*.parquet, schema CORPUS and domain.

    Of a domain that has more than the card's `validation_documents`, those with the smallest ids
    (which are hashes) are chosen; the others are in no set and in no corpus. Where the card freezes
    the sets of an earlier release, those are taken over, without what is a tombstone now. Stats:
    composition by domain, language and dump; `limits`, the last id of a domain that had more.
    """
    from pipelines.edits.render import rendered_texts

    card = release.card
    if card.validation:
        return _frozen_validation_sets(lake, release, frozen(lake, "validation_sets", card.validation))
    removed, most = removed_ids(duplicates), card.validation_documents

    def write(writer: Writer) -> None:
        # one more than is taken tells whether there are more
        held_out = collect_parts(
            engine,
            len(release.parts),
            lambda i: _first_ids(_held_out(release, removed, i), most + 1),
            _HELD_OUT,
        )
        first = _first_ids(held_out, most + 1).to_pylist()
        ids: dict[str, list[bytes]] = {}
        for row in first:
            ids.setdefault(row["domain"], []).append(row["doc_id"])
        limits = {domain: own[most - 1] for domain, own in ids.items() if len(own) > most}

        def work(number: int) -> None:
            dump, tables, i = release.parts[number]
            found = _held_out(release, removed, number)
            chosen = pc.and_not(
                pc.is_valid(found["domain"]), _beyond(found["doc_id"], found["domain"].to_pylist(), limits)
            ).combine_chunks()
            if not pc.any(chosen).as_py():
                return
            labels = tables.need("decisions").read_part(i, ["language", "category"])
            rows = corpus_rows(dump, tables, i, rendered_texts(tables.documents, tables.edits, i), labels)
            rows = rows.append_column(VALIDATION.field("domain"), found["domain"]).filter(chosen)
            for domain in sorted(set(rows["domain"].to_pylist())):
                own = rows.filter(pc.equal(rows["domain"], domain))
                stats: dict[str, Any] = {"documents": 0, "bytes": 0, "composition": {domain: {}}}
                for language in sorted(set(own["language"].to_pylist())):
                    part = composition(
                        own.filter(pc.equal(own["language"], language)), domain, language, dump
                    )
                    stats["composition"][domain] |= part["composition"][domain]
                    stats |= {k: stats[k] + part[k] for k in ("documents", "bytes")}
                if domain in limits:
                    stats["limits"] = {domain: limits[domain].hex()}
                writer.write_table(f"domain={domain}/{dump}-{i:05d}.parquet", own, stats)

        engine.map_parts(len(release.parts), work)

    inputs = {**release.inputs("documents", "edits", "decisions"), "duplicates": duplicates}
    by_card = {
        "tombstones": sorted(card.tombstones),
        "cutoff_date": card.cutoff_date,
        "validation_documents": most,
    }
    parameters = {"dumps": list(release.dumps), **by_card}
    return lake.publish(
        "validation_sets", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )


def _frozen_validation_sets(lake: Lake, release: ReleaseTables, taken: Dataset) -> Built:
    buried = pa.array(release.card.tombstones, pa.string())

    def write(writer: Writer) -> None:
        for part in taken.parts:
            table = lake.read_parquet(taken.file(part.path))
            stays = pc.invert(pc.is_in(table["url"], value_set=buried))
            stats = composition(
                table.filter(stays), part.path.split("/")[0].removeprefix("domain="), "all", "frozen"
            )
            if pc.all(stays).as_py():
                writer.reuse(part.path, taken, part, stats)
            else:
                writer.write_table(part.path, table.filter(stays), stats)

    parameters = {"tombstones": sorted(release.card.tombstones)}
    inputs = {"frozen": taken}
    return lake.publish(
        "validation_sets",
        release.card.name,
        version=VERSION,
        parameters=parameters,
        inputs=inputs,
        write=write,
    )
