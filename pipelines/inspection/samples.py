"""Kept and rejected documents to look at: a few for every reason and language of a dump.

Belongs here: choosing the samples, showing them as text. Does not belong here: why a document
was rejected (filtering/decisions.py), the page of samples (reports/samples.py).

Samples are of the smallest ids, which are hashes, so they are a fair draw, and equal each time.
Texts are rendered and everything else that is shown is masked: no personal data leaves this module
as it came.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.edits.personal_data import mask
from pipelines.edits.render import rendered_texts
from pipelines.lake import LakeError
from pipelines.tables.inputs import DumpTables

KEPT = "kept"
EXCERPT = 400  # characters


@dataclass(frozen=True)
class SampledDocument:
    """One document: its place, its language, every reason against it, and how it begins."""

    reason: str  # the one it is shown for, or KEPT
    language: str
    dump: str
    url: str
    reasons: tuple[str, ...]
    num_chars: int
    text: str


def samples(
    tables: DumpTables, count: int = 3, reason: str = "", language: str = "", excerpt: int = EXCERPT
) -> list[SampledDocument]:
    """Up to `count` documents for each reason (and KEPT) and language, the given ones only where
    they are given."""
    chosen: dict[tuple[str, str], list[tuple[bytes, int, int, tuple[str, ...]]]] = {}
    decisions = tables.need("decisions")
    for index in range(len(tables.documents.parts)):
        for row, decided in enumerate(
            decisions.read_part(index, ["doc_id", "reasons", "language"]).to_pylist()
        ):
            for why in decided["reasons"] or [KEPT]:
                if (reason and why != reason) or (language and decided["language"] != language):
                    continue
                cell = chosen.setdefault((why, decided["language"]), [])
                cell.append((decided["doc_id"], index, row, tuple(decided["reasons"])))
                if len(cell) > 50 * count:
                    cell[:] = sorted(cell)[:count]
    picked = {key: sorted(cell)[:count] for key, cell in chosen.items()}
    needed = sorted({index for cell in picked.values() for _, index, _, _ in cell})
    found: list[SampledDocument] = []
    for index in needed:
        urls = tables.documents.read_part(index, ["url"])["url"].to_pylist()
        texts = rendered_texts(tables.documents, tables.edits, index)
        for (why, code), cell in picked.items():
            for _, place, row, reasons in cell:
                if place == index:
                    text = texts[row].as_py()
                    found.append(
                        SampledDocument(
                            why,
                            code,
                            tables.card.name,
                            mask(urls[row] or ""),
                            reasons,
                            len(text),
                            text[:excerpt],
                        )
                    )
    return sorted(found, key=lambda s: (s.reason != KEPT, s.reason, s.language, s.url))


def as_text(found: Iterable[SampledDocument]) -> str:
    """The samples for a terminal."""
    lines: list[str] = []
    heading = ("", "")
    for s in found:
        if (s.reason, s.language) != heading:
            heading = (s.reason, s.language)
            lines.append(f"\n== {s.reason} ({s.language or 'no language'}) ==")
        others = [r for r in s.reasons if r != s.reason]
        lines.append(
            f"\n{s.dump}  {s.url}  {s.num_chars:,} characters"
            + (f"  also: {', '.join(others)}" if others else "")
        )
        lines += [f"    {_plain(line)}" for line in s.text.split("\n") if line.strip()]
    return "\n".join(lines).strip()


def _plain(line: str) -> str:
    """A line without control characters: a page must not steer the terminal."""
    return "".join(c if c.isprintable() else " " for c in line)


def check_known(tables: DumpTables, reason: str) -> None:
    """Raise LakeError, naming those that there are, where no document of the dump was rejected for
    `reason`."""
    known = {KEPT, *tables.need("decisions").stats.get("reasons", {})}
    if reason and reason not in known:
        raise LakeError(
            f"no document of dump {tables.card.name} was rejected for {reason!r};"
            f" its reasons: {', '.join(sorted(known))}"
        )
