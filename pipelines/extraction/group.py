"""The group of a document: what is never split between training and validation.

Belongs here: host and path of a URL, the group that a card names. Does not belong here: the side of
a group (side.py).
"""

from __future__ import annotations

from urllib.parse import urlsplit

from pipelines.cards.dump import DumpCard
from pipelines.cards.urls import normal_host, normal_url
from pipelines.dumps.records import Record


def host_and_path(url: str) -> tuple[str, str]:
    """(host in lower case, path) of a URL; empty where it is not readable."""
    try:
        parts = urlsplit(url)
        return (parts.hostname or "").lower(), parts.path
    except ValueError:
        return "", ""


def group_of(record: Record, card: DumpCard, host: str, path: str) -> str:
    """The group of a record as the card's `group` says; `host` and `path` are those of its URL."""
    if card.group in ("host", "host/1", "host/2"):
        depth = int(card.group[5:] or 0) if "/" in card.group else 0
        folders = [p for p in path.split("/")[:-1] if p][:depth]
        return "/".join([normal_host(host), *folders])
    if card.group == "url":
        return normal_url(record.url)
    value = record.fields.get(card.group)
    return str(value) if value not in (None, "") else normal_host(host) or normal_url(record.url)
