"""The sample's pages where Debian's packages cannot be had: the head of one Common Crawl file, over
https.

Belongs here: a bounded ranged request, and the pages in what came. Does not belong here: packing
and cards (sample.py).
"""

from __future__ import annotations

import gzip
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from pipelines.dumps.addresses import COMMON_CRAWL, FetchError, Reach
from pipelines.dumps.fetch import fetched, open_url, retry
from pipelines.dumps.readers import read_records
from pipelines.lake.atomic import write_whole

# the first crawl of 2023's second half: its first file is read
LISTING = f"{COMMON_CRAWL}crawl-data/CC-MAIN-2023-40/warc.paths.gz"
SLICE_BYTES = 48 << 20  # of about 1 GB; some 1,500 pages
LICENCE = "Common Crawl terms of use; pages: copyright of their publishers"


@dataclass(frozen=True)
class Slice:
    """Where the bytes came from, and the file they are in."""

    url: str
    path: Path


def fetch_slice(cache: Path, listing: str = "", limit: int = SLICE_BYTES) -> Slice:
    """The first `limit` bytes of the first file of a listing, from the cache where they are there.
    FetchError names the object."""
    listing = listing or LISTING
    with fetched(listing) as local:
        lines = gzip.decompress(local.read_bytes()).decode().split()
    if not lines:
        raise FetchError(f"{listing} lists no file")
    url = listing[: listing.index("crawl-data/")] + lines[0]
    path = cache / f"slice-{limit}-{url.rsplit('/', 1)[-1]}"
    if not path.exists():
        write_whole(path, retry(url, lambda: _head(url, limit)))
    return Slice(url, path)


def _head(url: str, limit: int) -> bytes:
    """The first bytes of an object, whether or not the server knows ranges."""
    with open_url(url, Reach.of([url]), Range=f"bytes=0-{limit - 1}") as reply:
        data: bytes = reply.read(limit)
        expected = min(limit, int(reply.headers.get("Content-Length") or limit))
    if len(data) < expected:
        raise OSError(f"{len(data)} of {expected} bytes came")
    return data


def slice_pages(path: Path) -> list[tuple[str, bytes]]:
    """(address, page as UTF-8) of the HTML pages of a slice, in its order; the record that the
    slice cuts is left out."""
    from pipelines.extraction.charset import decode

    pages = []
    for record in read_records(path, "warc", Counter()):
        if record.content_type == "text/html":
            pages.append((record.url, decode(record.body, record.charset)[0].encode("utf-8", "replace")))
    return pages
