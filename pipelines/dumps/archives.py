"""Records of an archive file, one after the other: where each begins, and that it ends where it says.

Belongs here: what WARC and ARC have in common: boundaries, going on behind damage, lying lengths.
Does not belong here: decoding members (members.py), the headers of a format and what a record means
(warc.py, arc.py).

A record is given only where the member that it ends with is whole (one record a member), and where
its length ends it before the next record or the end. Else it is counted, and reading goes on at the
next place where a record begins, inside of what the length claimed.
"""

from __future__ import annotations

import collections
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Protocol

from pipelines.dumps.members import Damaged, DecodedTooOften, Member, Stored
from pipelines.dumps.records import MAX_BLOCK, Tally

MAX_HEAD = 1 << 18  # bytes of a record's headers
_SEARCHED = 1 << 16  # bytes that are searched at once for the next record
_OVERLAP = 1 << 13  # of them, searched again with the next: a first line may lie across the edge
MAX_OVER = 16  # bytes behind a record's length that are its own all the same
_INNER = 8  # records at the end of a block that are looked at


@dataclass(frozen=True, slots=True)
class Head:
    """The headers of a record: names in lower case. `length` is that of the block; -1 where none is
    given, or none that can be read. `size` is the headers' own."""

    values: dict[str, str]
    length: int
    size: int


@dataclass(frozen=True, slots=True)
class StoredRecord:
    """A whole record. `data` holds at most MAX_BLOCK bytes."""

    head: Head
    data: bytes
    offset: int
    index: int


class Grammar(Protocol):
    """How records of a format begin."""

    start: re.Pattern[bytes]
    """What the first line of a record begins with."""
    gap: re.Pattern[bytes]
    """What stands between two records."""
    closed: re.Pattern[bytes]
    """What is found only behind whole headers."""
    address: str
    """The header with a page's address."""
    bad_head: str
    """The reason for a place where a record should begin and none does."""

    def begins(self, data: bytes) -> bool:
        """Whether these bytes, the first of a member, are those of a record."""

    def head(self, data: bytes) -> Head | None:
        """The headers at the beginning of `data`; None where they are none, or not whole."""

    def anywhere(self, data: bytes) -> Iterator[int]:
        """Where records may begin in `data`, ascending. A record that is cut may end in the middle of a
        line."""


def blocks(stored: Stored, grammar: Grammar, tally: Tally) -> Iterator[StoredRecord]:
    """Every whole record of a file, in order. What is lost is counted, once for each place."""

    start = 0
    try:
        while start < stored.size:
            begin, hole = stored.skipped(start)
            if hole:
                tally.lose("broken/gap", start)
            if (start := begin) == stored.size:
                return
            try:
                if not stored.is_member(start):
                    raise Damaged("gap")
                start = yield from _of_member(Member(stored, start), grammar, tally)
            except Damaged as damage:
                tally.lose(f"broken/{damage.reason}", start, url=damage.url)
                start = stored.next_member(start + 1, grammar.begins)
    except DecodedTooOften:
        tally.lose("broken/too_often", start)


def _of_member(member: Member, grammar: Grammar, tally: Tally) -> Generator[StoredRecord, None, int]:
    """The records of one member; returns where it ends in the file. Damaged names the address of the record
    that it is in."""
    begun: list[Head] = []
    try:
        return (yield from _records(member, grammar, tally, begun))
    except Damaged as damage:
        damage.url = _url(begun[-1] if begun else grammar.head(member.kept(MAX_HEAD)), grammar)
        raise


def _url(head: Head | None, grammar: Grammar) -> str:
    return head.values.get(grammar.address, "").strip("<> ") if head else ""


def _records(
    member: Member, grammar: Grammar, tally: Tally, begun: list[Head]
) -> Generator[StoredRecord, None, int]:
    """As `_of_member`. `begun` holds the headers of the record that is read."""
    index = 0
    while True:
        begun.clear()
        _skip_newlines(member)
        member.release()
        if member.at_end():
            return member.end
        offset = member.offset + (member.position if member.plain else 0)
        here = 0 if member.plain else index
        head = _head(member, grammar)
        while head is None and _cut_head(member, grammar) and member.join(grammar.begins):
            head = _head(member, grammar)
        if head is None or head.length < 0:
            tally.lose(f"broken/{grammar.bad_head}", offset, here, _url(head, grammar))
            index += 1
            if not _seek(member, grammar):
                return member.end
            continue
        begun.append(head)
        member.position += head.size
        begin = member.position
        data = member.take(min(head.length, MAX_BLOCK))
        while len(data) < min(head.length, MAX_BLOCK) and member.join(grammar.begins):
            data += member.take(min(head.length, MAX_BLOCK) - len(data))
        end = begin + head.length
        if member.position < end:
            member.skip(end - member.position)
        while member.position < end and member.join(grammar.begins):
            member.skip(end - member.position)
        short = member.position < end
        if short or not _ends(member, data, grammar, tally) or _swallowed(data, grammar):
            member = member.back(begin - 1)
            found = _seek(member, grammar)
            tally.lose("broken/length" if found else "broken/truncated", offset, here, _url(head, grammar))
            index += 1
            if not found:
                return member.end
            continue
        yield StoredRecord(head, data, offset, here)
        index += 1


def _skip_newlines(member: Member) -> None:
    while (data := member.peek(64)) and (count := len(data) - len(data.lstrip(b"\r\n"))):
        member.position += count


def _head(member: Member, grammar: Grammar) -> Head | None:
    """The headers at `position`. More is decoded only where they are long."""
    for ask in (1 << 12, 1 << 16, MAX_HEAD):
        data = member.peek(ask)
        found = grammar.head(data)
        if found or len(data) < ask or not grammar.start.match(data) or grammar.closed.search(data):
            return found
    return None


def _cut_head(member: Member, grammar: Grammar) -> bool:
    """Whether the member ends in what may be headers."""
    data = member.peek(MAX_HEAD)
    return member.done and not grammar.closed.search(data)


def _ends(member: Member, block: bytes, grammar: Grammar, tally: Tally) -> bool:
    """Whether a block can end here: the next record or the end follows, behind line feeds or
    directly. A few bytes of its own may be left over, as the lengths of some crawlers have it. Where
    damage follows, the block must be without the beginning of another."""
    data = member.peek(1 << 10)
    rest = data.lstrip(b"\r\n")
    if not rest or grammar.start.match(rest):
        return True
    left, feed, _ = data[:MAX_OVER].partition(b"\n")
    rest = data[len(left) + 1 :].lstrip(b"\r\n")
    if feed and (not rest or grammar.start.match(rest)):
        member.position += len(left)
        tally.count("seen/short_length")
        return True
    return bool(grammar.gap.match(data)) and next(grammar.anywhere(block), None) is None


def _swallowed(data: bytes, grammar: Grammar) -> bool:
    """Whether a record lies in a block, up to the block's very end: its length runs over it."""
    for at in collections.deque(grammar.anywhere(data), _INNER):
        inner = grammar.head(data[at : at + MAX_HEAD])
        if inner and inner.length >= 0 and at + inner.size + inner.length == len(data):
            return True
    return False


def _seek(member: Member, grammar: Grammar) -> bool:
    """Go to the next line with which a record begins; False, at the end, where there is none."""
    while True:
        data = member.peek(_SEARCHED)
        start = member.position
        for at in grammar.anywhere(data):
            member.position = start + at
            head = _head(member, grammar)
            if head is not None and head.length >= 0:
                return True
        member.position = start + len(data)
        if len(data) < _SEARCHED:
            return False
        member.position -= _OVERLAP
        member.release()
