"""What a published corpus is made of: counts, tokens, licences, dates, groups, and what was left
out and why.

Belongs here: gathering a card from manifests, dump cards and three narrow columns; showing it as
Markdown. Does not belong here: assembling the corpus (assembly.py). Reads no text.
"""

from __future__ import annotations

from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.dump import DumpCard
from pipelines.lake import Dataset, Lake, MissingDataset, iter_parts
from pipelines.tables.dates import DATE_COLUMNS

Corpus = Literal["main", "stem"]
_MAX_REASONS = 40  # reasons that the page lists


def data_card(lake: Lake, release: str, corpus: Corpus = "main") -> dict[str, Any]:
    """The card of SkyPile-Main or SkyPile-STEM of a release, as plain JSON. MissingDataset where
    the corpus was not made yet."""
    dataset = lake.current(f"skypile_{corpus}", release)
    stats = dataset.manifest.stats
    groups: set[str] = set()
    dates = {name: {"first": "", "last": "", "documents_without": 0} for name in DATE_COLUMNS}
    for part in iter_parts(dataset, ["group", *DATE_COLUMNS]):
        groups.update(g for g in pc.unique(part["group"]).to_pylist() if g)
        for name in DATE_COLUMNS:
            _widen(dates[name], part[name])
    return {
        "corpus": f"skypile_{corpus}",
        "release": release,
        "content_hash": dataset.content_hash,
        "documents": stats.get("documents", 0),
        "bytes": stats.get("bytes", 0),
        "tokens": _tokens(lake, release, corpus),
        "groups": len(groups),
        "dates": dates,
        "composition": stats.get("composition", {}),
        "buckets": stats.get("buckets", {}),
        "dumps": _dumps(lake, stats.get("composition", {})),
        "rejected": _rejected(lake, release, dataset),
    }


def _widen(dates: dict[str, Any], column: pa.ChunkedArray) -> None:
    """Take a part's dates into the first, the last, and the number of documents without one."""
    dates["documents_without"] += column.null_count
    found = pc.min_max(column).as_py()
    if found["min"]:
        dates["first"] = min(dates["first"] or found["min"], found["min"])
        dates["last"] = max(dates["last"], found["max"])


def _tokens(lake: Lake, release: str, corpus: Corpus) -> int | None:
    """Tokens of the corpus's shards; None where there are none yet."""
    try:
        shards = lake.current(f"{corpus}_shards", release)
    except MissingDataset:
        return None
    tokens = shards.manifest.stats.get("tokens")
    return int(tokens) if tokens is not None else None


def _dumps(lake: Lake, composition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Documents, bytes, kind, category, licence and date of each dump that is in the corpus."""
    found: dict[str, dict[str, Any]] = {}
    for categories in composition.values():
        for dumps in categories.values():
            for name, counts in dumps.items():
                entry = found.setdefault(name, {"documents": 0, "bytes": 0})
                entry["documents"] += counts["documents"]
                entry["bytes"] += counts["bytes"]
    for name, entry in found.items():
        path = f"cards/dumps/{name}.yaml"
        if lake.exists(path):
            card = DumpCard.load(lake.local(path))
            entry |= {"kind": card.kind, "category": card.category}
            entry |= {"licence": card.licence, "date": card.date}
    return dict(sorted(found.items()))


def _rejected(lake: Lake, release: str, dataset: Dataset) -> dict[str, Any]:
    """Documents of the release's dumps that are in no corpus, and the share of all that each reason
    speaks against."""
    try:
        stats = lake.current("rejected", release).manifest.stats
    except MissingDataset:
        return {}
    reasons: dict[str, int] = {}
    for counts in stats.get("reasons", {}).values():
        for reason, count in counts.items():
            reasons[reason] = reasons.get(reason, 0) + count
    names = {
        name
        for counts in dataset.manifest.stats.get("composition", {}).values()
        for dumps in counts.values()
        for name in dumps
    }
    names |= set(stats.get("reasons", {}))
    whole = sum(lake.current("decisions", name).manifest.rows for name in names)
    return {
        "documents": stats.get("documents", 0),
        "of": whole,
        "share_by_reason": {
            r: round(c / max(whole, 1), 6) for r, c in sorted(reasons.items(), key=lambda e: (-e[1], e[0]))
        },
    }


def as_markdown(card: dict[str, Any]) -> str:
    """The card as a page."""
    tokens = "not counted yet" if card["tokens"] is None else f"{card['tokens']:,}"
    lines = [
        f"# {card['corpus']}, release {card['release']}",
        "",
        f"- content hash: `{card['content_hash']}`",
        f"- documents: {card['documents']:,}; bytes of text: {card['bytes']:,}; tokens: {tokens}",
        f"- groups (hosts, repositories, books): {card['groups']:,}",
        *(
            f"- {name}: {dates['first'] or 'unknown'} to {dates['last'] or 'unknown'};"
            f" of {dates['documents_without']:,} documents unknown"
            for name, dates in card["dates"].items()
        ),
        "",
        "| language | category | documents | bytes |",
        "|---|---|---|---|",
    ]
    for language, categories in sorted(card["composition"].items()):
        for category, dumps in sorted(categories.items()):
            documents, size = (sum(c[key] for c in dumps.values()) for key in ("documents", "bytes"))
            lines.append(f"| {language} | {category} | {documents:,} | {size:,} |")
    if card["buckets"]:
        lines += ["", "| bucket | documents | bytes |", "|---|---|---|"]
        for name, counts in sorted(card["buckets"].items()):
            lines.append(f"| {_cell(name)} | {counts['documents']:,} | {counts['bytes']:,} |")
    lines += [
        "",
        "| dump | kind | category | licence | date | documents | bytes |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, entry in card["dumps"].items():
        told = " | ".join(_cell(entry.get(key)) for key in ("kind", "category", "licence", "date"))
        lines.append(f"| {_cell(name)} | {told} | {entry['documents']:,} | {entry['bytes']:,} |")
    if rejected := card["rejected"]:
        lines += [
            "",
            f"Left out of every corpus: {rejected['documents']:,} of {rejected['of']:,} documents."
            " A document counts under each reason.",
            "",
        ]
        lines += ["| reason | share of all documents |", "|---|---|"]
        shares = list(rejected["share_by_reason"].items())
        lines += [f"| {_cell(reason)} | {share:.2%} |" for reason, share in shares[:_MAX_REASONS]]
    return "\n".join(lines) + "\n"


def _cell(value: object) -> str:
    return str(value or "not stated").replace("|", "/").replace("\n", " ")
