"""Members of a stored file: gzip members, zstd and lz4 frames, or the bytes as they are.

Belongs here: decoding one member after the other, where each begins and ends in the file, damage,
how much may be read again. Does not belong here: what the decoded bytes mean (archives.py,
json_lines.py).
"""

from __future__ import annotations

import io
import re
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

MARKS = {"gzip": b"\x1f\x8b\x08", "zstd": b"\x28\xb5\x2f\xfd", "lz4": b"\x04\x22\x4d\x18"}
"""First bytes of a member."""
SKIPPED = re.compile(rb"[\x50-\x5f]\x2a\x4d\x18")  # skippable frames of zstd and lz4
DICTIONARY = b"\x5d\x2a\x4d\x18"  # the skippable frame that holds a dictionary (IIPC, warc-zstd 1.0)
MAX_DICTIONARY = 16 << 20  # bytes of a dictionary, decoded
MAX_WINDOW = 1 << 27  # bytes that a zstd frame may look back: what `zstd --long` asks for
MAX_REREAD = 64 << 20  # bytes beyond REREAD files' lengths that are decoded again behind broken places
REREAD = 16
WINDOW = 1 << 20  # bytes of the file that are kept
MAX_GIVEN = 1 << 20  # bytes that gzip and lz4 give at once
STEPS = {"gzip": 1 << 14, "zstd": 1 << 10, "lz4": 1 << 14, "plain": 1 << 16}
"""Stored bytes that are decoded at once. Four bytes of zstd can stand for 128 KiB, and its decoder
has no bound on what it gives."""

HEADS = {"gzip": 1 << 17, "zstd": 1 << 18, "lz4": 1 << 23}
"""Stored bytes behind which a member must have given something: the largest block, and what goes
before it."""


class Damaged(Exception):
    """Bytes that do not decode. `reason` is a short, stable name: truncated, compression. `url`: of the
    record that they are in, where its headers could be read."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.url = ""


class DecodedTooOften(Exception):
    """So much of a file was decoded again behind broken places that reading it ends."""


def kind_of(head: bytes) -> str:
    """gzip, zstd, lz4 or plain: told by the first bytes, not by a name."""
    for kind, mark in MARKS.items():
        if head.startswith(mark):
            return kind
    return "zstd" if SKIPPED.match(head) else "plain"


class _Decoder(Protocol):
    """Decodes one member. `pending`: there is more to give without new bytes; `ended`: the member is
    whole; `unused`: bytes that it was given and that lie behind its end."""

    def feed(self, data: bytes) -> bytes: ...
    @property
    def pending(self) -> bool: ...
    @property
    def ended(self) -> bool: ...
    @property
    def unused(self) -> int: ...


class _Gzip:
    def __init__(self, _: Any) -> None:
        self._zlib = zlib.decompressobj(zlib.MAX_WBITS | 16)

    def feed(self, data: bytes) -> bytes:
        return self._zlib.decompress(self._zlib.unconsumed_tail + data, MAX_GIVEN)

    @property
    def pending(self) -> bool:
        return bool(self._zlib.unconsumed_tail)

    @property
    def ended(self) -> bool:
        return self._zlib.eof

    @property
    def unused(self) -> int:
        return len(self._zlib.unused_data)


class _Lz4:
    def __init__(self, _: Any) -> None:
        import lz4.frame

        self._lz4 = lz4.frame.LZ4FrameDecompressor()

    def feed(self, data: bytes) -> bytes:
        return bytes(self._lz4.decompress(data, max_length=MAX_GIVEN))

    @property
    def pending(self) -> bool:
        return not self._lz4.needs_input and not self._lz4.eof

    @property
    def ended(self) -> bool:
        return bool(self._lz4.eof)

    @property
    def unused(self) -> int:
        return len(self._lz4.unused_data or b"")


class _Zstd:
    pending = False

    def __init__(self, dictionary: Any) -> None:
        import zstandard

        settings = {"dict_data": dictionary, "max_window_size": MAX_WINDOW}
        self._zstd = zstandard.ZstdDecompressor(**settings).decompressobj()

    def feed(self, data: bytes) -> bytes:
        return bytes(self._zstd.decompress(data))

    @property
    def ended(self) -> bool:
        return bool(self._zstd.eof)

    @property
    def unused(self) -> int:
        return len(self._zstd.unused_data)


_DECODERS: dict[str, Callable[[Any], _Decoder]] = {"gzip": _Gzip, "zstd": _Zstd, "lz4": _Lz4}


class Stored:
    """The bytes of a file as stored, by position. `spent` counts those that decoders were given."""

    def __init__(self, path: Path) -> None:
        self._file: Any = open(path, "rb")
        self.size = path.stat().st_size
        self.spent = 0
        self._at, self._window = 0, b""
        self.kind = kind_of(self.read(0, 4))
        self.dictionary = self._read_dictionary() if self.read(0, 4) == DICTIONARY else None

    def __enter__(self) -> Stored:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read(self, offset: int, count: int) -> bytes:
        """Up to `count` bytes from `offset`."""
        if offset < self._at or offset + count > self._at + len(self._window):
            self._file.seek(offset)
            self._at, self._window = offset, self._file.read(max(count, STEPS["plain"]))
        start = offset - self._at
        return self._window[start : start + count]

    def spend(self, count: int) -> None:
        """Count bytes that a decoder was given. DecodedTooOften beyond the file's bound."""
        self.spent += count
        if self.spent > MAX_REREAD + REREAD * self.size:
            raise DecodedTooOften

    def _read_dictionary(self) -> Any:
        import zstandard

        data = self.read(8, min(int.from_bytes(self.read(4, 4), "little"), MAX_DICTIONARY))
        try:
            if data.startswith(MARKS["zstd"]):
                data = zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data)).read(MAX_DICTIONARY)
            dictionary = zstandard.ZstdCompressionDict(data)
            zstandard.ZstdDecompressor(dict_data=dictionary).decompressobj()  # it is read at its first use
            return dictionary
        except zstandard.ZstdError:
            return None  # the frames that need it are counted, one by one

    def skipped(self, offset: int) -> tuple[int, bool]:
        """Where skippable frames and padding at `offset` end, and whether that is a hole: padding with
        more behind it. `offset` itself where there are none."""
        start, padded = offset, False
        while start < self.size and self.kind != "plain":
            head = self.read(start, 8)
            if SKIPPED.match(head) and len(head) == 8:
                start = min(start + 8 + int.from_bytes(head[4:], "little"), self.size)
                continue
            data = self.read(start, STEPS["plain"])
            count = len(data) - len(data.lstrip(b"\0\r\n"))
            if not count:
                break
            start, padded = start + count, padded or b"\0" in data[:count]
        return start, padded and start < self.size

    def is_member(self, offset: int) -> bool:
        """Whether a member of the file's kind can begin here."""
        return self.kind == "plain" or self.read(offset, 4).startswith(MARKS[self.kind])

    def next_member(self, start: int, begins: Callable[[bytes], bool], until: int | None = None) -> int:
        """Offset of the next member at or after `start` whose decoded head `begins` takes for a
        beginning; the file's size where there is none, or none before `until`."""
        mark, ask = MARKS[self.kind], 1 << 12  # the next one is near where many places are broken
        while start < (self.size if until is None else until):
            data = self.read(start, ask)
            found = data.find(mark)
            while found >= 0:
                if begins(self.head(start + found)):
                    return start + found
                found = data.find(mark, found + 1)
            if start + len(data) >= self.size:
                break
            start += len(data) - len(mark) + 1
            ask = min(4 * ask, WINDOW)
        return self.size

    def head(self, offset: int, count: int = 512) -> bytes:
        """The first decoded bytes of what may be a member, at most `count`; empty where it is none.

        Blocks of zstd and lz4 decode only once they are whole, so up to HEADS bytes are read.
        """
        data = self._near(offset, 1 << 10)
        if self.kind == "gzip" and (len(data) < 4 or data[3] > 0x1F):  # flags that no member has
            return b""
        out, step, fed = b"", STEPS[self.kind], 0
        decoder = _DECODERS[self.kind](self.dictionary)
        while data and fed < HEADS[self.kind] and len(out) < count and not decoder.ended:
            try:
                out += decoder.feed(data)
            except Exception:  # decoders raise classes of their own
                return out[:count]
            fed += len(data)
            data = b"" if len(out) >= count else self._near(offset + fed, step)
            self.spend(len(data))
        return out[:count]

    def _near(self, offset: int, count: int) -> bytes:
        """`read` that leaves the window where a search stands, if it can."""
        start = offset - self._at
        held = self._window[start : start + count] if start >= 0 else b""
        return held if len(held) == count else self.read(offset, count)


class Member:
    """The decoded bytes of one member, from `offset` of the file on; of a plain file, all that follows.

    `position` counts decoded bytes; those from the last `release` on are kept. Every method that
    decodes raises Damaged where the bytes do not decode or the file ends inside the member.
    """

    def __init__(self, stored: Stored, offset: int) -> None:
        self.stored, self.offset = stored, offset
        self.end = offset  # of the stored bytes that were decoded
        self.done = False
        self.position = 0
        self._buffer = bytearray()
        self._first = 0  # position of the buffer's first byte
        self._decoder = None if self.plain else _DECODERS[stored.kind](stored.dictionary)
        self._joined = 0  # further members that belong to this one

    @property
    def plain(self) -> bool:
        return self.stored.kind == "plain"

    def more(self) -> bytes:
        """The next decoded bytes; none at the end, and sometimes before it. Nothing is kept of them."""
        if self.done:
            return b""
        decoder = self._decoder
        data = b""
        if decoder is None or not decoder.pending:
            data = self.stored.read(self.end, STEPS[self.stored.kind])
            self.end += len(data)
        if decoder is None:
            self.done = not data
            return data
        if not data and not decoder.pending:
            raise Damaged("truncated")
        self.stored.spend(len(data))
        try:
            given = decoder.feed(data)
        except MemoryError:
            raise
        except Exception:  # decoders raise classes of their own
            raise Damaged("compression") from None
        if decoder.ended:
            self.done = True
            self.end -= decoder.unused
            self.stored.spent -= decoder.unused
        return given

    def join(self, begins: Callable[[bytes], bool]) -> bool:
        """Go on with the next member as part of this one, where it does not itself `begin` something;
        False where it does, or there is none."""
        head = b"" if self.plain or not self.done else self.stored.head(self.end)
        if not head or not self.stored.is_member(self.end) or begins(head):
            return False
        self._decoder = _DECODERS[self.stored.kind](self.stored.dictionary)
        self.done = False
        self._joined += 1
        return True

    def available(self, count: int) -> int:
        """How many bytes there are from `position` on, up to `count`."""
        while len(self._buffer) < self.position - self._first + count and not self.done:
            self._buffer += self.more()
        return max(0, min(count, len(self._buffer) - (self.position - self._first)))

    def peek(self, count: int) -> bytes:
        """The next bytes, at most `count`."""
        start = self.position - self._first
        count = self.available(count)
        with memoryview(self._buffer) as view:
            return bytes(view[start : start + count])

    def kept(self, count: int) -> bytes:
        """The next bytes as far as they are decoded already, at most `count`. Raises nothing."""
        start = self.position - self._first
        return bytes(self._buffer[start : start + count])

    def take(self, count: int) -> bytes:
        """The next bytes, at most `count`; `position` goes behind them."""
        data = self.peek(count)
        self.position += len(data)
        return data

    def skip(self, count: int) -> None:
        """Go on by `count` bytes or to the end; what lies before is no longer kept."""
        if self.plain:
            self._go(min(self.position + count, self.stored.size - self.offset))
            return
        while count > 0:
            step = self.available(min(count, WINDOW))
            if not step:
                return
            self.position += step
            count -= step
            self.release()

    def release(self) -> None:
        """Keep nothing before `position`."""
        del self._buffer[: self.position - self._first]
        self._first = self.position

    def _go(self, position: int) -> None:
        """To another place of a plain file."""
        self._buffer.clear()
        self.position = self._first = position
        self.end, self.done = self.offset + position, False

    def back(self, position: int) -> Member:
        """The member at an earlier position: itself where the bytes are kept, else decoded anew."""
        if position >= self._first:
            self.position = position
            return self
        if self.plain:
            self.stored.spend(self.position - position)
            self._go(position)
            return self
        again = Member(self.stored, self.offset)
        again.skip(position)
        while again.position < position and again._joined < self._joined and again.join(lambda head: False):
            again.skip(position - again.position)
        return again

    def at_end(self) -> bool:
        """Whether nothing follows. True only once the member has decoded whole, check sums included."""
        return not self.available(1)


def decoded(stored: Stored, lose: Callable[[str, int], None]) -> Iterator[bytes]:
    """The decoded bytes of all members as one stream; empty where a damaged place was left out, which
    `lose(reason, offset)` is told of."""
    start = 0
    try:
        while start < stored.size:
            begin, hole = stored.skipped(start)
            if hole:
                lose("broken/gap", start)
            if (start := begin) == stored.size:
                return
            try:
                if not stored.is_member(start):
                    raise Damaged("gap")
                member = Member(stored, start)
                while not member.done:
                    if data := member.more():
                        yield data
                start = member.end
            except Damaged as damage:
                lose(f"broken/{damage.reason}", start)
                yield b""
                start = stored.next_member(start + 1, bool)
    except DecodedTooOften:
        lose("broken/too_often", start)
