"""The table `raw_dump`: the files that a dump's card names.

Belongs here: the card's sample, the stage, a file of the table as it was listed. Does not belong here:
globs and listings (listing.py), asking a server for an object (fetch.py), what is inside a file
(readers.py).
"""

from __future__ import annotations

import contextlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.cards.dump import DumpCard
from pipelines.cards.urls import without_secrets
from pipelines.dumps.addresses import FetchError, Reach
from pipelines.dumps.fetch import Listed, fetched, file_name, sha256
from pipelines.dumps.listing import MAX_FILES, files_of, is_folder
from pipelines.lake import digest
from pipelines.tables.columns import described
from pipelines.tables.stage import Building, Stage

VERSION = 1
RAW = described(
    "raw_dump",
    [
        ("file", pa.string(), "name of the file, unique in the dump"),
        (
            "uri",
            pa.string(),
            "where it is read from, without user names and signatures: those stay in the card",
        ),
        ("bytes", pa.int64(), "size as stored"),
        ("etag_or_sha256", pa.string(), "what tells its content: ETag of the object, or hash of the file"),
    ],
)


def _kept(card: DumpCard, name: str) -> bool:
    """Whether a file is in the card's sample: a larger sample is a superset of a smaller one."""
    return int(digest("sample", name)[:13], 16) < card.sample * 16**13


def list_files(card: DumpCard, base: Path, hashed: bool = True) -> Iterator[tuple[str, str, Listed]]:
    """(name, address, what is known) of the files that the card names, each once. Raises FetchError
    where one of its addresses names nothing, or leads where the card does not allow.

    `base` is the folder that relative paths start from (the lake's own folder). Local files are read
    for their hash, unless it is not asked for.
    """
    reach = Reach.of(card.uris, card.hosts)
    seen: set[str] = set()
    for uri in card.uris:
        named: list[str] = []

        def keep(address: str, named: list[str] = named) -> bool:
            named.append(address)
            return address not in seen and _kept(card, file_name(address))

        for address, known in files_of(uri, base, reach, keep):
            seen.add(address)
            listed = known or Listed(os.path.getsize(address), sha256(address) if hashed else "")
            yield file_name(address), address, listed
            if len(seen) > MAX_FILES:
                raise FetchError(f"dump {card.name} has more than {MAX_FILES:,} files: name fewer in a card")
        if not named:
            advice = f"write {uri}/ for the files of that folder" if is_folder(uri, base) else "mend `uris`"
            raise FetchError(
                f"dump {card.name}: {without_secrets(uri)} names no file; {advice} in the dump's card"
            )


@contextlib.contextmanager
def fetched_file(card: DumpCard, file: Mapping[str, Any], base: Path) -> Iterator[Path]:
    """A local path of a file of the table for as long as the block runs. FetchError where it is not
    what was listed."""
    listed = Listed(file["bytes"], file["etag_or_sha256"])
    with fetched(file["uri"], base, Reach.of(card.uris, card.hosts), listed) as path:
        yield path


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
    for file, address, listed in list_files(card, base):
        rows[_relative(without_secrets(address), base)] = (file, listed)
    if not rows:
        raise FetchError(
            f"dump {card.name}: the sample of {card.sample} holds no file; raise `sample` in the card"
        )
    doubled = {n for n, count in Counter(file for file, _ in rows.values()).items() if count > 1}
    records: list[dict[str, Any]] = [
        {
            "file": address if file in doubled else file,
            "uri": address,
            "bytes": listed.bytes,
            "etag_or_sha256": listed.tag,
        }
        for address, (file, listed) in sorted(rows.items())
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
