"""What is cut out of each document of a release, and whether it still passes after that.

Belongs here: the spans of recurring blocks and of contamination that the policy cuts, the text after
them, its new judgement, and which documents fall for it. Does not belong here: which blocks recur
(recurring_blocks.py), where it was found (contamination/), how a text is judged (filtering/rejudging.py), who takes
the place of an excluded document (release_decisions.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.engine import Engine
from pipelines.filtering.rejudging import Judge
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer, canonical_json, digest
from pipelines.release.validation_sets import left_out
from pipelines.tables.columns import described
from pipelines.tables.inputs import DumpTables, ReleaseTables, part_key, part_path
from pipelines.tables.schemas import ID

VERSION = 1
CUT = pa.struct([("start", pa.int32()), ("end", pa.int32())])  # UTF-8 bytes of the rendered text
CUTS = described(
    "cuts",
    [
        ("doc_id", ID, "as in documents"),
        ("cuts", pa.list_(CUT), "bytes of the rendered text to cut; sorted, not overlapping"),
        (
            "reasons",
            pa.list_(pa.string()),
            "recurrence/... or contamination/...: why the document leaves the release",
        ),
        ("content_hash", ID, "of the text after the cuts"),
    ],
)
EXCLUSIONS = described(
    "exclusions",
    [
        ("doc_id", ID, "a document that leaves the release"),
        ("reasons", pa.list_(pa.string()), "why: group/name"),
    ],
)
HOSTS_IN_REPORT = 20


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
        raise LakeError(
            f"a cut ends at byte {cuts[-1][1]} of a text of {len(data)}: the contamination is of other documents; rebuild it"
        )
    for start, end in cuts:
        pieces.append(data[position:start])
        position = end
    return b"".join([*pieces, data[position:]]).decode()


def cut_texts(tables: DumpTables, i: int, cuts: pa.Array) -> pa.Array:
    """The rendered texts of part `i` without the cuts of `CUTS.cuts`."""
    from pipelines.edits.render import rendered_texts

    texts = rendered_texts(tables.documents, tables.edits, i)
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
    """For each text the byte spans (with their line end) of blocks in `recurring`, sorted uint64
    hashes."""
    from pipelines.kernels.text_hashes import block_hashes

    hashes, starts, ends, offsets = block_hashes(texts)
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


def contamination_actions(policy: ContaminationPolicy) -> dict[str, str]:
    return {"benchmark": policy.benchmark, "leakage": policy.leakage, "validation": policy.validation}


class _Part:
    """One part of a dump: what of it recurs or is contaminated, found without its text; then its table."""

    def __init__(
        self,
        release: ReleaseTables,
        place: tuple[str, DumpTables, int],
        recurring: np.ndarray,
        contamination: Dataset,
    ) -> None:
        self.dump, self.tables, self.i = place
        self.path = part_path(self.dump, self.i)
        heads = self.tables.documents.read_part(
            self.i, ["doc_id", "url", "host", "group", "side", "category"]
        )
        decisions = self.tables.need("decisions").read_part(self.i, ["doc_id", "keep", "category"])
        if not heads["doc_id"].equals(decisions["doc_id"]):
            raise LakeError(
                f"part {self.i} of documents and decisions of {self.dump} differ in doc_id: rebuild decisions"
            )
        self.heads = heads.set_column(heads.column_names.index("category"), "category", decisions["category"])
        self.open = pc.and_(
            decisions["keep"].combine_chunks(), pc.equal(heads["side"].combine_chunks(), "train")
        )
        lists = (
            self.tables.need("signatures")
            .read_part(self.i, ["block_hashes"])["block_hashes"]
            .combine_chunks()
        )
        flat = lists.flatten().to_numpy()
        place_of = np.minimum(np.searchsorted(recurring, flat), max(0, len(recurring) - 1))
        hit = recurring[place_of] == flat if len(recurring) else np.zeros(len(flat), bool)
        self.blocks = np.unique(flat[hit])
        self.recurs = np.zeros(len(lists), bool)
        self.recurs[pc.list_parent_indices(lists).to_numpy()[hit]] = True
        self.found = contamination.lake.read_parquet(contamination.file(self.path))

    def table(
        self, judge: Judge, rules: RecurrencePolicy, actions: Mapping[str, str]
    ) -> tuple[pa.Table, dict[str, Any]]:
        """(CUTS, statistics). The text of the part is read only where something is cut."""
        from pipelines.kernels.text_hashes import content_hashes

        spans: dict[bytes, list[tuple[int, int]]] = {}
        for found in self.found.to_pylist():
            if actions[found["kind"]] == "cut":
                spans.setdefault(found["doc_id"], []).append((found["start"], found["end"]))
        ids = self.heads["doc_id"].to_pylist()
        exempt = np.isin(np.array(self.heads["category"].to_pylist(), object), rules.exempt_categories)
        candidates = (self.recurs & ~exempt) | np.array([d in spans for d in ids], bool)
        rows = np.flatnonzero(candidates & self.open.to_numpy(zero_copy_only=False))
        cuts: list[list[dict[str, int]]] = [[] for _ in ids]
        reasons: list[list[str]] = [[] for _ in ids]
        signed = (
            self.tables.need("signatures")
            .read_part(self.i, ["content_hash"])["content_hash"]
            .combine_chunks()
        )
        stats: dict[str, Any] = {
            "documents": len(ids),
            "touched": 0,
            "excluded": 0,
            "characters_cut": 0,
            "reasons": {},
            "hosts": {},
        }
        if not len(rows):
            return pa.table(
                [self.heads["doc_id"], pa.array(cuts, CUTS.field("cuts").type), pa.array(reasons), signed],
                schema=CUTS,
            ), stats
        from pipelines.edits.render import rendered_texts

        texts = rendered_texts(self.tables.documents, self.tables.edits, self.i).take(pa.array(rows))
        recurring = recurring_spans(texts, self.blocks, rules.min_bytes)
        touched, finals, lost = [], [], []
        for row, text, recurs in zip(rows.tolist(), texts.to_pylist(), recurring, strict=True):
            own = merge_spans((recurs if not exempt[row] else []) + spans.get(ids[row], []))
            if not own:
                continue
            final = cut_text(text, own)
            cuts[row] = [{"start": start, "end": end} for start, end in own]
            touched.append(row)
            finals.append(final)
            lost.append((len(text) - len(final), len(text)))
        heads = self.heads.take(pa.array(touched, pa.int64()))
        hashes = content_hashes(pa.array(finals, pa.string())).to_pylist()
        contents = signed.to_pylist()
        hosts: Counter[str] = Counter()
        for row, why, content, (gone, whole), host in zip(
            touched, judge.reasons(heads, finals), hashes, lost, heads["host"].to_pylist(), strict=True
        ):
            cause = "recurrence" if self.recurs[row] and not exempt[row] else "contamination"
            reasons[row] = [f"{cause}/{r}" for r in why] + (
                [f"{cause}/loss"] if gone > rules.max_loss * whole else []
            )
            contents[row] = content
            hosts[host] += gone
            stats["characters_cut"] += gone
            stats["excluded"] += bool(reasons[row])
            for reason in reasons[row]:
                stats["reasons"][reason] = stats["reasons"].get(reason, 0) + 1
        stats["touched"] = len(touched)
        stats["hosts"] = dict(sorted(hosts.most_common(HOSTS_IN_REPORT)))
        columns = [
            self.heads["doc_id"],
            pa.array(cuts, CUTS.field("cuts").type),
            pa.array(reasons, CUTS.field("reasons").type),
        ]
        return pa.table([*columns, pa.array(contents, ID)], schema=CUTS), stats


def build_cuts(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    recurring: Dataset,
    contamination: Dataset,
) -> Built:
    """Publish one row for each document of the release's dumps (schema CUTS), part by part.

    Touched are training documents that pass their own rules; they are measured and judged again
    after the cut. Statistics: touched, excluded and characters, reasons, and characters by host for
    the hosts of each part that lose most.
    """
    rules, actions = release.card.recurrence, contamination_actions(release.card.contamination)
    parameters = {"recurrence": rules.parameters(), "overlap": actions, "dumps": list(release.dumps)}

    def write(writer: Writer) -> None:
        blocks = recurring.read(["block"])["block"].to_numpy()
        blocks = np.sort(blocks)
        judges = {name: Judge.of(lake, tables) for name, tables in release.dumps.items()}
        known = lake.reusable("cuts")

        def work(number: int) -> None:
            part = _Part(release, release.parts[number], blocks, contamination)
            if writer.has(part.path):
                return
            judge = judges[part.dump]
            found_hash = next(p.hash for p in contamination.parts if p.path == part.path)
            more = (
                str(VERSION),
                canonical_json(parameters["recurrence"]),
                canonical_json(actions),
                judge.fingerprint,
                found_hash,
            )
            key = part_key(
                part.tables,
                part.i,
                ("documents", "edits", "decisions", "signatures"),
                *more,
                digest(part.blocks.tobytes()),
            )
            if not writer.take(key, known):
                writer.write_table(part.path, *part.table(judge, rules, actions), key=key)

        engine.map_parts(len(release.parts), work)

    inputs = {
        **release.inputs("documents", "edits", "decisions", "signatures"),
        "recurring": recurring,
        "contamination": contamination,
    }
    return lake.publish(
        "cuts", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )


def build_exclusions(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    validation_sets: Dataset,
    contamination: Dataset,
    cuts: Dataset,
) -> Built:
    """Publish the documents excluded after the first election (schema EXCLUSIONS), with every reason;
    the next of their cluster follow.

    contamination/KIND by policy, the reasons of CUTS, and release/held_out for held-out documents that
    are not in the validation sets: because those are frozen, or beyond the card's
    `validation_documents` of their domain.
    """
    actions = contamination_actions(release.card.contamination)

    def write(writer: Writer) -> None:
        sets = [
            validation_sets.read_part(i, ["doc_id"])["doc_id"].combine_chunks()
            for i in range(len(validation_sets.parts))
        ]
        held = pa.concat_arrays([pa.array([], ID), *sets])
        known = lake.reusable("exclusions")

        def work(number: int) -> None:
            dump, tables, i = release.parts[number]
            path = part_path(dump, i)
            if writer.has(path):
                return
            ids = tables.documents.read_part(i, ["doc_id"])["doc_id"].combine_chunks()
            inside = pc.is_in(ids, value_set=held)
            hashes = [next(p.hash for p in d.parts if p.path == path) for d in (contamination, cuts)]
            limits = validation_sets.stats.get("limits", {})
            sets_here = (release.card.validation, canonical_json(limits))
            more = (
                str(VERSION),
                canonical_json(actions),
                *sets_here,
                digest(*ids.filter(inside).to_pylist()),
            )
            key = part_key(tables, i, ("documents", "decisions"), *hashes, *more)
            if writer.take(key, known):
                return
            reasons: dict[bytes, list[str]] = {}
            for row in lake.read_parquet(contamination.file(path), ["doc_id", "kind"]).to_pylist():
                why = reasons.setdefault(row["doc_id"], [])
                if actions[row["kind"]] == "drop" and f"contamination/{row['kind']}" not in why:
                    why.append(f"contamination/{row['kind']}")
            mine = lake.read_parquet(cuts.file(path), ["doc_id", "reasons"])
            for row in mine.filter(pc.greater(pc.list_value_length(mine["reasons"]), 0)).to_pylist():
                reasons.setdefault(row["doc_id"], []).extend(row["reasons"])
            if release.card.validation or limits:
                sides = tables.documents.read_part(i, ["side"])["side"].combine_chunks()
                keep = tables.need("decisions").read_part(i, ["keep"])["keep"].combine_chunks()
                out = pc.and_not(pc.and_(pc.equal(sides, "validation"), keep), inside)
                if not release.card.validation:
                    out = pc.and_(out, left_out(validation_sets, tables, i))
                for doc in ids.filter(out).to_pylist():
                    reasons.setdefault(doc, []).append("release/held_out")
            rows = [{"doc_id": d, "reasons": r} for d, r in sorted(reasons.items()) if r]
            writer.write_table(path, pa.Table.from_pylist(rows, EXCLUSIONS), {"excluded": len(rows)}, key=key)

        engine.map_parts(len(release.parts), work)

    inputs = {
        **release.inputs("documents", "decisions"),
        "contamination": contamination,
        "cuts": cuts,
        "validation_sets": validation_sets,
    }
    parameters = {"overlap": actions, "frozen": bool(release.card.validation), "dumps": list(release.dumps)}
    return lake.publish(
        "exclusions", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write
    )
