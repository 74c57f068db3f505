"""Which records of a dump are left out before anything of them is read.

Belongs here: the card's lists of hosts and URL prefixes, content types. Does not belong here: pages
that are left out for what they hold (documents.py).
"""

from __future__ import annotations

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import Record

HTML_TYPES = ("", "text/html", "application/xhtml+xml", "application/xml", "text/xml", "application/http")
TEXT_TYPES = ("text/plain",)


def reason_left_out(record: Record, card: DumpCard, host: str) -> str:
    """Why a record is no document whatever it holds: block_list, allow_list, content_type; empty for
    the others."""
    if card.block and any(_covers(rule, host, record.url) for rule in card.block):
        return "block_list"
    if card.allow and not any(_covers(rule, host, record.url) for rule in card.allow):
        return "allow_list"
    if record.text is None and record.content_type not in HTML_TYPES + TEXT_TYPES:
        return "content_type"
    return ""


def _covers(rule: str, host: str, url: str) -> bool:
    """Whether a rule (host name or URL prefix) covers a page; a host rule covers its subdomains."""
    return url.startswith(rule) if "://" in rule else host == rule or host.endswith("." + rule)
