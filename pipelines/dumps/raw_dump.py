"""The table `raw_dump`: the files that a dump's card names.

Belongs here: globs, listings (`*.paths.gz`), the card's sample, the stage. Does not belong here:
asking a server for an object (fetch.py), what is inside a file (readers.py).
"""

from __future__ import annotations

import glob
import gzip
import hashlib
import os
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.dumps.fetch import FetchError, absolute, fetched, https_object, s3_objects
from pipelines.lake import digest
from pipelines.tables.columns import described
from pipelines.tables.stage import Building, Stage

VERSION = 1
RAW = described(
    "raw_dump",
    [
        ("file", pa.string(), "name of the file, unique in the dump"),
        ("uri", pa.string(), "where it is read from"),
        ("bytes", pa.int64(), "size as stored"),
        ("etag_or_sha256", pa.string(), "what tells its content: ETag of the object, or hash of the file"),
    ],
)
# where the lines of a *.paths.gz of Common Crawl are relative to
COMMON_CRAWL = "https://data.commoncrawl.org/"


def _sha256(path: str | Path) -> str:
    h = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def _kept(card: DumpCard, name: str) -> bool:
    """Whether a file is in the card's sample: a larger sample is a superset of a smaller one."""
    return int(digest("sample", name)[:13], 16) < card.sample * 16**13


def list_files(card: DumpCard, uri: str, base: Path) -> list[tuple[str, str, int, str]]:
    """(file, uri, bytes, etag or sha256) of what one entry of `uris` names. Raises FetchError where
    it names nothing.

    `base` is the folder that relative paths start from (the lake's own folder).
    """
    if uri.endswith(("paths.gz", ".paths")):
        with fetched(str(absolute(uri, base))) as local:
            data = local.read_bytes()
        lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode().split()
        root = uri[: uri.index("crawl-data/")] if "crawl-data/" in uri else COMMON_CRAWL
        names = [line if "://" in line else root + line for line in lines]
        return [
            row
            for name in names
            if _kept(card, name.rsplit("/", 1)[-1])
            for row in list_files(card, name, base)
        ]
    if uri.startswith("s3://"):
        found = s3_objects(uri)
    elif uri.startswith(("https://", "http://")):
        found = [https_object(uri)]
    else:
        paths = sorted(glob.glob(str(absolute(uri, base)), recursive=True))
        files = [p for p in paths if os.path.isfile(p)]
        found = [(p, os.path.getsize(p), "") for p in files if _kept(card, os.path.basename(p))]
        if files and not found:
            return []
        found = [(p, size, _sha256(p)) for p, size, _ in found]
    if not found:
        raise FetchError(f"dump {card.name}: {uri} names no file; mend `uris` in the dump's card")
    return [
        (u.rsplit("/", 1)[-1], u, size, tag) for u, size, tag in found if _kept(card, u.rsplit("/", 1)[-1])
    ]


def _relative(uri: str, base: Path) -> str:
    """The address as published: relative to the lake where the file lies in it, so that a lake can
    be moved."""
    if "://" in uri:
        return uri
    path, root = os.path.abspath(uri), os.path.abspath(base)
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else path


def raw_dump_stage(card: DumpCard, base: Path) -> Stage:
    """The list of the dump's files (schema RAW). They are listed now: the list is the stage's input.

    `base` is the lake's own folder, where relative paths start. Stats: files, bytes. Raises FetchError
    where the card names no file.
    """
    rows = {}
    for uri in card.uris:
        for file, address, size, tag in list_files(card, uri, base):
            rows[_relative(address, base)] = (file, size, tag)
    if not rows:
        raise FetchError(
            f"dump {card.name}: the sample of {card.sample} holds no file; raise `sample` in the card"
        )
    names = [file for file, _, _ in rows.values()]
    doubled = {n for n in names if names.count(n) > 1} if len(names) != len(set(names)) else set()
    records: list[dict[str, Any]] = [
        {
            "file": address if file in doubled else file,
            "uri": address,
            "bytes": size,
            "etag_or_sha256": tag,
        }
        for address, (file, size, tag) in sorted(rows.items())
    ]

    def compute(building: Building) -> None:
        stats = {"files": len(records), "bytes": sum(r["bytes"] for r in records)}
        building.writer.write_table("part-00000.parquet", pa.Table.from_pylist(records, RAW), stats)

    listing = digest(*(f"{r['file']}\0{r['uri']}\0{r['bytes']}\0{r['etag_or_sha256']}" for r in records))
    return Stage(
        "raw_dump",
        VERSION,
        compute,
        partition=card.name,
        parameters={"sample": card.sample},
        inputs={"files": listing},
    )
