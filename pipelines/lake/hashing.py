"""Hashes of JSON, of byte strings and of the logical content of Arrow tables.

Belongs here: the one text form and the one hash that names data. Does not belong here: what is
hashed and why (lake.py).
"""

from __future__ import annotations

import hashlib
import json
import math
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no spaces: the one text form that hashes are taken of."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def digest(*parts: str | bytes) -> str:
    """Hexadecimal blake2b-128 of length-prefixed parts."""
    h = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        h.update(len(data).to_bytes(8, "little"))
        h.update(data)
    return h.hexdigest()


def _hash_array(h: Any, array: pa.Array) -> None:
    """Feed the logical values of one Arrow array into `h`; the physical layout has no influence."""
    kind = array.type
    h.update(str(kind).encode() + len(array).to_bytes(8, "little"))
    if pa.types.is_dictionary(kind):
        return _hash_array(h, array.dictionary_decode())
    if array.null_count:
        h.update(b"v" + array.is_valid().to_numpy(zero_copy_only=False).tobytes())
    if pa.types.is_list(kind) or pa.types.is_large_list(kind):
        h.update(
            pc.fill_null(pc.list_value_length(array), 0)
            .to_numpy(zero_copy_only=False)
            .astype("<i8")
            .tobytes()
        )
        return _hash_array(h, array.flatten())
    if pa.types.is_struct(kind):
        for child in array.flatten():
            _hash_array(h, child)
        return None
    if pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_large_string(kind):
        large = pc.fill_null(array.cast(pa.large_binary()), b"")
        h.update(pc.binary_length(large).to_numpy(zero_copy_only=False).astype("<i8").tobytes())
        _, offsets, data = large.buffers()
        if data is not None and len(large):
            ends = pa.Array.from_buffers(pa.int64(), len(large) + 1, [None, offsets], offset=large.offset)
            h.update(memoryview(data)[ends[0].as_py() : ends[-1].as_py()])
        return None
    if pa.types.is_fixed_size_binary(kind):
        if array.null_count:
            h.update(repr(array.to_pylist()).encode())
        elif len(array):
            width = kind.byte_width
            h.update(
                memoryview(array.buffers()[1])[array.offset * width : (array.offset + len(array)) * width]
            )
        return None
    if pa.types.is_boolean(kind):
        h.update(pc.fill_null(array, False).to_numpy(zero_copy_only=False).tobytes())
        return None
    if pa.types.is_null(kind):
        return None
    values = (pc.fill_null(array, 0) if array.null_count else array).to_numpy(zero_copy_only=False)
    if values.dtype.hasobject:  # its bytes would be addresses
        raise TypeError(f"no hash is known for columns of type {kind}")
    h.update(values.tobytes())
    return None


def logical_hash(table: pa.Table) -> str:
    """Hash of a table's column names, types and values, independent of chunks, encoding and
    writer. TypeError for types that no table of ours has (lists of fixed size, decimals)."""
    h = hashlib.blake2b(digest_size=16)
    for name, column in zip(table.column_names, table.columns, strict=True):
        h.update(name.encode() + b"\0")
        _hash_array(h, pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type))
    return h.hexdigest()


def with_items(table: pa.Table) -> pa.Table:
    """The table with the items of its lists named `item`, as Arrow names them.

    Parquet names them `element`, and columns read from it keep that name. Arrow holds both types
    equal, yet types count in the hash by their names. No value is copied.
    """
    return table.cast(pa.schema([f.with_type(_items(f.type)) for f in table.schema]))


def _items(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_list(kind):
        return pa.list_(_items(kind.value_type))
    if pa.types.is_struct(kind):
        return pa.struct([f.with_type(_items(f.type)) for f in kind])
    return kind


def refuse_not_finite(data: Any, where: str = "") -> None:
    """Raise ValueError for the first `.nan` or `.inf` in the data of a YAML file, by its key; every
    comparison with one is silent."""
    if isinstance(data, dict):
        for key, value in data.items():
            refuse_not_finite(value, f"{where}.{key}" if where else str(key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            refuse_not_finite(value, f"{where}.{index}")
    elif isinstance(data, float) and not math.isfinite(data):
        raise ValueError(f"{where}: {data} is no finite number")
