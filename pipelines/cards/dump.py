"""Dump cards: what came from outside, described once.

Belongs here: the fields of a dump and their checks. Does not belong here: reading or fetching
(dumps/).
"""

from __future__ import annotations

import re
from typing import Any, Literal

from pydantic import Field, ValidationInfo, field_validator

from pipelines.cards.base import Card, CardName
from pipelines.cards.dates import CardDate
from pipelines.cards.urls import UrlRule
from pipelines.kernels.charset_decoders import canonical

_OF_URL = ("host", "host/1", "host/2", "url")
CATEGORIES = (
    "webpages",
    "books",
    "academic",
    "encyclopedia",
    "social",
    "code",
    "miscellany",
    "parallel",
    "stem",
)


class RowFields(Card):
    """Where a row of a JSONL or Parquet file holds what: the name of a field, or a path such as
    `meta.url`. Only what is named is read."""

    text: str = "text"
    """The document's text, a string."""
    url: str = "url"
    """Its address."""
    date: str = "date"
    """When it was published: ISO 8601, 8 or 14 digits, or a time of Parquet."""
    crawled: str = ""
    """When it was fetched, in the same forms."""
    title: str = "title"
    """Its title."""
    language: str = "language"
    """The language that it claims."""
    id: str = ""
    """What a row without an address is called by, as `skypile why` asks for it."""


class DumpCard(Card):
    """One dump: a crawl snapshot, a folder of JSONL files, an encyclopedia."""

    named_by_file = True
    written_by = "skypile card dump"
    name: CardName
    """The dump's partition key, and the card's file name."""
    kind: Literal["warc", "wet", "jsonl", "parquet"]
    """Format of the files; `warc` reads ARC too."""
    uris: tuple[str, ...] = Field(min_length=1)
    """Files: paths, `s3://`, `https://`; globs over them (`*` within a level, `**` over levels, `/` at the
    end for all files of a folder); or listings of such lines (`*.paths.gz`)."""
    hosts: tuple[str, ...] = ()
    """Where listings and redirects may lead besides the hosts of `uris`: host names, `host:port`, or
    `s3://bucket`. Credentials go to the host or bucket of `uris` alone."""
    fields: RowFields = RowFields()
    """Of JSONL and Parquet rows: which field is what."""
    charset: str = ""
    """Encoding of JSONL lines, of WET text and of text that Parquet holds as bytes, by a label of the WHATWG
    standard (`gb18030`, `big5`, `shift_jis`). By default UTF-8, and UTF-16 or UTF-32 where the file begins
    so. Pages of WARC say theirs."""
    sample: float = Field(default=1.0, gt=0.0, le=1.0)
    """Share of the files that is read, by the hash of a file's name: a larger share keeps what a
    smaller one has made."""
    allow: tuple[str, ...] = ()
    """Rules over addresses; where any is given, only pages that one covers are read. `example.org`: a
    host and its subdomains; `*.example.org`: the subdomains alone; `example.org/private/`: the addresses of
    that host whose path begins so. Scheme, `www.`, case and punycode make no difference."""
    block: tuple[str, ...] = ()
    """Rules over addresses, as in `allow`; pages that one covers are not read. Wins over `allow`."""
    obey_opt_outs: tuple[Literal["noindex", "noai", "tdm"], ...] = ()
    """Signals of robots and text mining reservation that leave a page out; all are counted."""
    category: str = "webpages"
    """Row of the paper's Table 1: webpages, books, academic, encyclopedia, social, code, miscellany,
    parallel; or stem."""
    domain: str = ""
    """Validation domain of its documents, `law` for a miscellany of statutes, say. By default their
    category, and for webpages and miscellany the web of their language; STEM text is always in stem."""
    licence: str = ""
    """Shown in data cards."""
    date: CardDate = ""
    """ISO 8601; when documents were fetched of which the record does not say it."""
    group: str = "host"
    """What is never split between training and validation: `host`; `host/1` or `host/2` for the host
    with that many first directories of the path; `url`; or a field of a JSONL or Parquet row."""
    held_out: bool = False
    """The dump is for evaluation alone: every document is on the validation side."""
    reference: bool = False
    """Classifiers and perplexity models learn from it as good text."""
    validation_share: float = Field(default=0.02, ge=0.0, le=0.5)
    """Share of the groups that goes to the validation side, by the hash of the group."""
    min_groups: int = Field(default=50, ge=0)
    """A dump of fewer groups is split by URL, with a warning: a share of .02 would hold out less than
    one group (ours). 0 never splits by URL."""

    @field_validator("allow", "block")
    @classmethod
    def _can_match(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for rule in value:
            UrlRule.parse(rule)
        return value

    @field_validator("fields")
    @classmethod
    def _fields_of_rows(cls, value: RowFields, info: ValidationInfo) -> RowFields:
        if value != RowFields() and (kind := info.data.get("kind")) in ("warc", "wet"):
            raise ValueError(f"{kind} records have no fields: leave `fields` out, or set another `kind`")
        return value

    @field_validator("charset")
    @classmethod
    def _known_charset(cls, value: str, info: ValidationInfo) -> str:
        if value and not canonical(value):
            raise ValueError(f"{value!r} is no charset: use a label such as gb18030, big5 or windows-1252")
        if value and info.data.get("kind") == "warc":
            raise ValueError("pages of WARC say their charset themselves: leave `charset` out")
        return value

    @field_validator("category")
    @classmethod
    def _known_category(cls, value: str) -> str:
        if value not in CATEGORIES:
            raise ValueError(f"use one of {', '.join(CATEGORIES)}")
        return value

    @field_validator("domain")
    @classmethod
    def _plain_domain(cls, value: str) -> str:
        if value and not re.fullmatch(r"[a-z][a-z0-9-]{0,39}", value):
            raise ValueError(f"{value!r}: use up to 40 of a-z, 0-9 and -, a letter first")
        return value

    @field_validator("group")
    @classmethod
    def _known_group(cls, value: str, info: ValidationInfo) -> str:
        if value in _OF_URL:
            return value
        if not value or value.partition("/")[0] == "host":
            raise ValueError(f"{value!r} is no group: use {', '.join(_OF_URL)} or a field of a row")
        if (kind := info.data.get("kind")) in ("warc", "wet"):
            raise ValueError(f"{kind} records have no field {value!r}: use {', '.join(_OF_URL)}")
        return value

    def parameters(self) -> dict[str, Any]:
        """The values as plain JSON; `charset` where it is set, so that tables of other dumps keep their
        names."""
        return {key: value for key, value in super().parameters().items() if key != "charset" or value}
