"""Schemas of the row-aligned tables and document ids.

Belongs here: what the columns are called and mean. Does not belong here: how they are computed.
Part i of every table of one dump has the rows of part i of `documents`, in the same order.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

ID = pa.binary(16)

DOCUMENTS = pa.schema(
    [
        ("doc_id", ID),  # document_id(dump, file, offset)
        ("url", pa.string()),
        ("host", pa.string()),
        ("group", pa.string()),  # host for pages; repository, article or thread elsewhere
        ("date", pa.string()),  # ISO 8601, "" where unknown
        ("file", pa.string()),  # name of the input file, as in raw_dump
        ("offset", pa.int64()),  # byte offset of the record in the (compressed) file, or line number
        ("charset", pa.string()),
        ("title", pa.string()),
        ("language_hint", pa.string()),
        (
            "category",
            pa.string(),
        ),  # Table 1: webpages, books, academic, encyclopedia, social, code, miscellany, parallel; or stem
        ("side", pa.string()),  # train or validation
        ("text", pa.string()),  # extracted, before edits
    ]
)

SPAN = pa.struct(
    [("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())]
)  # UTF-8 byte offsets into text
EDITS = pa.schema([("doc_id", ID), ("spans", pa.list_(SPAN))])  # sorted, not overlapping

DECISIONS = pa.schema(
    [
        ("doc_id", ID),
        ("keep", pa.bool_()),
        ("reasons", pa.list_(pa.string())),  # every failing reason, group/name
        ("language", pa.string()),  # en, zh, or another code
        ("category", pa.string()),
        ("corpus", pa.string()),  # main or stem
        ("quality", pa.string()),  # head, middle, tail, or "" where not scored
        ("num_chars", pa.int32()),  # of the rendered text
    ]
)

CORPUS = pa.schema(
    [
        ("doc_id", ID),
        ("url", pa.string()),
        ("dump", pa.string()),
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("group", pa.string()),
        ("date", pa.string()),
        ("language", pa.string()),
        ("category", pa.string()),
        ("text", pa.string()),  # rendered, release cuts applied
    ]
)


def document_id(dump: str, file: str, offset: int) -> bytes:
    """128 bits that name a record of a dump, whatever part or order it is read in."""
    h = hashlib.blake2b(digest_size=16)
    for part in (dump.encode(), file.encode(), offset.to_bytes(8, "little", signed=True)):
        h.update(len(part).to_bytes(4, "little") + part)
    return h.digest()


def address(url: str) -> str:
    """A URL without what does not tell pages apart: scheme, www., fragment, slash at the end;
    lower-case host."""
    bare = url.strip().split("#", 1)[0].split("://", 1)[-1]
    host, slash, rest = bare.partition("/")
    return (host.lower().removeprefix("www.") + slash + rest).rstrip("/")
