"""What one release has that another has not, and why.

Belongs here: comparing the published tables of two releases. Does not belong here: how they were
made.

Parts of equal hash are not opened: two releases that share most parts are compared in the time of
the parts that differ.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pyarrow.compute as pc

from pipelines.edits.personal_data import MASKS, find_personal_data
from pipelines.lake import Dataset, Lake, MissingDataset

CORPORA = ("skypile_main", "skypile_stem")
NOT_NAMED = "not in the release"  # the document's dump is not part of it
SNIPPET = 60  # characters of a sample's text


@dataclass
class ReleaseChange:
    """Documents and characters that moved one way, by reason, with some samples (url, reason,
    beginning of the text), masked."""

    documents: int = 0
    characters: int = 0
    by_reason: dict[str, dict[str, int]] = field(default_factory=dict)  # reason -> documents, characters
    samples: list[tuple[str, str, str]] = field(default_factory=list)

    def add(self, reasons: list[str], characters: int) -> None:
        self.documents += 1
        self.characters += characters
        for reason in reasons:
            entry = self.by_reason.setdefault(reason, {"documents": 0, "characters": 0})
            entry["documents"] += 1
            entry["characters"] += characters


@dataclass(frozen=True)
class Difference:
    """`lost` and `gained`: documents of the first release alone and of the second alone. `changed`:
    in both, with other text; their characters are those that the second has more (or, negative,
    less)."""

    lost: ReleaseChange
    gained: ReleaseChange
    changed: ReleaseChange
    same_parts: int
    compared_parts: int


def masked(text: str) -> str:
    """`text` with personal data masked: a URL is no rendered text, and may hold an address."""
    for start, end, kind in reversed(find_personal_data(text)):
        text = text[:start] + MASKS[kind] + text[end:]
    return text


def _corpora(lake: Lake, release: str) -> list[Dataset]:
    try:
        return [lake.current(asset, release) for asset in CORPORA]
    except MissingDataset:
        raise MissingDataset(
            f"release {release!r} is not built (skypile_main, skypile_stem): build it before comparing it"
        ) from None


def _own(datasets: list[Dataset], shared: Counter[str]) -> dict[bytes, tuple[int, Dataset, int]]:
    """(characters, dataset, part) by doc_id, over the parts that the other release has not."""
    left, found = Counter(shared), {}
    for dataset in datasets:
        for i, part in enumerate(dataset.parts):
            if left[part.hash]:
                left[part.hash] -= 1
                continue
            table = dataset.read_part(i, ["doc_id", "text"])
            lengths = pc.utf8_length(table["text"]).to_pylist()
            found.update(
                {d: (n, dataset, i) for d, n in zip(table["doc_id"].to_pylist(), lengths, strict=True)}
            )
    return found


def _reasons(lake: Lake, release: str, wanted: set[bytes]) -> dict[bytes, list[str]]:
    """Why `release` rejects the `wanted` documents; without an entry it does not know them."""
    found: dict[bytes, list[str]] = {}
    rejected = lake.current("rejected", release)
    for i in range(len(rejected.parts) if wanted else 0):
        table = rejected.read_part(i, ["doc_id", "reasons"])
        for doc, reasons in zip(table["doc_id"].to_pylist(), table["reasons"].to_pylist(), strict=True):
            if doc in wanted:
                found[doc] = reasons
    return found


def _sample(
    rows: dict[bytes, tuple[int, Dataset, int]], chosen: list[bytes], reasons: dict[bytes, list[str]]
) -> list[tuple[str, str, str]]:
    samples = []
    for doc in chosen:
        _, dataset, i = rows[doc]
        table = dataset.read_part(i, ["doc_id", "url", "text"])
        row = table.filter(pc.equal(table["doc_id"], doc)).to_pylist()[0]
        samples.append(
            (
                masked(row["url"]),
                ", ".join(reasons.get(doc, [NOT_NAMED])),
                " ".join(row["text"].split())[:SNIPPET],
            )
        )
    return samples


def diff(lake: Lake, first: str, second: str, samples: int = 5) -> Difference:
    """What release `second` lost, gained and changed against `first`.

    The reason of a loss is why `second` rejects the document; of a gain, why `first` did.
    """
    a, b = _corpora(lake, first), _corpora(lake, second)
    hashes = [Counter(p.hash for d in datasets for p in d.parts) for datasets in (a, b)]
    shared = hashes[0] & hashes[1]
    before, after = _own(a, shared), _own(b, shared)
    changes: list[ReleaseChange] = []
    for here, there, rejecting in ((before, after, second), (after, before, first)):
        moved = sorted(set(here) - set(there))
        reasons = _reasons(lake, rejecting, set(moved))
        change = ReleaseChange()
        for doc in moved:
            change.add(reasons.get(doc, [NOT_NAMED]), here[doc][0])
        change.samples = _sample(here, moved[:samples], reasons)
        changes.append(change)
    changed = ReleaseChange()
    for doc in sorted(set(before) & set(after)):
        if before[doc][0] != after[doc][0]:
            changed.add([], after[doc][0] - before[doc][0])
    same = shared.total()
    return Difference(changes[0], changes[1], changed, same, hashes[0].total() + hashes[1].total() - 2 * same)


def to_json(difference: Difference) -> dict[str, Any]:
    """Plain JSON of a difference, reasons in order."""
    out: dict[str, Any] = {"same_parts": difference.same_parts, "compared_parts": difference.compared_parts}
    for name in ("lost", "gained", "changed"):
        change: ReleaseChange = getattr(difference, name)
        out[name] = change.__dict__ | {
            "by_reason": dict(sorted(change.by_reason.items())),
            "samples": [list(s) for s in change.samples],
        }
    return out
