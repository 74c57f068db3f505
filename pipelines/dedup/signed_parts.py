"""The parts of a release as deduplication reads them: who is admitted, contents, band keys, members
of components.

Belongs here: reading the row-aligned tables of a part, and nodes, the numbers of documents within
one release. Does not belong here: what is done with them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.release import ReleaseCard
from pipelines.dedup import bands
from pipelines.dedup.election import canonical_keys
from pipelines.dedup.pairs import id_lanes
from pipelines.dedup.shingles import shingle_sets
from pipelines.dedup.signatures import minhash_matrix
from pipelines.dedup.signatures import schema as signature_schema
from pipelines.edits.render import rendered_texts
from pipelines.lake import LakeError
from pipelines.lake.hashing import logical_hash
from pipelines.tables.alignment import check_aligned, read_aligned
from pipelines.tables.card_exclusions import excluded_by_card
from pipelines.tables.dates import DATE_COLUMNS, known_dates
from pipelines.tables.inputs import DumpTables, ReleaseTables
from pipelines.tables.schemas import ID

Array = np.ndarray[Any, Any]
ROW_BITS = 32  # a node is the part's index << 32 | row: whoever holds a node knows which part to read
ROW_MASK = (1 << ROW_BITS) - 1
MEMBERS = pa.schema(
    [
        ("root", pa.int64()),
        ("order", pa.binary()),  # canonical_keys
        ("node", pa.int64()),
        ("doc_id", ID),
        ("content", ID),  # content hash, apart for parallel text
        ("keys", pa.binary()),  # band keys, uint64
        ("size", pa.int32()),  # distinct shingles
        ("shingles", pa.large_binary()),  # uint64, sorted; null where the text was not read
    ]
)


def nodes_by_part(nodes: Array) -> Iterator[tuple[int, Array]]:
    """(index of the part, rows) of ascending nodes."""
    parts = nodes >> ROW_BITS
    for own in np.split(nodes, np.flatnonzero(np.diff(parts)) + 1) if len(nodes) else []:
        yield int(own[0] >> ROW_BITS), own & ROW_MASK


@dataclass(frozen=True)
class SignedPart:
    """Part `part` of a dump. `card` says which of its documents are excluded; those of `excluded` (ids,
    ascending) are, too."""

    index: int
    dump: str
    tables: DumpTables
    part: int
    card: ReleaseCard
    excluded: pa.Array

    def _read(self, name: str, columns: list[str], rows: Array | None = None) -> pa.Table:
        return self.tables.need(name).read_part(self.part, columns, rows)

    def nodes(self, rows: Array) -> Array:
        return rows.astype(np.int64) | self.index << ROW_BITS

    def admitted(self) -> Array:
        """Rows that pass their own rules, the card and `excluded`: int64, ascending."""
        return self._admitted([])[0]

    def _admitted(self, columns: list[str]) -> tuple[Array, pa.Table]:
        """(admitted rows, all rows of the decisions with these columns)."""
        by_card = bool(self.card.tombstones or self.card.cutoff_date)
        documents, decisions = read_aligned(
            self.part,
            (self.tables.documents, ["url", *DATE_COLUMNS] if by_card else []),
            (self.tables.need("decisions"), ["keep", *columns]),
        )
        keep = decisions["keep"].combine_chunks()
        if by_card:
            excluded = excluded_by_card(self.card, documents["url"], known_dates(documents))
            keep = pc.and_(keep, pc.equal(excluded, ""))
        if len(self.excluded):
            keep = pc.and_not(keep, pc.is_in(documents["doc_id"].combine_chunks(), value_set=self.excluded))
        return np.flatnonzero(keep.to_numpy(zero_copy_only=False)), decisions

    def scan(self, parameters: MinHashParameters) -> tuple[Array, Array, Array, Array]:
        """(rows int64 [n] admitted, contents uint64 [n, 2], rows int64 [m] of them that have a
        shingle, their band keys uint64 [m, bands]), each table read once."""
        signatures = self._signatures("content_hash", "num_shingles", "minhash")
        rows, decisions = self._admitted(["category"])
        parallel = _is_parallel(decisions)
        contents, parallel = _apart(signatures["content_hash"], parallel)[rows], parallel[rows]
        live = signatures["num_shingles"].to_numpy()[rows] > 0
        return rows, contents, rows[live], self._keys(signatures, parallel[live], parameters, rows[live])

    def _parallel(self, rows: Array) -> Array:
        """1 for pairs of parallel text, which are deduplicated against themselves alone; int64
        [n]."""
        return _is_parallel(self._read("decisions", ["category"], rows))

    def _signatures(self, *columns: str) -> pa.Table:
        """Columns of the signatures of this part; LakeError names the file where they are not those
        that the manifest knows.

        A part of other documents, of other texts of theirs or with a flipped bit would remove
        documents without a trace. A flipped bit does not pass the page checksums; which part a file
        is it says itself, and where it does not, it is hashed.
        """
        dataset = self.tables.need("signatures")
        path, wanted = dataset.file(dataset.parts[self.part].path), dataset.parts[self.part].hash
        said = dataset.lake.written_hash(path, dataset.parts[self.part].bytes)
        table = dataset.read_part(self.part, ["doc_id", *columns] if said else None)
        if not said:
            # Parquet gives list items a name of its own, and the type is part of the hash
            written = signature_schema(MinHashParameters.model_validate(dataset.manifest.parameters))
            said = logical_hash(table.cast(written)) if table.schema.names == written.names else ""
        if said != wanted:
            raise LakeError(
                f"{path} is not the part that its manifest names: restore it or rebuild signatures"
            )
        documents = self.tables.documents
        ids = documents.read_part(self.part, ["doc_id"])
        check_aligned(self.part, (documents, ids), (dataset, table))
        return table

    def contents(self, rows: Array) -> tuple[Array, Array]:
        """(content hashes uint64 [n, 2], apart for parallel text; whether the text has a shingle,
        bool [n])."""
        signatures = self._signatures("content_hash", "num_shingles").take(pa.array(rows))
        return _apart(signatures["content_hash"], self._parallel(rows)), signatures[
            "num_shingles"
        ].to_numpy() > 0

    def keys(self, rows: Array, parameters: MinHashParameters) -> Array:
        """Band keys uint64 [n, bands]."""
        return self._keys(self._read("signatures", ["minhash"], rows), self._parallel(rows), parameters)

    def _keys(
        self, signatures: pa.Table, parallel: Array, parameters: MinHashParameters, rows: Array | None = None
    ) -> Array:
        dataset = self.tables.need("signatures")
        values = minhash_matrix(
            signatures["minhash"], parameters.num_perm, dataset.file(dataset.parts[self.part].path)
        )
        return bands.band_keys(values, parameters.bands, parameters.rows, parallel, rows)

    def members(
        self, rows: Array, roots: Array, sizes: Array | None, parameters: MinHashParameters
    ) -> pa.Table:
        """MEMBERS of these rows. With `sizes` (int64 [n]) no text is read and their shingles are
        null."""
        table = self._read("documents", ["doc_id", "side", *DATE_COLUMNS], rows)
        table = table.append_column("date", known_dates(table))
        decisions = self._read("decisions", ["category", "quality", "num_chars"], rows)
        for name in decisions.column_names:
            table = table.append_column(name, decisions[name])
        orders = canonical_keys(table)
        parallel = _is_parallel(decisions)
        signatures = self._read("signatures", ["content_hash", "minhash"], rows)
        contents, keys = (
            _apart(signatures["content_hash"], parallel),
            self._keys(signatures, parallel, parameters),
        )
        sets = pa.nulls(len(rows), pa.large_binary())
        if sizes is None:
            flat, offsets = shingle_sets(
                rendered_texts(self.tables.documents, self.tables.edits, self.part, rows)
            )
            sizes = np.diff(offsets)
            sets = pa.Array.from_buffers(
                pa.large_binary(), len(rows), [None, pa.py_buffer(offsets * 8), pa.py_buffer(flat)]
            )
        columns = [
            pa.array(roots),
            _rows_of_bytes(orders.view(np.uint8).reshape(len(rows), -1)),
            pa.array(self.nodes(rows)),
            table["doc_id"].combine_chunks(),
            pa.Array.from_buffers(ID, len(rows), [None, pa.py_buffer(contents)]),
            _rows_of_bytes(keys.view(np.uint8)),
            pa.array(sizes.astype(np.int32)),
            sets,
        ]
        return pa.Table.from_arrays(columns, schema=MEMBERS)


def _is_parallel(decisions: pa.Table) -> Array:
    return pc.equal(decisions["category"], "parallel").to_numpy().astype(np.int64)


def _apart(content_hashes: pa.ChunkedArray, parallel: Array) -> Array:
    """uint64 [n, 2]: a parallel text never has the content of one that is not."""
    hashes = id_lanes(content_hashes).copy()
    hashes[:, 0] ^= parallel.astype(np.uint64)
    return hashes


def _rows_of_bytes(values: Array) -> pa.Array:
    """binary array of the rows of uint8 [n, width]."""
    values = np.ascontiguousarray(values)
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.Array.from_buffers(
        pa.binary(), len(values), [None, pa.py_buffer(offsets), pa.py_buffer(values)]
    )


def signed_parts(release: ReleaseTables, excluded: pa.Array | None = None) -> list[SignedPart]:
    """Every part of the release's dumps, by the name of the dump. `excluded`: documents excluded
    after a first election."""
    ids = pa.array([], ID) if excluded is None else excluded
    parts = [
        (name, tables, i)
        for name, tables in sorted(release.dumps.items())
        for i in range(len(tables.documents.parts))
    ]
    return [SignedPart(n, name, tables, i, release.card, ids) for n, (name, tables, i) in enumerate(parts)]


def same_parameters(release: ReleaseTables) -> MinHashParameters:
    """The parameters that all signatures share; LakeError names two tables that differ."""
    first: tuple[str, dict[str, Any], str] | None = None
    for name, tables in release.dumps.items():
        manifest = tables.need("signatures").manifest
        if first is None:
            first = (name, manifest.parameters, manifest.content_hash)
        elif manifest.parameters != first[1]:
            raise LakeError(
                f"signatures of {first[0]} ({first[2]}) and {name} ({manifest.content_hash}) have other"
                f" parameters: {first[1]} and {manifest.parameters}; rebuild one of them"
            )
    if first is None:
        raise LakeError(f"release {release.card.name} names no dump")
    return MinHashParameters.model_validate(first[1])
