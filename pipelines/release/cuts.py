"""What is cut out of each document of a release, and whether it still passes after that.

Belongs here: the spans of recurring blocks and of contamination that the policy cuts, the text after
them, its new judgement, and the reasons against it. Does not belong here: which blocks recur
(recurring_blocks.py), what is contaminated (contamination/), how a text is judged
(filtering/rejudging.py), which documents leave the release (exclusions.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.contamination.common_text import CommonText
from pipelines.edits.render import rendered_texts
from pipelines.filtering.rejudging import Judge
from pipelines.kernels.text_hashes import block_hashes, content_hashes
from pipelines.lake import Dataset, LakeError, canonical_json, digest
from pipelines.release.template_lines import removable
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleasePart, ReleaseTables, part_hashes
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, Stage, Stats

VERSION = 4
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
            f"a cut ends at byte {cuts[-1][1]} of a text of {len(data)}: the table contamination is of other"
            " documents; rebuild it"
        )
    for start, end in cuts:
        pieces.append(data[position:start])
        position = end
    return b"".join([*pieces, data[position:]]).decode()


def cut_texts(part: ReleasePart, cuts: pa.Array) -> pa.Array:
    """The rendered texts of a part without the cuts of `CUTS.cuts`."""
    texts = rendered_texts(part.tables.documents, part.tables.edits, part.number)
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
    """For each text the byte spans (with their line end) of the lines in `recurring`, sorted uint64
    hashes, that may be cut: see template_lines.py."""

    hashes, starts, ends, offsets = block_hashes(texts)
    place = np.searchsorted(recurring, hashes)
    hit = np.zeros(len(hashes), bool)
    inside = place < len(recurring)
    hit[inside] = recurring[place[inside]] == hashes[inside]
    spans: list[list[tuple[int, int]]] = []
    for row in range(len(texts)):
        own = slice(int(offsets[row]), int(offsets[row + 1]))
        own_spans = zip(starts[own].tolist(), ends[own].tolist(), strict=True)
        chosen = {span for span, recurs in zip(own_spans, hit[own].tolist(), strict=True) if recurs}
        spans.append(_cut_lines(texts[row].as_py(), chosen, min_bytes) if chosen else [])
    return spans


def _cut_lines(text: str, recurring: set[tuple[int, int]], min_bytes: int) -> list[tuple[int, int]]:
    """Those of the lines `recurring` that may be cut, with their line end."""
    edges = [0]
    for line in text.split("\n"):
        edges.append(edges[-1] + len(line.encode()) + 1)
    lines = [(start, end - 1) for start, end in pairwise(edges)]
    chosen = removable(text, [line in recurring for line in lines], min_bytes)
    return [
        (start, min(end + 1, edges[-1] - 1)) for (start, end), cut in zip(lines, chosen, strict=True) if cut
    ]


def contamination_actions(policy: ContaminationPolicy) -> dict[str, str]:
    """What is done about each kind of match: drop, cut or mark."""
    return {"benchmark": policy.benchmark, "leakage": policy.leakage, "validation": policy.validation}


def common_parameters(policy: ContaminationPolicy) -> dict[str, float]:
    """What says which text is common, beside the matches."""
    return policy.model_dump(include={"common_groups", "common_whole", "min_hits"})


def action_on(found: Mapping[str, Any], actions: Mapping[str, str]) -> str:
    """What is done about one row of the table contamination: a long text that holds little loses that
    little, and a document that holds validation text always drops."""
    action = actions[found["kind"]]
    return "cut" if action == "drop" and found["in_long"] and found["kind"] != "validation" else action


@dataclass(frozen=True)
class _Cutting:
    """What is looked for in one part: the recurring blocks that it holds, and its contamination."""

    part: ReleasePart
    blocks: np.ndarray
    """Hashes of recurring blocks in the part, uint64, sorted."""
    recurs: np.ndarray
    """Which documents hold one of them, bool [n]."""
    found: pa.Table
    """Rows of the table contamination that are leaks."""
    key: str
    """Of what is looked for."""

    @staticmethod
    def of(part: ReleasePart, recurring: np.ndarray, contamination: Dataset, common: CommonText) -> _Cutting:
        """Without reading the part's text. `recurring`: hashes of blocks, sorted."""
        signatures = part.tables.need("signatures")
        lists = signatures.read_part(part.number, ["block_hashes"])["block_hashes"].combine_chunks()
        flat = lists.flatten().to_numpy()
        place = np.minimum(np.searchsorted(recurring, flat), max(0, len(recurring) - 1))
        hit = recurring[place] == flat if len(recurring) else np.zeros(len(flat), bool)
        recurs = np.zeros(len(lists), bool)
        recurs[pc.list_parent_indices(lists).to_numpy()[hit]] = True
        found = contamination.read_part(part.path)
        leaks, blocks = common.leaks(found), np.unique(flat[hit])
        key = digest(blocks.tobytes(), leaks.tobytes())
        return _Cutting(part, blocks, recurs, found.filter(pa.array(leaks)), key)

    def table(
        self, judge: Judge, rules: RecurrencePolicy, actions: Mapping[str, str]
    ) -> tuple[pa.Table, dict[str, Any]]:
        """(CUTS, statistics). The text of the part is read only where something is cut."""
        documents, decisions = self.part.aligned(
            ["url", "host", "group", "side", "category"], ["keep", "category"]
        )
        metadata = documents.set_column(
            documents.column_names.index("category"), "category", decisions["category"]
        )
        spans: dict[bytes, list[tuple[int, int]]] = {}
        for found in self.found.to_pylist():
            if action_on(found, actions) == "cut":
                spans.setdefault(found["doc_id"], []).append((found["start"], found["end"]))
        ids = metadata["doc_id"].to_pylist()
        exempt = np.isin(np.array(metadata["category"].to_pylist(), object), rules.exempt_categories)
        is_open = pc.and_(decisions["keep"], pc.equal(metadata["side"], "train")).to_numpy()
        candidates = (self.recurs & ~exempt) | np.array([d in spans for d in ids], bool)
        signatures = self.part.tables.need("signatures")
        signed = signatures.read_part(self.part.number, ["content_hash"])["content_hash"].combine_chunks()
        cuts: list[list[dict[str, int]]] = [[] for _ in ids]
        reasons: list[list[str]] = [[] for _ in ids]
        contents, hosts = signed.to_pylist(), Counter[str]()
        stats: dict[str, Any] = {"documents": len(ids), "touched": 0, "excluded": 0, "characters_cut": 0}
        why_counts: dict[str, int] = {}
        touched = self._cut(np.flatnonzero(candidates & is_open), exempt, ids, spans, rules)
        if touched:
            rows = list(touched)
            finals = [final for _, final, _ in touched.values()]
            chosen = metadata.take(pa.array(rows, pa.int64()))
            judged = zip(
                rows,
                judge.reasons(chosen, finals),
                content_hashes(pa.array(finals, pa.string())).to_pylist(),
                chosen["host"].to_pylist(),
                strict=True,
            )
            for row, why, content, host in judged:
                own, final, whole = touched[row]
                lost = whole - len(final)
                cause = "recurrence" if self.recurs[row] and not exempt[row] else "contamination"
                cuts[row] = [{"start": start, "end": end} for start, end in own]
                reasons[row] = [f"{cause}/{r}" for r in why]
                reasons[row] += [f"{cause}/loss"] if lost > rules.max_loss * whole else []
                contents[row] = content
                hosts[host] += lost
                stats["characters_cut"] += lost
                stats["excluded"] += bool(reasons[row])
                for reason in reasons[row]:
                    why_counts[reason] = why_counts.get(reason, 0) + 1
        stats |= {"touched": len(touched), "reasons": why_counts}
        stats["hosts"] = dict(sorted(hosts.most_common(HOSTS_IN_REPORT)))
        columns = [
            metadata["doc_id"],
            pa.array(cuts, CUTS.field("cuts").type),
            pa.array(reasons, CUTS.field("reasons").type),
            pa.array(contents, ID),
        ]
        return pa.table(columns, schema=CUTS), stats

    def _cut(
        self,
        rows: np.ndarray,
        exempt: np.ndarray,
        ids: Sequence[bytes],
        spans: Mapping[bytes, Sequence[tuple[int, int]]],
        rules: RecurrencePolicy,
    ) -> dict[int, tuple[list[tuple[int, int]], str, int]]:
        """By row: (what is cut, the text after it, characters before), for those of `rows` that are
        cut."""
        if not len(rows):
            return {}
        tables, touched = self.part.tables, {}
        texts = rendered_texts(tables.documents, tables.edits, self.part.number, rows)
        recurring = recurring_spans(texts, self.blocks, rules.min_bytes)
        for row, text, recurs in zip(rows.tolist(), texts.to_pylist(), recurring, strict=True):
            own = merge_spans((recurs if not exempt[row] else []) + list(spans.get(ids[row], [])))
            if own:
                touched[row] = own, cut_text(text, own), len(text)
        return touched


def cuts_stage(release: ReleaseTables, recurring: Dataset, contamination: Dataset) -> Stage:
    """One row for each document of the release's dumps (schema CUTS), part by part.

    Touched are training documents that pass their own rules; they are measured and judged again
    after the cut. Statistics: touched, excluded and characters, reasons, and characters by host for
    the hosts of each part that lose most.
    """
    rules, actions = release.card.recurrence, contamination_actions(release.card.contamination)
    # the parameter is called `overlap` since the first release: it is part of the content hash
    parameters = {
        "recurrence": rules.parameters(),
        "overlap": actions,
        "common": common_parameters(release.card.contamination),
        "dumps": list(release.dumps),
    }
    parts = release.parts

    def compute(building: Building) -> None:
        blocks = np.sort(recurring.read(["block"])["block"].to_numpy())
        judges = {name: Judge.of(building.lake, tables) for name, tables in release.dumps.items()}
        found = part_hashes(contamination)
        common = CommonText.of(contamination, release.card.contamination)

        def part(number: int) -> tuple[str, Callable[[], tuple[pa.Table, Stats]]]:
            cutting, judge = (
                _Cutting.of(parts[number], blocks, contamination, common),
                judges[parts[number].dump],
            )
            key = parts[number].key(
                ("documents", "edits", "decisions", "signatures"),
                str(VERSION),
                canonical_json(parameters["recurrence"]),
                canonical_json(actions),
                judge.fingerprint,
                found[parts[number].path],
                cutting.key,
            )
            return key, lambda: cutting.table(judge, rules, actions)

        building.write_keyed_parts([part.path for part in parts], part)

    inputs = {
        **release.inputs("documents", "edits", "decisions", "signatures"),
        "recurring": recurring,
        "contamination": contamination,
    }
    return Stage("cuts", VERSION, compute, release.card.name, parameters, inputs)
