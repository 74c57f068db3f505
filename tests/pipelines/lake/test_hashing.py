"""Hashes of JSON, bytes and tables: values count, layout does not."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake.hashing import canonical_json, digest, logical_hash


@given(st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20), st.integers(0, 20))
def test_the_logical_hash_ignores_chunks_and_sees_values(values: list[str | None], cut: int) -> None:
    whole = pa.table({"t": pa.array(values, pa.string())})
    chunked = pa.concat_tables([whole.slice(0, cut), whole.slice(cut)])
    assert logical_hash(whole) == logical_hash(chunked)
    changed = pa.table({"t": pa.array([*values, "x"], pa.string())})
    assert logical_hash(whole) != logical_hash(changed)


def test_the_logical_hash_tells_null_from_empty() -> None:
    assert logical_hash(pa.table({"t": pa.array([None], pa.string())})) != logical_hash(
        pa.table({"t": pa.array([""])})
    )


def table(kind: pa.DataType, values: list[Any]) -> pa.Table:
    return pa.table({"x": pa.array(values, kind)})


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.int32(), [1, None, 3]),
        (pa.bool_(), [True, None, False]),
        (pa.binary(2), [b"ab", None, b"cd"]),
        (pa.list_(pa.string()), [["a"], [], None]),
        (pa.struct([("a", pa.int8())]), [{"a": 1}, {"a": None}, {"a": 2}]),
    ],
)
def test_a_slice_hashes_as_a_copy_of_its_rows(kind: pa.DataType, values: list[Any]) -> None:
    whole = table(kind, [values[2], *values, values[0]])
    assert logical_hash(whole.slice(1, 3)) == logical_hash(table(kind, values))
    for other in (values[::-1], values[:2], [values[0], values[0], values[2]]):
        assert logical_hash(table(kind, other)) != logical_hash(table(kind, values))


def test_names_and_types_count_and_dictionaries_do_not() -> None:
    plain = table(pa.string(), ["a", "b", "a"])
    assert logical_hash(plain) != logical_hash(plain.rename_columns(["y"]))
    assert logical_hash(table(pa.int64(), [1])) != logical_hash(table(pa.int32(), [1]))


@given(st.lists(st.binary(max_size=4), max_size=5), st.lists(st.binary(max_size=4), max_size=5))
def test_a_digest_tells_where_one_part_ends(one: list[bytes], other: list[bytes]) -> None:
    assert (digest(*one) == digest(*other)) == (one == other)


def test_the_text_form_of_json_does_not_depend_on_order() -> None:
    assert (
        canonical_json({"b": [1, "中"], "a": {"d": None, "c": 2.0}})
        == '{"a":{"c":2.0,"d":null},"b":[1,"中"]}'
    )
    assert digest("ab", b"c") == digest(b"ab", "c") != digest("a", "bc")


def test_a_type_whose_values_are_objects_is_refused() -> None:
    for column in (pa.array([[1, 2]], pa.list_(pa.int32(), 2)), pa.array([1], pa.decimal128(12))):
        with pytest.raises(TypeError, match="no hash is known for columns of type"):
            logical_hash(pa.table({"a": column}))
