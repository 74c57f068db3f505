"""Parts of a published dataset that are no longer what its manifest names: cut off, lost, replaced.

Belongs here: the quick look at sizes, the reading of every byte, the note that one leaves for the
next build. Does not belong here: building again (writer.py, lake.py), which datasets are looked at
(verify.py).
"""

from __future__ import annotations

import hashlib

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.lake.dataset import Dataset
from pipelines.lake.errors import LakeError
from pipelines.lake.hashing import logical_hash, with_items
from pipelines.lake.manifest import DAMAGED, HASH, MANIFEST, Part

_SHA256_DIGITS = 64  # a Parquet part has a logical hash, of 32
_CHUNK_BYTES = 1 << 20


def damaged_parts(dataset: Dataset) -> dict[str, str]:
    """What is wrong with each part that is missing, has another size, or was found damaged by
    `read_all`: one listing, no part is read."""
    sizes = dataset.lake.sizes_below(dataset.path)
    found = _noted(dataset) if f"{dataset.path}/{DAMAGED}" in sizes else {}
    for part in dataset.parts:
        size = sizes.get(dataset.file(part.path))
        if size is None:
            found[part.path] = "missing"
        elif size != part.bytes:
            found[part.path] = f"{size:,} bytes instead of {part.bytes:,}"
    return found


def _noted(dataset: Dataset) -> dict[str, str]:
    try:
        return dict(dataset.lake.read_json(f"{dataset.path}/{DAMAGED}"))
    except (LakeError, ValueError, TypeError):
        return {part.path: "may be damaged" for part in dataset.parts}  # the note itself is


def read_all(dataset: Dataset) -> dict[str, str]:
    """What is wrong with each part whose content has not the hash that the manifest names. Every
    part is read. Leaves a note, so that the next build makes the dataset anew; takes away one that
    no longer holds."""
    found = {path: wrong for path, wrong in damaged_parts(dataset).items() if wrong == "missing"}
    if dataset.manifest.recomputed_hash() != dataset.content_hash:
        found[MANIFEST] = "names other parts, schema or parameters than its content hash was taken of"
    for part in dataset.parts:
        if part.path not in found and (wrong := _wrong(dataset, part)):
            found[part.path] = wrong
    note = f"{dataset.path}/{DAMAGED}"
    if found:
        dataset.lake.write_json(note, found)
    elif dataset.lake.exists(note):
        dataset.lake.delete(note)
    return found


def _wrong(dataset: Dataset, part: Part) -> str:
    """What is wrong with one part, by all of its bytes; "" where nothing is."""
    lake, path = dataset.lake, dataset.file(part.path)
    try:
        with lake.fs.open_input_file(path) as file:
            if (size := file.size()) != part.bytes:
                return f"{size:,} bytes instead of {part.bytes:,}"
            if len(part.hash) == _SHA256_DIGITS:
                digest = hashlib.sha256()
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
                return "" if digest.hexdigest() == part.hash else "other bytes"
            read = pq.ParquetFile(file, page_checksum_verification=True)
            said = (read.metadata.metadata or {}).get(HASH, b"").decode()
            table = read.read()
    except (OSError, pa.ArrowException) as error:
        return f"not readable ({error})"
    if table.num_rows != part.rows:
        return f"{table.num_rows:,} rows instead of {part.rows:,}"
    table = with_items(table.replace_schema_metadata())
    # Types that cannot be had back from Parquet count in the hash: such a part is known by what it
    # says of itself, and the checksums of its pages.
    same_types = str(table.schema) == dataset.manifest.schema
    return "" if part.hash == (logical_hash(table) if same_types else said) else "other rows"
