"""Schemas of the row-aligned tables and document ids.

Belongs here: what the columns are called and mean. Does not belong here: how they are computed.
Part i of every table of one dump has the rows of part i of `documents`, in the same order.
"""

from __future__ import annotations

import hashlib

import pyarrow as pa

from pipelines.tables.columns import Column, described

ID = pa.binary(16)

# of every document; which of the two counts where one is asked for: tables/dates.py
DATES: list[Column] = [
    (
        "published",
        pa.string(),
        "ISO 8601, as precise as it is known: when the document says that it was published, else created or"
        " changed, or the row's date; null where unknown",
    ),
    (
        "crawled",
        pa.string(),
        "ISO 8601: when the record was fetched (WARC-Date, the header of ARC), else the date of the dump's"
        " card; null where unknown",
    ),
]

DOCUMENTS = described(
    "documents",
    [
        ("doc_id", ID, "document_id(dump, file, offset, index)"),
        ("url", pa.string(), "address as recorded"),
        ("host", pa.string(), "host of the URL"),
        (
            "group",
            pa.string(),
            "what is never split: host for pages; repository, article or thread elsewhere",
        ),
        *DATES,
        ("file", pa.string(), "name of the input file, as in raw_dump"),
        (
            "offset",
            pa.int64(),
            "byte of the file, as stored, where the record or its compressed member begins, or number of"
            " its line or row",
        ),
        ("charset", pa.string(), "encoding that the bytes were decoded with"),
        ("title", pa.string(), "title of the page or the row"),
        (
            "language_hint",
            pa.string(),
            "language that the page or the row claims; empty where it claims none",
        ),
        (
            "alternates",
            pa.string(),
            "addresses of the page in English, Chinese and x-default that it names by hreflang, TAG ADDRESS a"
            " line; empty where it names none",
        ),
        ("category", pa.string(), "row of the paper's Table 1 (webpages, books, ...), or stem"),
        ("side", pa.string(), "train or validation"),
        ("text", pa.string(), "main text as light Markdown, before edits"),
    ],
)

# start and end are UTF-8 byte offsets into the text
SPAN = pa.struct([("start", pa.int32()), ("end", pa.int32()), ("kind", pa.string())])
EDITS = described(
    "edits",
    [
        ("doc_id", ID, "as in documents"),
        ("spans", pa.list_(SPAN), "bytes of the text to mask or remove, and why; sorted, not overlapping"),
    ],
)

DECISIONS = described(
    "decisions",
    [
        ("doc_id", ID, "as in documents"),
        ("keep", pa.bool_(), "whether the document passes the policy"),
        ("reasons", pa.list_(pa.string()), "every failing reason, group/name"),
        ("language", pa.string(), "en, zh, or another code"),
        ("category", pa.string(), "as in documents"),
        ("corpus", pa.string(), "main or stem"),
        ("quality", pa.string(), "head, middle or tail by perplexity; empty where not scored"),
        ("num_chars", pa.int32(), "characters of the rendered text"),
    ],
)

_CORPUS: list[Column] = [
    ("doc_id", ID, "as in documents"),
    ("url", pa.string(), "address as recorded"),
    ("dump", pa.string(), "the dump that the document comes from"),
    ("file", pa.string(), "input file of the dump"),
    ("offset", pa.int64(), "byte offset of the record in that file, or line number"),
    ("group", pa.string(), "as in documents"),
    *DATES,
    ("language", pa.string(), "en, zh, or another code"),
    ("category", pa.string(), "as in documents"),
    ("text", pa.string(), "rendered text with the release's cuts applied"),
]
CORPUS = described("skypile_main", _CORPUS)
described("skypile_stem", _CORPUS)
VALIDATION = described(
    "validation_sets",
    [*_CORPUS, ("domain", pa.string(), "web-en, web-zh, the category, stem, or as the card says")],
)


def document_id(dump: str, file: str, offset: int, index: int = 0) -> bytes:
    """128 bits that name a record of a dump, whatever part or order it is read in. `index` is that of
    the record in its compressed member, where a member holds several."""
    h = hashlib.blake2b(digest_size=16)
    parts = [dump.encode(), file.encode(), offset.to_bytes(8, "little", signed=True)]
    for part in (*parts, index.to_bytes(8, "little")) if index else parts:
        h.update(len(part).to_bytes(4, "little") + part)
    return h.digest()
