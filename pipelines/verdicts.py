"""The fate of every document of a release: every reason against it, and what is cut out of it.

Belongs here: bringing decisions, duplicates, recurrence, overlap, tombstones and the cut-off date together, row-aligned with documents.
Does not belong here: writing corpora (corpus.py), finding duplicates or overlap.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.documents import ID
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.overlap import OverlapPolicy
from pipelines.recurrence import RecurrencePolicy
from pipelines.release import fallen
from pipelines.spark import Engine
from pipelines.tables import DumpTables, ReleaseTables

VERSION = 1
CUT = pa.struct([("start", pa.int32()), ("end", pa.int32())])  # UTF-8 bytes of the rendered text
VERDICTS = pa.schema(
    [
        ("doc_id", ID),
        ("reasons", pa.list_(pa.string())),  # empty: the document is in the release
        ("cuts", pa.list_(CUT)),  # sorted, not overlapping
        ("content_hash", ID),  # of the text after the cuts
        ("corpus", pa.string()),
        ("side", pa.string()),
    ]
)


def merge_spans(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sorted spans that neither overlap nor touch."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def cut_text(text: str, cuts: list[tuple[int, int]]) -> str:
    """`text` without the byte spans `cuts`. LakeError where a span does not fit the text."""
    if not cuts:
        return text
    data, pieces, position = text.encode(), [], 0
    if cuts[-1][1] > len(data):
        raise LakeError(f"a cut ends at byte {cuts[-1][1]} of a text of {len(data)}: the overlap is of other documents; rebuild it")
    for start, end in cuts:
        pieces.append(data[position:start])
        position = end
    return b"".join([*pieces, data[position:]]).decode()


def cut_texts(tables: DumpTables, i: int, cuts: pa.Array) -> pa.Array:
    """The rendered texts of part `i` without the cuts of `VERDICTS.cuts`."""
    from pipelines.edits import rendered

    texts = rendered(tables.documents, tables.edits, i)
    touched = pc.greater(pc.fill_null(pc.list_value_length(cuts), 0), 0)
    if not pc.any(touched).as_py():
        return texts
    rows = pc.indices_nonzero(touched)
    changed = [
        cut_text(text, [(c["start"], c["end"]) for c in spans])
        for text, spans in zip(texts.take(rows).to_pylist(), cuts.take(rows).to_pylist(), strict=True)
    ]
    return pc.replace_with_mask(texts, touched, pa.array(changed, texts.type))


def recurring_spans(texts: pa.Array, recurring: np.ndarray, min_bytes: int) -> list[list[tuple[int, int]]]:
    """For each text the byte spans (with their line end) of blocks in `recurring`, sorted uint64 hashes."""
    from pipelines.dedup.kernel import blocks

    hashes, starts, ends, offsets = blocks(texts)
    place = np.searchsorted(recurring, hashes)
    hit = np.zeros(len(hashes), bool)
    inside = place < len(recurring)
    hit[inside] = recurring[place[inside]] == hashes[inside]
    hit &= ends - starts >= min_bytes
    spans: list[list[tuple[int, int]]] = []
    lengths = pc.binary_length(texts).to_pylist()
    for row in range(len(texts)):
        low, high = int(offsets[row]), int(offsets[row + 1])
        chosen = low + np.flatnonzero(hit[low:high])
        spans.append([(int(starts[k]), min(int(ends[k]) + 1, lengths[row])) for k in chosen])
    return spans


def _overlaps(overlap: Dataset, policy: OverlapPolicy) -> tuple[dict[bytes, set[str]], dict[bytes, list[tuple[int, int]]]]:
    """(reasons to drop, spans to cut) by document, under the policy of each kind."""
    actions = {"benchmark": policy.benchmark, "leakage": policy.leakage, "validation": policy.validation}
    drop: dict[bytes, set[str]] = {}
    cut: dict[bytes, list[tuple[int, int]]] = {}
    for row in overlap.read().to_pylist():
        action = actions[row["kind"]]
        if action == "drop":
            drop.setdefault(row["doc_id"], set()).add(f"overlap/{row['kind']}")
        elif action == "cut":
            cut.setdefault(row["doc_id"], []).append((row["start"], row["end"]))
    return drop, cut


def build_verdicts(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    duplicates: Dataset,
    recurring: Dataset,
    overlap: Dataset,
    recurrence: RecurrencePolicy | None = None,
    found: OverlapPolicy | None = None,
) -> Built:
    """Publish one row for each document of the release's dumps (schema VERDICTS), part by part in the order of dumps and parts."""
    rules, actions = recurrence or RecurrencePolicy(), found or OverlapPolicy()
    card = release.card
    places = [(name, i) for name, tables in release.dumps.items() for i in range(len(tables.documents.parts))]

    def write(writer: Writer) -> None:
        from pipelines.dedup.kernel import content_hashes

        pairs = duplicates.read(["doc_id", "kind"])
        duplicate = dict(zip(pairs["doc_id"].to_pylist(), pairs["kind"].to_pylist(), strict=True))
        blocks = np.sort(recurring.read(["block"])["block"].to_numpy())
        drop, cut = _overlaps(overlap, actions)

        def work(number: int) -> None:
            path = f"part-{number:05d}.parquet"
            if writer.has(path):
                return
            name, i = places[number]
            tables = release.dumps[name]
            from pipelines.edits import rendered

            documents = tables.documents.read_part(i, ["doc_id", "url", "date", "side"])
            by_card = fallen(card, documents["url"], documents["date"]).to_pylist()
            decisions = tables.need("decisions").read_part(i, ["doc_id", "keep", "reasons", "corpus", "category"]).to_pylist()
            texts = rendered(tables.documents, tables.edits, i)
            spans = recurring_spans(texts, blocks, rules.min_bytes)
            rows: list[dict[str, Any]] = []
            finals: list[str] = []
            counts: dict[str, int] = {}
            characters = 0
            columns = (documents.to_pylist(), decisions, texts.to_pylist(), spans, by_card)
            for document, decision, text, recurs, falls in zip(*columns, strict=True):
                doc_id = document["doc_id"]
                if doc_id != decision["doc_id"]:
                    raise LakeError(f"part {i} of documents and decisions of {name} differ in doc_id: rebuild decisions")
                reasons = list(decision["reasons"] or []) if not decision["keep"] else []
                if not decision["keep"] and not reasons:
                    reasons = ["rules/unnamed"]
                if doc_id in duplicate:
                    reasons.append(f"duplicate/{duplicate[doc_id]}")
                if falls:
                    reasons.append(f"release/{falls}")
                train = document["side"] == "train"
                exempt = decision["category"] in rules.exempt_categories or not train
                cuts = merge_spans(([] if exempt else recurs) + (cut.get(doc_id, []) if train else []))
                final = cut_text(text, cuts)
                if train:
                    reasons += sorted(drop.get(doc_id, ()))
                if cuts and len(final) < (1 - rules.max_loss) * len(text):
                    reasons.append("recurrence/loss")
                if cuts and len(final.strip()) < rules.min_chars:
                    reasons.append("recurrence/short")
                for reason in reasons:
                    counts[reason] = counts.get(reason, 0) + 1
                characters += (len(text) - len(final)) if not reasons else 0
                finals.append(final)
                dicts = [{"start": start, "end": end} for start, end in cuts]
                rows.append({"doc_id": doc_id, "reasons": reasons, "cuts": dicts, "corpus": decision["corpus"], "side": document["side"]})
            hashes = content_hashes(pa.array(finals, pa.string())).to_pylist()
            table = pa.Table.from_pylist([row | {"content_hash": h} for row, h in zip(rows, hashes, strict=True)], VERDICTS)
            kept = sum(1 for row in rows if not row["reasons"])
            stats = {"in": len(rows), "kept": kept, "characters_cut": characters, "reasons": counts}
            writer.write_table(path, table, {"documents": len(rows), "kept": kept, "funnel": {name: stats}})

        if not places:
            writer.write_table("part-00000.parquet", VERDICTS.empty_table())
        engine.map_parts(len(places), work)

    inputs = {**release.inputs("documents", "edits", "decisions"), "duplicates": duplicates, "recurring": recurring, "overlap": overlap}
    parameters = {
        "recurrence": rules.parameters(),
        "overlap": actions.parameters(),
        "dumps": list(release.dumps),
        "tombstones": sorted(card.tombstones),
        "cutoff_date": card.cutoff_date,
    }
    return lake.build("verdicts", card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)


def late_duplicates(verdicts: Dataset) -> dict[bytes, bytes]:
    """Documents whose text became equal to another's by the cuts: removed id -> kept id. Validation stays, then the smaller id."""
    first: dict[bytes, tuple[bool, bytes]] = {}
    accepted: list[tuple[bytes, tuple[bool, bytes]]] = []
    for i in range(len(verdicts.parts)):
        table = verdicts.read_part(i, ["doc_id", "reasons", "content_hash", "side"])
        for doc_id, reasons, content, side in zip(*(c.to_pylist() for c in table.columns), strict=True):
            if not reasons:
                rank = (side == "train", doc_id)
                accepted.append((content, rank))
                first[content] = min(first.get(content, rank), rank)
    return {rank[1]: first[content][1] for content, rank in accepted if first[content] != rank}
