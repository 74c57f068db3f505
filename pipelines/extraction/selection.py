"""Which records of a dump are left out before anything of them is read.

Belongs here: the card's lists of hosts and paths, content types. Does not belong here: pages
that are left out for what they hold (documents.py).
"""

from __future__ import annotations

from collections.abc import Callable

from pipelines.cards.dump import DumpCard
from pipelines.cards.urls import rules_of
from pipelines.dumps.records import Record

HTML_TYPES = ("", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/http")
TEXT_TYPES = ("text/plain",)


def _ignored(rule: str) -> None:
    """Nobody asks which rules cover a page."""


def reason_left_out(record: Record, card: DumpCard, matched: Callable[[str], None] = _ignored) -> str:
    """Why a record is no document whatever it holds: block_list, allow_list, content_type; empty for
    the others. `matched` is told of every rule that covers its address, as `block RULE` or
    `allow RULE`."""
    blocked = list(rules_of(card.block).covering(record.url)) if card.block else []
    allowed = list(rules_of(card.allow).covering(record.url)) if card.allow else []
    for rule in (*(f"block {r}" for r in blocked), *(f"allow {r}" for r in allowed)):
        matched(rule)
    if blocked:
        return "block_list"
    if card.allow and not allowed:
        return "allow_list"
    if record.text is None and record.content_type not in HTML_TYPES + TEXT_TYPES:
        return "content_type"
    return ""
