"""HTTP responses as archives hold them: head and body, transfer and content encodings undone.

Belongs here: what the bytes of a stored response mean. Does not belong here: archive formats
(readers.py), charsets. Crawlers often store a body that is decoded already beside headers that say
it is not, so an encoding is undone only where the bytes show that it is there; and gzip is undone where
the bytes of a page show it and no header says it. Decoded sizes are bounded.
"""

from __future__ import annotations

import io
import re
import zlib
from dataclasses import dataclass, field

MAX_HEAD = 1 << 18  # bytes of headers
_STATUS = re.compile(rb"HTTP/\d(?:\.\d)?\s+(\d{3})")
_CHUNK = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,200})?\r?\n")
_MEDIA_TYPE = re.compile(r"([A-Za-z0-9!#$&^_.+\-]{1,60})/([A-Za-z0-9!#$&^_.+\-]{1,100})")
_UNKNOWN = ("", "unknown/unknown", "application/unknown", "application/octet-stream")
_MARKUP = re.compile(
    rb"(?:\xef\xbb\xbf)?\s{0,1000}+<"
    rb"(?:!doctype html|html|head|body|title|meta|script|style|div|table|h1|p|!--|\?xml)[\s>/]",
    re.IGNORECASE,
)
_GZIP = b"\x1f\x8b\x08"
_PAGES = ("", "text/html", "text/plain", "text/xml", "application/xhtml+xml", "application/xml")
_LISTS = ("content-encoding", "transfer-encoding")  # headers that may come several times: one list
_JOINED = (*_LISTS, "link")
_MAX_ENCODINGS = 4  # of one body; two are rare
_MAX_MEMBERS = 100  # of gzip in one body
_MAX_INTERIM = 4  # answers of status 1xx before the response
_BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_UTF16 = re.compile(rb"\xff\xfe|\xfe\xff|(?:[\t\n\r -~]\x00){2}|(?:\x00[\t\n\r -~]){2}")  # marked or not
_SNIFFED = 1445  # bytes that decide: WHATWG MIME Sniffing, 7.1
_CHARSET = re.compile(r"""charset\s*+=\s*+["']?\s*+([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE)


@dataclass(slots=True)
class Response:
    """`status` is 0 where the status line has none; header names are in lower case, the first of equal
    names counts, and those of _JOINED are joined."""

    status: int
    headers: dict[str, str]
    body: bytes
    notes: list[str] = field(default_factory=list)
    robots: list[str] = field(default_factory=list)  # every X-Robots-Tag and TDM-Reservation, lower case

    @property
    def content_type(self) -> str:
        return media_type(self.headers.get("content-type", ""), self.body)

    @property
    def charset(self) -> str:
        found = _CHARSET.search(self.headers.get("content-type", ""))
        return found[1] if found else ""


def media_type(declared: str, body: bytes = b"") -> str:
    """The first media type in a Content-Type, however it is punctuated, in lower case.

    Where there is none, or one that says nothing, the body's first bytes decide, as in browsers:
    text/html, text/plain, or application/octet-stream. "" for nothing declared and no body.
    """
    found = _MEDIA_TYPE.search(declared)
    name = f"{found[1]}/{found[2]}".lower() if found else ""
    if name not in _UNKNOWN or not body:
        return name
    head = body[:_SNIFFED]
    if _MARKUP.match(head):
        return "text/html"
    binary = _BINARY.search(head) and not _UTF16.match(head)
    return "application/octet-stream" if binary else "text/plain"


def looks_binary(body: bytes) -> bool:
    """Whether a page is no text: NUL bytes near its beginning, and neither markup nor UTF-16."""
    head = body[:_SNIFFED]
    return b"\0" in head and not _UTF16.match(head) and not _MARKUP.match(head)


def parse_response(block: bytes, limit: int) -> Response | None:
    """A stored response, its body decoded to at most `limit` bytes; None where the block is none.

    `notes` names what was not as it should be: `chunks` or `encoding` (what could be decoded
    stands), `unsaid` (gzip that no header says), `cut` (limit reached).
    """
    status = _STATUS.match(block)
    if status is None:
        return None
    head, body = _parted(block)
    for _ in range(_MAX_INTERIM):
        following = _STATUS.match(body) if status[1].startswith(b"1") else None
        if following is None:
            break
        status, (head, body) = following, _parted(body)
    headers: dict[str, str] = {}
    robots: list[str] = []
    for line in head.decode("latin-1").replace("\r", "\n").split("\n")[1:]:
        name, colon, value = line.partition(":")
        name, value = name.strip().lower(), value.strip()
        if colon:
            if name in _JOINED and name in headers:
                value = f"{headers.pop(name)},{value}"
            headers.setdefault(name, value)
        if name == "x-robots-tag":
            robots.append(value.lower())
        elif name == "tdm-reservation":
            robots.append(f"tdm-reservation={value.lower()}")
    made = Response(int(status[1]), headers, body, robots=robots)
    sent, packed = (headers.get(name, "").lower().split(",") for name in reversed(_LISTS))
    if any("chunked" in name for name in sent):
        made.body = _dechunk(made)
    for encoding in [*reversed(sent), *reversed(packed)][:_MAX_ENCODINGS]:
        made.body = _decode(made, encoding.strip(), limit)
    if (page := unpacked_page(made.body, made.headers.get("content-type", ""), limit)) is not None:
        made.body = page
        made.notes.append("unsaid")
    if len(made.body) > limit:
        made.body = made.body[:limit]
        made.notes.append("cut")
    return made


def _parted(block: bytes) -> tuple[bytes, bytes]:
    """(head, body) of a message: an empty line parts them."""
    at = block.find(b"\r\n\r\n", 0, MAX_HEAD)
    bare = block.find(b"\n\n", 0, MAX_HEAD)
    if at < 0 and bare < 0:
        return block[:MAX_HEAD], b""
    if at < 0 or 0 <= bare < at:
        return block[:bare], block[bare + 2 :]
    return block[:at], block[at + 4 :]


def unpacked_page(body: bytes, declared: str, limit: int) -> bytes | None:
    """The body without gzip, where its bytes are gzip and its type is that of a page or text; else None."""
    if not body.startswith(_GZIP) or media_type(declared) not in _PAGES:
        return None
    made = Response(0, {}, body)
    for _ in range(_MAX_ENCODINGS):
        made.body = _decode(made, "gzip", limit)
        if made.notes or not made.body.startswith(_GZIP):
            break
    return made.body


def _dechunk(made: Response) -> bytes:
    """The joined chunks; the body as it is where it does not begin with one."""
    body, at = made.body, 0
    pieces: list[bytes] = []
    while found := _CHUNK.match(body, at):
        size = int(found[1], 16)
        if not size:
            return b"".join(pieces)
        start = found.end()
        pieces.append(body[start : start + size])
        at = start + size
        while body[at : at + 1] in (b"\r", b"\n") and at < start + size + 2:
            at += 1
    made.notes.append("chunks")
    return b"".join(pieces) if pieces else body


def _decode(made: Response, encoding: str, limit: int) -> bytes:
    body = made.body
    try:
        if encoding in ("gzip", "x-gzip") and body[:2] == b"\x1f\x8b":
            return _inflate(made, zlib.MAX_WBITS | 16, limit)
        if encoding == "deflate" and body:
            return _inflate(made, zlib.MAX_WBITS if body[0] & 15 == 8 else -zlib.MAX_WBITS, limit)
        if encoding == "br":
            import brotli

            decoder = brotli.Decompressor()
            unpacked: bytes = decoder.process(body, output_buffer_limit=limit + 1)
            if not decoder.is_finished() and len(unpacked) <= limit:
                made.notes.append("encoding")
            return unpacked
        if encoding == "zstd" and body[:4] == b"\x28\xb5\x2f\xfd":
            import zstandard

            data: bytes = (
                zstandard.ZstdDecompressor(max_window_size=1 << 23)
                .stream_reader(io.BytesIO(body), read_across_frames=True)
                .read(limit + 1)
            )
            return data
    except (
        Exception
    ) as error:  # decoders raise classes of their own; a body that does not decode stays as it is
        if isinstance(error, MemoryError):
            raise
        if encoding != "br" or body.lstrip()[:1] != b"<":
            made.notes.append("encoding")
    return body


def _inflate(made: Response, wbits: int, limit: int) -> bytes:
    """What a stream gives before it is damaged or cut; all members of gzip."""
    inflater = zlib.decompressobj(wbits)
    out = bytearray()
    try:
        at, members = 0, 1
        while at < len(made.body) and len(out) <= limit and not inflater.eof:
            data = made.body[at : at + (1 << 16)]
            out += inflater.decompress(data, limit + 1 - len(out))
            at += len(data) - len(inflater.unconsumed_tail) - len(inflater.unused_data)
            if inflater.eof and made.body.startswith(_GZIP, at) and members < _MAX_MEMBERS:
                inflater, members = zlib.decompressobj(wbits), members + 1
    except zlib.error:
        if not out:
            raise
        made.notes.append("encoding")
        return bytes(out)
    if not inflater.eof and len(out) <= limit:
        made.notes.append("encoding")
    return bytes(out)
