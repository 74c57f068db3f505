"""Parquet files: the columns that the card names, a few rows at a time.

Belongs here: types of columns, row groups that cannot be read, bounds on what is decoded. Does not
belong here: which field is what (rows.py).

Columns of text keep their dictionaries while they are read: a dictionary of one long value and a
million references to it is small until it is written out.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pipelines.dumps.records import Record, Tally
from pipelines.dumps.rows import MAX_SEEN, Fields, row_record

BATCH_BYTES = 32 << 20  # decoded bytes of one batch, by the mean that the footer gives
BATCH_ROWS = 512
MAX_RATIO = 1000  # decoded bytes for one of the file, beyond which rows larger than MAX_TRUSTED are a bomb
MAX_TRUSTED = 256 << 20  # bytes
MAX_FOOTER = 256 << 20  # bytes of names and numbers in a footer


def parquet_records(path: Path, fields: Fields, codec: str, tally: Tally) -> Iterator[Record]:
    """Rows with a text. `offset` is the number of the row, from 0. `codec` decodes text that is bytes."""
    try:
        plain = pq.ParquetFile(path, **_LIMITS)
        schema = plain.schema_arrow
        wanted = {name: at for name, at in fields.items() if _type_at(schema, at) is not None}
        keep = [at for at in wanted.values() if at in schema.names and _is_text(schema.field(at).type)]
        source = pq.ParquetFile(path, read_dictionary=keep, **_LIMITS) if keep else plain
    except Exception as error:  # damaged footers raise classes of all kinds
        _refuse_disk_error(error)
        tally.lose("broken/parquet", 0)
        return
    first, stored = 0, path.stat().st_size
    for group in range(source.num_row_groups):
        rows = max(0, source.metadata.row_group(group).num_rows)
        yield from _of_group(source, group, first, rows, stored, wanted, codec, tally)
        first += rows


_LIMITS: dict[str, Any] = {
    "thrift_string_size_limit": MAX_FOOTER,
    "thrift_container_size_limit": MAX_FOOTER,
    "page_checksum_verification": True,
}


def _of_group(
    source: pq.ParquetFile,
    group: int,
    first: int,
    rows: int,
    stored: int,
    wanted: Mapping[str, str],
    codec: str,
    tally: Tally,
) -> Iterator[Record]:
    """The rows of one group; those that cannot be read are counted, and the next group goes on."""
    names = functools.partial(_paths, source.schema_arrow)
    if "text" not in wanted:
        for number in range(first, first + rows):
            row_record({}, number, names, codec, tally)
        return
    done = 0
    try:
        columns = sorted(set(wanted.values()))
        # no look at the chunk of a column: pyarrow 26 ends the process where its statistics are damaged
        decoded = source.metadata.row_group(group).total_byte_size
        batch_rows = _batch_rows(decoded, stored, rows)
        if not batch_rows:
            tally.lose("broken/parquet_bomb", first, by=max(1, rows))
            return
        for batch in source.iter_batches(batch_rows, [group], columns, use_threads=False):
            arrays = {name: _column(batch, at) for name, at in wanted.items()}
            for k in range(batch.num_rows):
                values = {name: array[k].as_py() for name, array in arrays.items()}
                done += 1
                made = row_record(values, first + done - 1, names, codec, tally)
                if made is not None:
                    yield made
    except Exception as error:
        _refuse_disk_error(error)
        tally.lose("broken/parquet", first + done, by=max(1, rows - done))


def _batch_rows(decoded: int, stored: int, rows: int) -> int:
    """Rows of a batch, by the bytes of their group when decoded and those of the file; 0 for a bomb."""
    if decoded > MAX_TRUSTED and decoded > MAX_RATIO * stored:
        return 0
    return max(1, min(BATCH_ROWS, BATCH_BYTES * rows // max(1, decoded)))


def _type_at(schema: pa.Schema, path: str) -> pa.DataType | None:
    """The type of a column or of a field inside of structs; None where there is none."""
    if path in schema.names:
        return schema.field(path).type
    kind: Any = None
    for depth, name in enumerate(path.split(".")):
        if depth == 0:
            kind = schema.field(name).type if name in schema.names else None
        elif kind is None or not pa.types.is_struct(kind) or kind.get_field_index(name) < 0:
            return None
        else:
            kind = kind.field(name).type
    found: pa.DataType | None = kind
    return found


def _paths(schema: pa.Schema) -> list[str]:
    """The columns, and the fields of structs as the paths that a card names."""
    names: list[str] = []
    for column in schema:
        names.append(column.name)
        if pa.types.is_struct(column.type):
            names += [f"{column.name}.{inner.name}" for inner in column.type]
    return names[:MAX_SEEN]


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )


def _column(batch: pa.RecordBatch, path: str) -> pa.Array:
    """A column, or a field of structs, as text, bytes, or what `str` can write."""
    if path in batch.schema.names:
        array = batch.column(path)
    else:
        first, *others = path.split(".")
        array = batch.column(first)
        for name in others:
            array = pc.struct_field(array, name)
    if pa.types.is_temporal(array.type):
        return _as_text(array)
    return array


def _as_text(array: pa.Array) -> pa.Array:
    """Times as text; null beyond the calendar, where Python has no value for them."""
    try:
        return pc.cast(array, pa.string())
    except pa.ArrowException:
        pass
    texts: list[str | None] = []
    for value in array:
        try:
            texts.append(str(value.as_py()) if value.is_valid else None)
        except (ValueError, OverflowError, ArithmeticError, KeyError, OSError):
            texts.append(None)
    return pa.array(texts, pa.string())


def _refuse_disk_error(error: Exception) -> None:
    """A disk that fails is no damage of the file. pyarrow raises OSError without a number for what
    does not decode."""
    if isinstance(error, OSError) and error.errno is not None:
        raise error
