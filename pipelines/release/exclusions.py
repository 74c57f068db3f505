"""The documents that leave a release after the first election, with every reason.

Belongs here: bringing together what contamination, cuts and the validation sets say against a document.
Does not belong here: what is cut (cuts.py), who takes the place of an excluded document
(dedup/duplicates.py), the final decision on each document (release_decisions.py).
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.contamination.common_text import CommonText
from pipelines.lake import Dataset, canonical_json, digest
from pipelines.release.cuts import action_on, common_parameters, contamination_actions
from pipelines.release.validation_sets import left_out
from pipelines.tables.columns import described
from pipelines.tables.inputs import ReleasePart, ReleaseTables, part_hashes
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, Stage, Stats

VERSION = 4
EXCLUSIONS = described(
    "exclusions",
    [
        ("doc_id", ID, "a document that leaves the release"),
        ("reasons", pa.list_(pa.string()), "why: group/name"),
    ],
)


def exclusions_stage(
    release: ReleaseTables, validation_sets: Dataset, contamination: Dataset, cuts: Dataset
) -> Stage:
    """The documents excluded after the first election (schema EXCLUSIONS), with every reason; the next
    of their clusters take their places.

    contamination/KIND by policy, the reasons of CUTS, and release/held_out for held-out documents that
    are not in the validation sets: because those are frozen, or beyond the card's
    `validation_documents` of their domain. Statistics: excluded.
    """
    card, parts = release.card, release.parts
    actions, limits = contamination_actions(card.contamination), validation_sets.stats.get("limits", {})

    def compute(building: Building) -> None:
        sets = range(len(validation_sets.parts))
        held = [validation_sets.read_part(i, ["doc_id"])["doc_id"].combine_chunks() for i in sets]
        in_sets = pa.concat_arrays([pa.array([], ID), *held])
        found, cut = part_hashes(contamination), part_hashes(cuts)
        common = CommonText.of(contamination, card.contamination)

        def part(number: int) -> tuple[str, Callable[[], tuple[pa.Table, Stats]]]:
            own = parts[number]
            ids = own.ids()
            matches = contamination.read_part(own.path)
            leaks = common.leaks(matches)
            inside = pc.is_in(ids, value_set=in_sets)
            key = own.key(
                ("documents", "decisions"),
                found[own.path],
                cut[own.path],
                str(VERSION),
                canonical_json(actions),
                card.validation,
                canonical_json(limits),
                digest(leaks.tobytes(), *ids.filter(inside).to_pylist()),
            )
            return key, lambda: rows(own, ids, inside, matches.filter(pa.array(leaks)))

        building.write_keyed_parts([part.path for part in parts], part)

    def rows(part: ReleasePart, ids: pa.Array, inside: pa.Array, leaks: pa.Table) -> tuple[pa.Table, Stats]:
        reasons: dict[bytes, list[str]] = {}
        for row in leaks.select(["doc_id", "kind", "in_long"]).to_pylist():
            why = reasons.setdefault(row["doc_id"], [])
            if action_on(row, actions) == "drop" and f"contamination/{row['kind']}" not in why:
                why.append(f"contamination/{row['kind']}")
        mine = cuts.read_part(part.path, ["doc_id", "reasons"])
        for row in mine.filter(pc.greater(pc.list_value_length(mine["reasons"]), 0)).to_pylist():
            reasons.setdefault(row["doc_id"], []).extend(row["reasons"])
        if card.validation or limits:
            documents, decisions = part.aligned(["side"], ["keep"])
            held_out = pc.and_(pc.equal(documents["side"], "validation"), decisions["keep"])
            out = pc.and_not(held_out.combine_chunks(), inside)
            if not card.validation:
                out = pc.and_(out, left_out(validation_sets, part))
            for doc in ids.filter(out).to_pylist():
                reasons.setdefault(doc, []).append("release/held_out")
        excluded = [{"doc_id": d, "reasons": r} for d, r in sorted(reasons.items()) if r]
        return pa.Table.from_pylist(excluded, EXCLUSIONS), {"excluded": len(excluded)}

    # the parameter is called `overlap` since the first release: it is part of the content hash
    common_text = common_parameters(card.contamination)
    parameters = {
        "overlap": actions,
        "common": common_text,
        "frozen": bool(card.validation),
        "dumps": list(release.dumps),
    }
    inputs = {
        **release.inputs("documents", "decisions"),
        "contamination": contamination,
        "cuts": cuts,
        "validation_sets": validation_sets,
    }
    return Stage("exclusions", VERSION, compute, card.name, parameters, inputs)
