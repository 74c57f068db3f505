"""Documents and bytes in and out of the stages of a dump, and what must hold of them.

Belongs here: numbers from manifests, and their bounds. Does not belong here: why one document was left
out (explain.py), pages of reports.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.checks import CheckBounds
from pipelines.cards.dump import DumpCard
from pipelines.dumps.rows import fields_of
from pipelines.filtering.tail import LEAST
from pipelines.lake import Dataset, Lake, MissingDataset, iter_parts

LOOKED_INTO = 500
"""Files in which those with damage are looked for."""
MAX_REASONS = 12
"""Reasons that a sentence names, the commonest."""
SHOWN_FIELDS = 30
"""Fields of rows that a sentence names."""
SHOWN = ("raw_dump", "documents", "edits", "signals/language", "scores", "decisions")
"""Tables of a dump that the funnel shows: those whose rows are its documents or what it is made of."""


@dataclass(frozen=True)
class Finding:
    """One check: whether it holds, and the numbers behind it."""

    name: str
    passed: bool
    numbers: dict[str, float]
    meaning: str


def funnel(lake: Lake, dump: str) -> list[dict[str, Any]]:
    """One row for each stage that was run: documents in and out, characters of text out where
    counted, bytes of the table."""
    rows: list[dict[str, Any]] = []
    before = 0
    for stage in SHOWN:
        try:
            dataset = lake.current(stage, dump)
        except MissingDataset:
            continue
        stats = dataset.manifest.stats
        out = stats.get("kept", dataset.manifest.rows) if stage == "decisions" else dataset.manifest.rows
        rows.append(
            {
                "stage": stage,
                "in": before,
                "out": out,
                "characters": stats.get("kept_chars"),
                "bytes": dataset.manifest.bytes,
            }
        )
        before = out if stage != "raw_dump" else 0
    return rows


def as_table(rows: list[dict[str, Any]]) -> str:
    """The funnel as a Markdown table."""
    lines = [
        "| stage | documents in | documents out | characters | bytes of the table |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        characters = "" if row["characters"] is None else f"{row['characters']:,}"
        lines.append(f"| {row['stage']} | {row['in']:,} | {row['out']:,} | {characters} | {row['bytes']:,} |")
    return "\n".join(lines)


def judge_ids(documents: Dataset) -> Finding:
    """Whether every document has an id of its own. The ids of one file are compared, as an id holds
    the file's name, which is unique in a dump. Reads one column."""
    repeated = 0
    by_file: dict[str, list[int]] = {}
    for index, part in enumerate(documents.parts):
        by_file.setdefault(part.path.split(".")[0].split("_")[0], []).append(index)
    for parts in by_file.values():
        ids = pa.concat_tables([documents.read_part(i, ["doc_id"]) for i in parts])["doc_id"]
        repeated += len(ids) - pc.count_distinct(ids).as_py()
    return Finding(
        "unique_ids",
        repeated == 0,
        {"repeated": repeated, "documents": documents.manifest.rows},
        f"{repeated:,} documents have the id of another: two records of a file have one place",
    )


def judge_rules(documents: Dataset, card: DumpCard) -> Finding:
    """Whether every rule of the card's `allow` and `block` covered a page of the dump."""
    matched = documents.stats.get("rules", {})
    named = [f"{name} {rule}" for name in ("allow", "block") for rule in getattr(card, name)]
    unused = [rule for rule in named if rule not in matched]
    shown = ", ".join(unused[:10]) + (f" and {len(unused) - 10:,} more" if len(unused) > 10 else "")
    return Finding(
        "unused_rules",
        not unused,
        {"rules": len(named), "unused": len(unused)},
        f"rules that covered no page of the dump: {shown or 'none'}",
    )


def judge_fields(documents: Dataset, card: DumpCard) -> Finding:
    """Whether every field that the card itself names is in a row of the dump: those of `fields`, and the one
    that `group` names. A dump without rows says nothing."""
    stats = documents.stats
    found, columns = stats.get("found", {}), stats.get("columns", {})
    own = card.fields.model_fields_set
    wanted = {name: at for name, at in fields_of(card).items() if name in own or name == card.group}
    unused = {name: at for name, at in wanted.items() if not found.get(name)} if columns else {}
    named = ", ".join(f"{name}: {at}" if name != at else name for name, at in unused.items())
    return Finding(
        "unused_fields",
        not unused,
        {"fields": len(wanted), "unused": len(unused)},
        f"fields that the card names and no row has: {named or 'none'}"
        + (f"; rows have {_by_count(columns)}" if unused else ""),
    )


def _by_count(names: Mapping[str, int]) -> str:
    """Names of fields, the commonest first."""
    shown = sorted(names, key=lambda name: (-names[name], name))
    return ", ".join(shown[:SHOWN_FIELDS]) + (" and others" if len(shown) > SHOWN_FIELDS else "")


def damaged_files(left_out: Dataset) -> dict[str, str]:
    """One file for each reason of kind `broken`, of the files whose parts are looked into. Reads two narrow
    columns."""
    found: dict[str, str] = {}
    for number in range(min(len(left_out.parts), LOOKED_INTO)):
        places = left_out.read_part(number, ["reason", "file"])
        for reason in pc.unique(places["reason"]).to_pylist():
            if reason.startswith("broken/") and reason not in found:
                found[reason] = places["file"][pc.index(places["reason"], reason).as_py()].as_py()
    return found


def what_came(stats: Mapping[str, Any], files: Mapping[str, str] = {}) -> str:
    """What was read of a dump and what was left out, by reason, in a few sentences; what to set where
    rows have no text, are in another charset, or are no rows. `files`: one for each reason that has any."""
    lost = Counter(
        {f"{kind}/{n}": c for kind in ("skipped", "broken") for n, c in stats.get(kind, {}).items()}
    )
    named = (
        (name, f" ({files[name]!r})" if name in files else "") for name, _ in lost.most_common(MAX_REASONS)
    )
    reasons = ", ".join(f"{lost[name]:,} {name}{file}" for name, file in named)
    pages, kept = stats.get("pages", 0), stats.get("documents", 0)
    said = f"{pages:,} pages read, {kept:,} became documents; left out: {reasons or 'none'}"
    broken = stats.get("broken", {})
    if broken.get("no_text") and (fields := stats.get("fields")):
        said += (
            f". Rows without text have the fields {_by_count(fields)}: name the one that holds it in the"
            " card, `fields: {text: NAME}`, and give the others (url, date, title) likewise"
        )
    said += "".join(f". {advice}" for reason, advice in _ADVICE.items() if _counted(stats, reason))
    for name in sorted(name for name in broken if name.startswith("is_")):
        said += f". Files that are {name[3:].replace('_', ' ')}: {_OF_FORMAT.get(name[3:], _OTHER_FORMAT)}"
    return said


_ADVICE = {
    "broken/not_utf-8": "Lines that are not UTF-8 are of another charset: name it in the card,"
    " `charset: gb18030` (Chinese), `big5`, `shift_jis` or `windows-1252`",
    "seen/not_utf-8": "Text that is not all UTF-8 has U+FFFD for the rest: where it is of another charset,"
    " name that in the card, `charset: gb18030`",
    "broken/text_type": "Rows whose text is a list, an object or a number: write it as one string, or name"
    " the field inside of it in the card",
    "seen/unreadable_date": "Dates are read as ISO 8601, RFC 5322 or seconds since 1970; others are left out",
    "broken/json": "Lines that are no JSON object: a file of kind jsonl has one object a line"
    " (`jq -c '.[]'` writes an array so)",
}
"""What to do about a reason, where the card or the file can be mended."""
_OTHER_FORMAT = "no kind of dump reads them: write their documents as JSON lines"
_OF_FORMAT = dict.fromkeys(
    ("zip", "7z", "rar", "tar", "bzip2", "xz"), "unpack them; gzip, zstd and lz4 are read as they are"
) | {
    "gzip": "unpack them once; they are compressed twice, or Parquet that is compressed as a file",
    "zstd": "unpack them once; they are compressed twice, or Parquet that is compressed as a file",
    "git_lfs_pointer": "fetch what they stand for (`git lfs pull`)",
    "html": "an error page of a server, or pages of a crawl that belong in WARC files",
    "warc": "`kind: warc` reads them",
    "json": "`kind: jsonl` reads files with one object a line",
    "parquet": "`kind: parquet` reads them",
}
"""What to do about files that are none of the card's kind."""


def _counted(stats: Mapping[str, Any], reason: str) -> int:
    kind, _, name = reason.partition("/")
    return int(stats.get(kind, {}).get(name, 0))


def judge_edits(edits: Dataset, bounds: CheckBounds) -> list[Finding]:
    """Whether rendering left personal data behind."""
    left = sum(edits.manifest.stats.get("leftovers", {}).values())
    meaning = "rendered texts in which a mask's kind is still found"
    return [
        Finding(
            "pii_leftovers",
            left <= bounds.max_leftovers,
            {"leftovers": left, "allowed": bounds.max_leftovers},
            meaning,
        )
    ]


def judge_decisions(decisions: Dataset, languages: Dataset, bounds: CheckBounds) -> list[Finding]:
    """Keep rate, share of wanted languages, the heaviest reason of a dump, and whether a perplexity
    group that the policy drops is worse than the rest."""
    stats, spoken = decisions.manifest.stats, languages.manifest.stats.get("languages", {})
    total, kept = stats.get("documents", 0), stats.get("kept", 0)
    few = total < bounds.min_documents
    rate = kept / max(total, 1)
    wanted = (spoken.get("en", 0) + spoken.get("zh", 0)) / max(sum(spoken.values()), 1)
    heaviest = max(stats.get("reasons", {}).values(), default=0) / max(total, 1)
    return [
        Finding(
            "keep_rate",
            few or bounds.min_keep_rate <= rate <= bounds.max_keep_rate,
            {
                "keep_rate": round(rate, 4),
                "min": bounds.min_keep_rate,
                "max": bounds.max_keep_rate,
                "documents": total,
            },
            "share of documents that pass their own rules",
        ),
        Finding(
            "language_share",
            few or wanted >= bounds.min_wanted_share,
            {"english_and_chinese": round(wanted, 4), "min": bounds.min_wanted_share},
            "share of documents in English or Chinese",
        ),
        Finding(
            "heaviest_reason",
            few or heaviest <= bounds.max_dump_share_of_reason,
            {"share": round(heaviest, 4), "max": bounds.max_dump_share_of_reason},
            "share of documents that the commonest reason speaks against",
        ),
        _judge_tail(decisions.manifest.parameters.get("perplexity_check", {})),
    ]


def _judge_tail(check: Mapping[str, Mapping[str, Any]]) -> Finding:
    """Whether every perplexity group that the policy drops is worse than the rest, by rule set."""
    numbers = {f"{name}/{key}": value for name, counts in check.items() for key, value in counts.items()}
    return Finding(
        "perplexity_tail",
        all(counts["holds"] or counts["dropped"] < LEAST for counts in check.values()),
        {key: float(value) for key, value in numbers.items()},
        "a perplexity group is dropped only where other rules reject more of it than of the rest",
    )


def judge_sides(documents: Dataset, card: DumpCard, bounds: CheckBounds) -> list[Finding]:
    """Whether enough groups (hosts, repositories) are held out, and whole. Reads two narrow
    columns."""
    groups: dict[str, set[str]] = {"train": set(), "validation": set()}
    for part in iter_parts(documents, ["group", "side"]):
        pairs = part.group_by(["group", "side"]).aggregate([])
        for group, side in zip(pairs["group"].to_pylist(), pairs["side"].to_pylist(), strict=True):
            groups[side].add(group)
    held = len(groups["validation"])
    by_url = documents.manifest.parameters.get("split_by") == "url"
    few = documents.manifest.rows < bounds.min_documents or card.held_out or card.validation_share == 0
    return [
        Finding(
            "validation_groups",
            few or (held >= bounds.min_validation_groups and not by_url),
            {
                "split_by_url": by_url,
                "validation_groups": held,
                "train_groups": len(groups["train"]),
                "min": bounds.min_validation_groups,
            },
            "sources held out; a dump of few (the card's `min_groups`) is split page by page, so its"
            " validation side is of sources that are trained on: give the card a finer `group`"
            " or a larger `validation_share`",
        )
    ]
